using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.StateArchives;

/// <summary>
/// Puts an archive in the place of an empty world. The stores come first, which without rows are nothing that anybody could see; one transaction of the catalog
/// then makes the world. A kill before its commit leaves the empty world, whose stores <see cref="Reconciliation"/> clears.
/// </summary>
public sealed partial class StateImport(RegionStores regions, CatalogWriter writer, WorldLoader loader, IOptions<EmulatorOptions> options, ILogger<StateImport> log)
{
    /// <summary>Name of a setting: this world has had its seed. Deleting all that is in it does not bring the seed back; a reset does.</summary>
    public const string SeededSetting = "seeded";

    /// <summary>Whether there is no resource, resource group or operation.</summary>
    public static async Task<bool> IsEmptyAsync(EmulatorDbContext db) =>
        !(await db.ResourceGroups.AnyAsync() || await db.Operations.AnyAsync() || await db.Disks.AnyAsync() || await db.Snapshots.AnyAsync()
            || await db.VirtualMachines.AnyAsync() || await db.RestorePointCollections.AnyAsync());

    /// <summary>Unpacks and checks an archive beside the world.</summary>
    /// <exception cref="StateArchiveException">It cannot be taken.</exception>
    internal Task<StagedState> StageAsync(string archivePath, CancellationToken cancellationToken) => StagedState.OpenAsync(archivePath, options.Value, cancellationToken);

    /// <summary>The same for the archive of the setting <c>Seed</c>; null without one.</summary>
    /// <exception cref="StateArchiveException">It cannot be taken.</exception>
    internal async Task<StagedState?> StageSeedAsync(CancellationToken cancellationToken)
    {
        if (options.Value.SeedPath is not { } path)
            return null;
        try
        {
            return await StageAsync(path, cancellationToken);
        }
        catch (Exception fault) when (fault is StateArchiveException or IOException or UnauthorizedAccessException)
        {
            throw new StateArchiveException($"Emulator:Seed={path} cannot be imported: {fault.Message}", fault);
        }
    }

    /// <summary>At start, once the catalog is open.</summary>
    /// <exception cref="StartException">The archive cannot be taken.</exception>
    public async Task SeedAsync(EmulatorDbContext db)
    {
        if (options.Value.SeedPath is not { } path)
            return;
        if (!await IsEmptyAsync(db) || await db.Settings.AnyAsync(setting => setting.Name == SeededSetting))
        {
            LogNotEmpty(path);
            return;
        }
        try
        {
            using StagedState seed = (await StageSeedAsync(CancellationToken.None))!;
            await using AttachedCatalog attached = await AttachedCatalog.OpenAsync(db, seed);
            await using CatalogWrite write = await writer.BeginAsync(db, CancellationToken.None);
            await ReplaceAsync(db, seed, attached, isSeed: true);
            await write.CommitAsync();
            await loader.LoadAsync(db);
        }
        catch (StateArchiveException fault)
        {
            throw new StartException(fault.Message, fault);
        }
        LogSeeded(path);
    }

    /// <summary>Inside a transaction of the catalog, of a world without rows. The caller commits and then calls <see cref="WorldLoader.LoadAsync"/>.</summary>
    internal async Task ReplaceAsync(EmulatorDbContext db, StagedState state, AttachedCatalog catalog, bool isSeed)
    {
        regions.Replace(state.RegionsPath, state.ReplacedPath);
        await catalog.CopyRowsAsync();
        await db.Settings.Where(setting => setting.Name == SeededSetting).ExecuteDeleteAsync();
        if (!isSeed)
            return;
        db.Settings.Add(new StoreSetting { Name = SeededSetting, Value = "true" });
        await db.SaveChangesAsync();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The seed {Path} was imported")]
    private partial void LogSeeded(string path);

    [LoggerMessage(Level = LogLevel.Information, Message = "The seed {Path} was not imported: the data directory has a world already")]
    private partial void LogNotEmpty(string path);
}
