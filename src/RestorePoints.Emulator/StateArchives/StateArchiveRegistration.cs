using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.StateArchives;

/// <summary>Adds export and import of the whole world, and the seed.</summary>
public static class StateArchiveRegistration
{
    public static IServiceCollection AddStateArchives(this IServiceCollection services) => services.AddScoped<StateExport>().AddScoped<StateImport>();

    /// <summary>Imports the archive of the setting <c>Seed</c> into an empty world. Between the opening of the store and that of the clock.</summary>
    /// <exception cref="StartException">The archive cannot be taken.</exception>
    public static async Task SeedAsync(this WebApplication app)
    {
        WorkDirectory.RemoveLeftovers(app.Services.GetRequiredService<IOptions<EmulatorOptions>>().Value.DataDirectoryPath);
        await using AsyncServiceScope scope = app.Services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<StateImport>().SeedAsync(scope.ServiceProvider.GetRequiredService<EmulatorDbContext>());
    }
}
