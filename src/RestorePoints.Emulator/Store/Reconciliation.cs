using Microsoft.EntityFrameworkCore;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// Removes from the engine what no row knows: what a crash left between bytes and row. The operations that were interrupted are resumed
/// afterwards; each makes its bytes again.
/// </summary>
public sealed partial class Reconciliation(EmulatorDbContext db, RegionStores regions, ILogger<Reconciliation> log)
{
    public async Task RunAsync()
    {
        if (regions.Existing() is not { Count: > 0 } existing)
            return;
        // What could not be created has no bytes.
        HashSet<Guid> heads = [.. await db.Disks.Where(disk => disk.ProvisioningState != ProvisioningState.Failed).Select(disk => disk.Id).ToListAsync()];
        var snapshots = await db.Snapshots.Where(snapshot => snapshot.ProvisioningState != ProvisioningState.Failed && snapshot.ReplicationState != ReplicationState.Failed)
            .Select(snapshot => new { snapshot.Id, snapshot.VolumeId, IsFrozen = snapshot.SnapshotTime != null, IsCopy = snapshot.ReplicationState != null }).ToListAsync();
        HashSet<(Guid Volume, Guid Point)> points = [.. (await db.DiskRestorePoints.Select(point => new { point.VolumeId, point.RestorePointId }).ToListAsync())
            .Select(point => (point.VolumeId, point.RestorePointId))];
        // Created from another region, where the disks were frozen.
        points.UnionWith((await db.DiskRestorePoints.Where(point => point.ReplicationState != null && point.RestorePoint!.SourcePointId == null)
            .Select(point => new { point.SourceUniqueId, point.RestorePointId }).ToListAsync()).Select(point => (point.SourceUniqueId, point.RestorePointId)));
        heads.UnionWith(await db.DiskRestorePoints.Where(point => point.ReplicationState != null).Select(point => point.VolumeId).Distinct().ToListAsync());
        foreach (var snapshot in snapshots)
        {
            // An interrupted snapshot of a disk is taken anew, later than what was taken since; a volume of its own cannot be made twice.
            bool ownsVolume = snapshot.VolumeId == snapshot.Id;
            if (snapshot.IsFrozen || snapshot.IsCopy || ownsVolume)
                points.Add((snapshot.VolumeId, snapshot.Id));
            if (snapshot.IsCopy || (!snapshot.IsFrozen && ownsVolume))
                heads.Add(snapshot.VolumeId);
        }

        foreach (string region in existing)
        {
            SnapshotStore store = regions.Get(region);
            foreach (VolumeDescription volume in store.ListVolumes())
            {
                foreach (Guid point in volume.PointIds.Where(point => !points.Contains((volume.VolumeId, point))))
                {
                    store.DeletePoint(volume.VolumeId, point);
                    LogOrphanPoint(point, volume.VolumeId, region);
                }
                if (volume.HasHead && !heads.Contains(volume.VolumeId))
                {
                    store.DeleteHead(volume.VolumeId);
                    LogOrphanVolume(volume.VolumeId, region);
                }
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Point {Point} of volume {Volume} in {Region} had no row and was deleted")]
    private partial void LogOrphanPoint(Guid point, Guid volume, string region);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} in {Region} had no row and was deleted")]
    private partial void LogOrphanVolume(Guid volume, string region);
}
