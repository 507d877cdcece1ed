using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.Operations;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// <c>RestorePoints.Emulator verify</c>: checks a data directory on which no emulator runs, and changes nothing in it. The catalog is whole, each region's store
/// keeps its invariants, and every row that promises bytes has them.
/// </summary>
public static class VerifyCommand
{
    /// <summary>The first argument that asks for it.</summary>
    public const string Name = "verify";

    /// <summary>A disk has a row, as Updating, before its operation makes the volume: a kill in between loses nothing, for the next start runs the operation.</summary>
    private static readonly string[] s_creations = [nameof(CreateDisk), nameof(ImportDisk)];

    /// <param name="args">Settings, as for the start; environment and appsettings.json count too.</param>
    /// <returns>The exit code: 0 = nothing is wrong; 1 = something is damaged. What was found is on stdout, a line each.</returns>
    /// <exception cref="StartException">There is no data directory, or an emulator runs on it.</exception>
    public static async Task<int> RunAsync(string[] args)
    {
        var options = new EmulatorOptions();
        EmulatorOptionsReader.Read(EmulatorBuilder.Create(args).Configuration, options);
        string directory = options.DataDirectoryPath;
        if (!Directory.Exists(directory))
            throw new StartException($"there is no data directory {directory}: say which one to verify, --Emulator:DataDirectory=<path>.");
        using DataDirectoryLock held = DataDirectoryLock.Acquire(directory);
        List<StoreFinding> findings = [];
        Console.WriteLine($"verify {directory}");
        using var regions = new RegionStores(directory, new SnapshotStoreOptions());
        Dictionary<string, StoreVerification> stores = VerifyStores(regions, findings);
        await VerifyCatalogAsync(StoreRegistration.CatalogPath(options), stores, findings);
        foreach (StoreFinding finding in findings)
            Console.WriteLine($"  {(finding.IsDamage ? "damage" : "note")}: {finding}");
        int damages = findings.Count(finding => finding.IsDamage);
        Console.WriteLine(damages == 0 ? "verify: OK" : $"verify: {damages} found");
        return damages == 0 ? 0 : 1;
    }

    private static Dictionary<string, StoreVerification> VerifyStores(RegionStores regions, List<StoreFinding> findings)
    {
        Dictionary<string, StoreVerification> stores = new(StringComparer.Ordinal);
        foreach (string region in regions.Existing())
        {
            var store = StoreVerification.Run(regions.DirectoryOf(region));
            stores.Add(region, store);
            findings.AddRange(store.Findings.Select(finding => finding with { Where = $"regions/{region}/{finding.Where}" }));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  region {region}: {store.Volumes.Count} volumes, {store.Volumes.Sum(volume => volume.PointIds.Count)} points, {store.VersionCount:n0} versions of pages, {store.UsedBytes >> 20:n0} MiB"));
        }
        return stores;
    }

