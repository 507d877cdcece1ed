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
        context.AfterCommit(() =>
        {
            SnapshotStore store = regions.Get(snapshot.Location);
            store.DeletePoint(snapshot.VolumeId, snapshot.Id);
            if (snapshot.VolumeId == snapshot.Id)
                store.DeleteHead(snapshot.Id);
        });
    }

    /// <param name="point">Loaded with its disk restore points.</param>
    public async Task RemoveAsync(OperationContext context, RestorePoint point)
    {
        context.Db.RestorePoints.Remove(point);
        foreach (DiskRestorePoint diskPoint in point.DiskRestorePoints)
        {
            await RemoveGrantsAsync(context, diskPoint.Id);
            bool endsVolume = diskPoint.ReplicationState is not null && await IsLastOfVolumeAsync(context, diskPoint.VolumeId);
            context.AfterCommit(() =>
            {
                SnapshotStore store = regions.Get(diskPoint.Location);
                replications.Cancel(diskPoint.Id);
                store.DeletePoint(diskPoint.VolumeId, point.Id);
                if (endsVolume)
                    store.DeleteHead(diskPoint.VolumeId);
            });
        }
    }

    /// <summary>The head of a volume of copies is what the next one is applied to; nobody needs it without any copy.</summary>
    private async Task<bool> IsLastOfVolumeAsync(OperationContext context, Guid volumeId)
    {
        _removedOfVolume[volumeId] = _removedOfVolume.GetValueOrDefault(volumeId) + 1;
        return await context.Db.DiskRestorePoints.CountAsync(point => point.VolumeId == volumeId) == _removedOfVolume[volumeId];
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
