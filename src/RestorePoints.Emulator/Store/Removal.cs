using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// Takes resources out of the catalog and, once that is durable, their bytes out of the engine. A crash in between leaves bytes without a
/// row, which start-up removes.
/// </summary>
public sealed class Removal(RegionStores regions, AccessGrants grants, Replications replications)
{
    private readonly Dictionary<Guid, int> _removedOfVolume = [];

    public async Task RemoveAsync(OperationContext context, Disk disk)
    {
        context.Db.Disks.Remove(disk);
        await context.Db.RemoveLocksAsync(disk.SubscriptionId, ArmResourceId.Of(disk.SubscriptionId, disk.ResourceGroupName, "disks", disk.Name));
        await RemoveGrantsAsync(context, disk.Id);
        context.AfterCommit(() => regions.Get(disk.Location).DeleteHead(disk.Id));
    }

    public async Task RemoveAsync(OperationContext context, Snapshot snapshot)
    {
        context.Db.Snapshots.Remove(snapshot);
        await context.Db.RemoveLocksAsync(snapshot.SubscriptionId, ArmResourceId.Of(snapshot.SubscriptionId, snapshot.ResourceGroupName, "snapshots", snapshot.Name));
        await RemoveGrantsAsync(context, snapshot.Id);
        await RemoveBytesAsync(context, snapshot);
    }

    /// <summary>A copy by CopyStart that failed keeps its row and no bytes.</summary>
    public async Task FailCopyAsync(OperationContext context, Snapshot snapshot)
    {
        await RemoveBytesAsync(context, snapshot);
        snapshot.ReplicationState = ReplicationState.Failed;
    }

    /// <param name="point">Loaded with its disk restore points.</param>
    public async Task RemoveAsync(OperationContext context, RestorePoint point)
    {
        context.Db.RestorePoints.Remove(point);
        foreach (DiskRestorePoint diskPoint in point.DiskRestorePoints)
        {
            await RemoveGrantsAsync(context, diskPoint.Id);
            bool endsVolume = diskPoint.ReplicationState is not null && IsLastOfVolume(diskPoint.VolumeId, await context.Db.DiskRestorePoints.CountAsync(known => known.VolumeId == diskPoint.VolumeId));
            context.AfterCommit(() =>
            {
                SnapshotStore store = regions.Get(diskPoint.Location);
                replications.Cancel(diskPoint.Id);
                store.DeletePoint(diskPoint.VolumeId, point.Id);
                // Created from another region: what was frozen there, which the next one was to be compared with.
                if (diskPoint.ReplicationState is not null && point.SourcePointId is null)
                    regions.Get(diskPoint.SourceLocation!).DeletePoint(diskPoint.SourceUniqueId, point.Id);
                if (endsVolume)
                    store.DeleteHead(diskPoint.VolumeId);
            });
        }
    }

    private async Task RemoveBytesAsync(OperationContext context, Snapshot snapshot)
    {
        Guid volumeId = snapshot.VolumeId;
        bool endsVolume = volumeId == snapshot.Id || (snapshot.ReplicationState is not (null or ReplicationState.Failed)
            && IsLastOfVolume(volumeId, await context.Db.Snapshots.CountAsync(copy => copy.VolumeId == volumeId && copy.ReplicationState != ReplicationState.Failed)));
        context.AfterCommit(() =>
        {
            SnapshotStore store = regions.Get(snapshot.Location);
            replications.Cancel(snapshot.Id);
            store.DeletePoint(volumeId, snapshot.Id);
            if (endsVolume)
                store.DeleteHead(volumeId);
        });
    }

    /// <summary>The head of a volume of copies is what the next one is applied to; nobody needs it without any copy.</summary>
    /// <param name="count">Copies of the volume, those that this operation removes too.</param>
    private bool IsLastOfVolume(Guid volumeId, int count)
    {
        _removedOfVolume[volumeId] = _removedOfVolume.GetValueOrDefault(volumeId) + 1;
        return count == _removedOfVolume[volumeId];
    }

    private async Task RemoveGrantsAsync(OperationContext context, Guid resourceRowId)
    {
        foreach (AccessGrant grant in await context.Db.AccessGrants.Where(grant => grant.ResourceRowId == resourceRowId).ToListAsync())
        {
            context.Db.AccessGrants.Remove(grant);
            context.AfterCommit(() => grants.Forget(grant.SignedIdentifier));
        }
    }
}