    /// <summary>Works on a copy: opening a catalog that was not closed writes to it.</summary>
    private static async Task VerifyCatalogAsync(string catalog, Dictionary<string, StoreVerification> stores, List<StoreFinding> findings)
    {
        string name = Path.GetFileName(catalog);
        bool hasVolumes = stores.Values.Any(store => store.Volumes.Count > 0);
        if (!File.Exists(catalog))
        {
            if (hasVolumes)
                findings.Add(new StoreFinding(true, name, "is missing, but there are bytes of disks."));
            return;
        }
        string copy = Directory.CreateTempSubdirectory("restorepoints-verify-").FullName;
        try
        {
            foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(catalog)!, name + "*").Where(file => !file.EndsWith("-shm", StringComparison.Ordinal)))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            string connectionString = StoreRegistration.ConnectionString(Path.Combine(copy, name), isPooled: false);
            await using var db = new EmulatorDbContext(StoreRegistration.Configure(new DbContextOptionsBuilder<EmulatorDbContext>(), connectionString).Options);
            List<string> faults = await db.Database.SqlQueryRaw<string>("PRAGMA integrity_check").ToListAsync();
            faults.Remove("ok");
            findings.AddRange(faults.Select(fault => new StoreFinding(true, name, fault)));
            if (faults.Count > 0)
                return;
            if (hasVolumes && !(await db.Database.GetAppliedMigrationsAsync()).Any())
            {
                findings.Add(new StoreFinding(true, name, "is empty, but there are bytes of disks."));
                return;
            }
            await StoreRegistration.MigrateAsync(db);
            Console.WriteLine(await CompareAsync(db, stores, findings));
        }
        catch (SqliteException damage)
        {
            findings.Add(new StoreFinding(true, name, damage.Message));
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    /// <summary>Each row that promises bytes against the volumes and points of its region.</summary>
    /// <returns>How many there are, a line to print.</returns>
    internal static async Task<string> CompareAsync(EmulatorDbContext db, Dictionary<string, StoreVerification> stores, List<StoreFinding> findings)
    {
        var disks = await db.Disks.Where(disk => disk.ProvisioningState == ProvisioningState.Succeeded || disk.ProvisioningState == ProvisioningState.Updating)
            .Where(disk => !db.Operations.Any(creation => creation.ResourceRowId == disk.Id && creation.Status == OperationStatus.InProgress && s_creations.Contains(creation.Kind)))
            .Select(disk => new { disk.Location, disk.Id, disk.Name, disk.ResourceGroupName }).ToListAsync();
        var points = await db.DiskRestorePoints.Where(point => point.ReplicationState == null || point.ReplicationState == ReplicationState.Succeeded)
            .Select(point => new { point.Location, point.VolumeId, PointId = point.RestorePointId, point.Name, Of = point.RestorePoint!.Name }).ToListAsync();
        var snapshots = await db.Snapshots.Where(snapshot => snapshot.SnapshotTime != null && (snapshot.ProvisioningState != ProvisioningState.Failed || snapshot.CopyFailed))
            .Select(snapshot => new { snapshot.Location, snapshot.VolumeId, snapshot.Id, snapshot.Name, snapshot.ResourceGroupName }).ToListAsync();

        HashSet<(string, Guid)> heads = [.. stores.SelectMany(store => store.Value.Volumes.Where(volume => volume.HasHead).Select(volume => (store.Key, volume.VolumeId)))];
        HashSet<(string, Guid, Guid)> frozen = [.. stores.SelectMany(store => store.Value.Volumes.SelectMany(volume => volume.PointIds.Select(point => (store.Key, volume.VolumeId, point))))];
        // What a damaged index would have shown is not counted as missing once more.
        HashSet<string> unreadable = [.. stores.Where(store => store.Value is { IsDamaged: true, Volumes.Count: 0 }).Select(store => store.Key)];
        foreach (var disk in disks.Where(disk => !unreadable.Contains(disk.Location) && !heads.Contains((disk.Location, disk.Id))))
            Missing($"disk {disk.ResourceGroupName}/{disk.Name}", $"volume {disk.Id}", disk.Location);
        foreach (var point in points.Where(point => !unreadable.Contains(point.Location) && !frozen.Contains((point.Location, point.VolumeId, point.PointId))))
            Missing($"disk restore point {point.Of}/{point.Name}", $"point {point.PointId} of volume {point.VolumeId}", point.Location);
        foreach (var snapshot in snapshots.Where(snapshot => !unreadable.Contains(snapshot.Location) && !frozen.Contains((snapshot.Location, snapshot.VolumeId, snapshot.Id))))
            Missing($"snapshot {snapshot.ResourceGroupName}/{snapshot.Name}", $"point {snapshot.Id} of volume {snapshot.VolumeId}", snapshot.Location);

        KnownBytes known = await KnownBytes.ReadAsync(db);
        int orphans = stores.Values.SelectMany(store => store.Volumes).Sum(volume =>
            (volume.HasHead && !known.Heads.Contains(volume.VolumeId) ? 1 : 0) + volume.PointIds.Count(point => !known.Points.Contains((volume.VolumeId, point))));
        if (orphans > 0)
            findings.Add(new StoreFinding(false, "catalog.db", $"knows nothing of {orphans} volumes and points, which a crash left; the next start deletes them."));
        return $"  catalog: {disks.Count} disks, {points.Count} disk restore points and {snapshots.Count} snapshots with bytes";

        void Missing(string what, string bytes, string region) => findings.Add(new StoreFinding(true, what, $"has no bytes: {bytes} is not in region {region}."));
    }
}
