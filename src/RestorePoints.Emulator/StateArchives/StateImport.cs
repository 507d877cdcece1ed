using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
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

    /// <summary>Code of SQLite.</summary>
    private const int Constraint = 19;

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
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            LogNotUnpacked(fault, path);
            throw new StateArchiveException("it cannot be read or unpacked; the log says why.", fault);
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
        }
        catch (StateArchiveException fault)
        {
            throw new StartException($"Emulator:Seed={path} cannot be imported: {fault.Message}", fault);
        }
        LogSeeded(path);
    }

    /// <summary>
    /// Inside the catalog's gate and a transaction, which this commits, of a world without rows. Whatever comes of it: stores and memory are afterwards those of the catalog.
    /// </summary>
    /// <exception cref="StateArchiveException">Its rows are not valid. The world is as empty as it was.</exception>
    internal async Task ReplaceAsync(EmulatorDbContext db, StagedState state, AttachedCatalog catalog, bool isSeed)
    {
        try
        {
            await using IDbContextTransaction transaction = db.Database.CurrentTransaction!;
            await catalog.CopyRowsAsync();
            await db.Settings.Where(setting => setting.Name == SeededSetting).ExecuteDeleteAsync();
            if (isSeed)
                db.Settings.Add(new StoreSetting { Name = SeededSetting, Value = "true" });
            await db.SaveChangesAsync();
            regions.Replace(state.RegionsPath, state.ReplacedPath);
            await transaction.CommitAsync();
        }
        catch (SqliteException fault) when (fault.SqliteErrorCode == Constraint)
        {
            throw new StateArchiveException($"a row of its catalog is not valid: {fault.Message}", fault);
        }
        finally
        {
            db.ChangeTracker.Clear();
            await loader.LoadAsync(db);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The seed {Path} could not be unpacked")]
    private partial void LogNotUnpacked(Exception exception, string path);

    [LoggerMessage(Level = LogLevel.Information, Message = "The seed {Path} was imported")]
    private partial void LogSeeded(string path);

    [LoggerMessage(Level = LogLevel.Information, Message = "The seed {Path} was not imported: the data directory has a world already")]
    private partial void LogNotEmpty(string path);
}
