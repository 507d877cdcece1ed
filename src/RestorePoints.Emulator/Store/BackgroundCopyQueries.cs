using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Store;

/// <summary>The points of Ultra and Premium SSD v2 disks whose bytes are still being copied in the background.</summary>
public static class BackgroundCopyQueries
{
    /// <summary>Refuses points of disks that have as many pending ones as they may, or whose subscription has.</summary>
    /// <param name="disks">Those whose bytes will be copied.</param>
    /// <param name="held">Ids of the restore points and snapshots whose copy does not end by its time.</param>
    public static async Task RequireRoomForCopiesAsync(this EmulatorDbContext db, Guid subscriptionId, IReadOnlyList<Disk> disks, LimitOptions limits, Guid[] held, DateTimeOffset now)
    {
        List<Guid> running = [
            .. await db.DiskRestorePoints.Where(disk => disk.RestorePoint!.Collection!.SubscriptionId == subscriptionId && !disk.CopyFailed
                && (disk.CopyEndTime > now || (disk.CopyEndTime != null && held.Contains(disk.RestorePointId)))).Select(disk => disk.VolumeId).ToListAsync(),
            .. await db.Snapshots.Where(snapshot => snapshot.SubscriptionId == subscriptionId && snapshot.ProvisioningState != ProvisioningState.Failed
                && (snapshot.CopyEndTime > now || (snapshot.CopyEndTime != null && held.Contains(snapshot.Id)))).Select(snapshot => snapshot.VolumeId).ToListAsync(),
        ];
        if (limits.PendingPerDisk > 0 && disks.FirstOrDefault(disk => running.Count(volume => volume == disk.Id) >= limits.PendingPerDisk) is { } full)
            throw ArmErrors.PendingSnapshotLimitReached(full.Name, limits.PendingPerDisk).AsException();
        if (limits.BackgroundCopies > 0 && running.Count + disks.Count > limits.BackgroundCopies)
            throw ArmErrors.BackgroundCopyLimitReached(limits.BackgroundCopies).AsException();
    }
}
