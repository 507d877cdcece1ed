using Microsoft.EntityFrameworkCore;

namespace RestorePoints.Emulator.Store;

/// <summary>Blob snapshot times. The disk restore points and snapshots of one volume share one sequence, so a time names one of them.</summary>
public static class SnapshotTimes
{
    /// <summary>The time of a point that is frozen now: later than that of every other of the volume, also when the clock was set back.</summary>
    public static async Task<DateTimeOffset> NextSnapshotTimeAsync(this EmulatorDbContext db, Guid volumeId, DateTimeOffset now)
    {
        DateTimeOffset? point = await db.LastPointTimeAsync(volumeId);
        DateTimeOffset? snapshot = await db.LastSnapshotTimeAsync(volumeId);
        DateTimeOffset? last = point > snapshot || snapshot is null ? point : snapshot;
        return last >= now ? last.Value.AddTicks(1) : now;
    }

    /// <summary>Id in the engine of the disk restore point or incremental snapshot with this time; null: there is none.</summary>
    public static async Task<Guid?> FindPointAsync(this EmulatorDbContext db, string location, Guid volumeId, DateTimeOffset snapshotTime, CancellationToken cancellationToken) =>
        await db.DiskRestorePoints.Where(point => point.Location == location && point.VolumeId == volumeId && point.SnapshotTime == snapshotTime)
            .Select(point => (Guid?)point.RestorePointId).SingleOrDefaultAsync(cancellationToken)
        ?? await db.Snapshots.Where(snapshot => snapshot.Location == location && snapshot.VolumeId == volumeId && snapshot.SnapshotTime == snapshotTime && snapshot.Incremental)
            .Select(snapshot => (Guid?)snapshot.Id).SingleOrDefaultAsync(cancellationToken);
}
