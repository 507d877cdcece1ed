using Microsoft.EntityFrameworkCore;

namespace RestorePoints.Emulator.Store;

/// <summary>The volumes with a head and the points that some row of the catalog stands for, finished or begun. Everything else in the engine was left by a crash.</summary>
/// <param name="Heads">Ids of volumes.</param>
/// <param name="Points">Ids of volumes and of points in them.</param>
public sealed record KnownBytes(HashSet<Guid> Heads, HashSet<(Guid Volume, Guid Point)> Points)
{
    public static async Task<KnownBytes> ReadAsync(EmulatorDbContext db)
    {
        // What could not be created has no bytes; what was frozen keeps them when its copy in the background fails.
        HashSet<Guid> heads = [.. await db.Disks.Where(disk => disk.ProvisioningState != ProvisioningState.Failed).Select(disk => disk.Id).ToListAsync()];
        var snapshots = await db.Snapshots.Where(snapshot => (snapshot.ProvisioningState != ProvisioningState.Failed || snapshot.CopyFailed) && snapshot.ReplicationState != ReplicationState.Failed)
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
        return new KnownBytes(heads, points);
    }
}
