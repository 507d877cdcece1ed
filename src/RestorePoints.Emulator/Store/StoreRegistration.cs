using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Store;

/// <summary>Adds and opens the two stores of a data directory: the catalog (SQLite, <c>catalog.db</c>) and the snapshot engine (<c>regions/</c>).</summary>
public static class StoreRegistration
{
    public static IServiceCollection AddStore(this IServiceCollection services)
    {
        services.AddSingleton<CatalogWriter>();
        services.AddSingleton<ResourceLocks>();
        services.AddSingleton<RegionStates>();
        services.AddDbContextPool<EmulatorDbContext>((provider, db) =>
            db.UseSqlite(ConnectionString(provider.GetRequiredService<IOptions<EmulatorOptions>>().Value))
                // That the migrations are up to date is a test's business: finding out takes a tenth of a second at every start.
                .ConfigureWarnings(warnings => warnings.Ignore(RelationalEventId.PendingModelChangesWarning))
                .AddInterceptors(new SqlitePragmas(provider.GetRequiredService<IOptions<EmulatorOptions>>().Value.Durability)));
        services.AddSingleton(provider =>
        {
            EmulatorOptions options = provider.GetRequiredService<IOptions<EmulatorOptions>>().Value;
            return new RegionStores(options.DataDirectoryPath, new SnapshotStoreOptions { Durability = options.Durability });
        });
        services.AddScoped<Removal>();
        services.AddScoped<Reconciliation>();
        return services;
    }

    /// <summary>Brings the catalog to this version's schema, loads what lives in memory, and removes bytes that a crash left without a row.</summary>
    public static async Task OpenStoreAsync(this WebApplication app)
    {
        await using AsyncServiceScope scope = app.Services.CreateAsyncScope();
        EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
        await db.Database.MigrateAsync();
        await app.Services.GetRequiredService<AccessGrants>().LoadAsync(db);
        await app.Services.GetRequiredService<ResourceLocks>().LoadAsync(db);
        await app.Services.GetRequiredService<RegionStates>().LoadAsync(db);
        await scope.ServiceProvider.GetRequiredService<Reconciliation>().RunAsync();
    }

    private static string ConnectionString(EmulatorOptions options) =>
        new SqliteConnectionStringBuilder { DataSource = Path.Combine(options.DataDirectoryPath, "catalog.db") }.ToString();
}
