using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Hosting;
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
        {
            EmulatorOptions options = provider.GetRequiredService<IOptions<EmulatorOptions>>().Value;
            Configure(db, ConnectionString(CatalogPath(options))).AddInterceptors(new SqlitePragmas(options.Durability));
        });
        services.AddSingleton(provider =>
        {
            EmulatorOptions options = provider.GetRequiredService<IOptions<EmulatorOptions>>().Value;
            return new RegionStores(options.DataDirectoryPath, new SnapshotStoreOptions { Durability = options.Durability });
        });
        services.AddScoped<Removal>();
        services.AddScoped<Reconciliation>();
        services.AddScoped<WorldLoader>();
        return services;
    }

    /// <summary>Brings the catalog to this version's schema, loads what lives in memory, and removes bytes that a crash left without a row.</summary>
    public static async Task OpenStoreAsync(this WebApplication app)
    {
        await using AsyncServiceScope scope = app.Services.CreateAsyncScope();
        EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
        RequireCatalog(scope.ServiceProvider);
        await MigrateAsync(db);
        await scope.ServiceProvider.GetRequiredService<WorldLoader>().LoadAsync(db);
    }

    /// <summary>Without a catalog every byte looks like what a crash left, and would be deleted.</summary>
    private static void RequireCatalog(IServiceProvider services)
    {
        string path = CatalogPath(services.GetRequiredService<IOptions<EmulatorOptions>>().Value);
        RegionStores regions = services.GetRequiredService<RegionStores>();
        if (new FileInfo(path) is not { Exists: true, Length: > 0 } && !File.Exists(path + "-wal") && regions.Existing().Any(region => regions.Get(region).ListVolumes().Count > 0))
            throw new StartException($"{path} is missing or empty, but there are bytes of disks. Bring it back, or begin with an empty directory: --Emulator:DataDirectory=<path>.");
    }

    /// <summary>
    /// Brings a catalog that no other process has open to this version's schema. EF Core keeps a lock in the file while it migrates, and waits for one without limit: what a
    /// kill leaves of it would stop every later start.
    /// </summary>
    public static async Task MigrateAsync(EmulatorDbContext db, CancellationToken cancellationToken = default)
    {
        await db.Database.ExecuteSqlRawAsync("DROP TABLE IF EXISTS \"__EFMigrationsLock\"", cancellationToken);
        await db.Database.MigrateAsync(cancellationToken);
    }

    public static string CatalogPath(EmulatorOptions options) => Path.Combine(options.DataDirectoryPath, "catalog.db");

    /// <param name="isPooled">Otherwise the file is closed with the connection.</param>
    public static string ConnectionString(string catalogPath, bool isPooled = true) => new SqliteConnectionStringBuilder { DataSource = catalogPath, Pooling = isPooled }.ToString();

    /// <summary>Makes a context one of a catalog.</summary>
    public static TBuilder Configure<TBuilder>(TBuilder db, string connectionString) where TBuilder : DbContextOptionsBuilder
    {
        // That the migrations are up to date is a test's business: finding out takes a tenth of a second at every start.
        db.UseSqlite(connectionString).ConfigureWarnings(warnings => warnings.Ignore(RelationalEventId.PendingModelChangesWarning));
        return db;
    }
}
