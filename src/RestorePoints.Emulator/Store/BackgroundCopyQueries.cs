using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;

namespace RestorePoints.Emulator.Store;

/// <summary>The points of Ultra and Premium SSD v2 disks whose bytes are still being copied in the background, or will be once the point is created.</summary>
public static class BackgroundCopyQueries
{
    /// <summary>Refuses points of disks that have as many pending ones as they may, or whose subscription has.</summary>
    /// <param name="disks">Those whose bytes will be copied.</param>
    /// <param name="held">Ids of the restore points and snapshots whose copy does not end by its time.</param>
    public static async Task RequireRoomForCopiesAsync(this EmulatorDbContext db, Guid subscriptionId, IReadOnlyList<Disk> disks, LimitOptions limits, Guid[] held, DateTimeOffset now)
    {
        List<Guid> running = [.. await OfPointsAsync(db, subscriptionId, held, now), .. await OfComingPointsAsync(db, subscriptionId), .. await OfSnapshotsAsync(db, subscriptionId, held, now)];
        if (limits.PendingPerDisk > 0 && disks.FirstOrDefault(disk => running.Count(volume => volume == disk.Id) >= limits.PendingPerDisk) is { } full)
            throw ArmErrors.PendingSnapshotLimitReached(full.Name, limits.PendingPerDisk).AsException();
        if (limits.BackgroundCopies > 0 && running.Count + disks.Count > limits.BackgroundCopies)
            throw ArmErrors.BackgroundCopyLimitReached(limits.BackgroundCopies).AsException();
    }

    private static Task<List<Guid>> OfPointsAsync(EmulatorDbContext db, Guid subscriptionId, Guid[] held, DateTimeOffset now) => db.DiskRestorePoints
        .Where(disk => disk.RestorePoint!.Collection!.SubscriptionId == subscriptionId && !disk.CopyFailed
            && (disk.CopyEndTime > now || (disk.CopyEndTime != null && held.Contains(disk.RestorePointId))))
        .Select(disk => disk.VolumeId).ToListAsync();

    /// <summary>A restore point that is being created has no rows for its disks; its operation knows them.</summary>
    private static async Task<IEnumerable<Guid>> OfComingPointsAsync(EmulatorDbContext db, Guid subscriptionId)
    {
        var creations = await db.Operations
            .Where(operation => operation.SubscriptionId == subscriptionId && operation.Status == OperationStatus.InProgress && operation.Kind == nameof(CreateRestorePoint))
            .Select(operation => new { operation.Location, operation.Arguments }).ToListAsync();
        List<(Guid Id, string Location)> coming = [];
        foreach (var creation in creations)
            if (JsonSerializer.Deserialize<CreateRestorePoint.Arguments>(creation.Arguments!) is { Concurrent: false } arguments)
                coming.AddRange(arguments.DiskIds.Select(id => (id, creation.Location)));
        Guid[] ids = [.. coming.Select(disk => disk.Id)];
        // Points in another region than the machine's have no copy in the background.
        HashSet<(Guid, string)> copied = [.. (await db.Disks.Where(disk => ids.Contains(disk.Id) && SnapshotAccess.CopiedSkus.Contains(disk.SkuName))
            .Select(disk => new { disk.Id, disk.Location }).ToListAsync()).Select(disk => (disk.Id, disk.Location))];
        return coming.Where(copied.Contains).Select(disk => disk.Id);
    }

    private static Task<List<Guid>> OfSnapshotsAsync(EmulatorDbContext db, Guid subscriptionId, Guid[] held, DateTimeOffset now) => db.Snapshots
        .Where(snapshot => snapshot.SubscriptionId == subscriptionId && snapshot.ProvisioningState != ProvisioningState.Failed && !snapshot.CopyFailed
            && (snapshot.CopyEndTime > now || (snapshot.CopyEndTime != null && held.Contains(snapshot.Id))
                || (snapshot.SnapshotTime == null && db.Disks.Any(disk => disk.Id == snapshot.VolumeId && SnapshotAccess.CopiedSkus.Contains(disk.SkuName)))))
        .Select(snapshot => snapshot.VolumeId).ToListAsync();
}
