using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>What the operations that initiate a copy to another region share: the volume that takes the bytes, and the operation that moves them.</summary>
public sealed class ReplicationStarts(RegionStores regions, OperationRunner runner)
{
    /// <summary>Bytes of the head of a volume; null: it has none.</summary>
    public long? HeadSize(string location, Guid volumeId)
    {
        try
        {
            using VolumeView head = regions.Get(location).OpenHead(volumeId);
            return head.SizeBytes;
        }
        catch (VolumeNotFoundException)
        {
            return null;
        }
    }

    /// <summary>
    /// The volume of the earlier disk restore points of a disk in a collection in another region, whose head the difference is applied to; without one, or when it is larger, a
    /// new one. What an interrupted run made has no row: start-up has removed it.
    /// </summary>
    /// <param name="location">Of the collection.</param>
    /// <param name="sizeBytes">Of the point.</param>
    public async Task<Guid> VolumeAsync(EmulatorDbContext db, Guid collectionId, string location, Guid sourceUniqueId, long sizeBytes)
    {
        Guid? last = await db.DiskRestorePoints.Where(known => known.RestorePoint!.CollectionId == collectionId && known.SourceUniqueId == sourceUniqueId)
            .OrderByDescending(known => known.SnapshotTime).Select(known => (Guid?)known.VolumeId).FirstOrDefaultAsync();
        if (last is { } volumeId && HeadSize(location, volumeId) <= sizeBytes)
            return volumeId;
        Guid made = Guid.NewGuid();
        regions.Get(location).CreateVolume(made, sizeBytes);
        return made;
    }

    /// <summary>Queues the operation that moves the bytes. Those of one volume run in turn: an earlier copy that was deleted may still be stopping.</summary>
    /// <param name="rowId">Of the disk restore point or snapshot.</param>
    public void Start<TOperation>(OperationContext context, Guid rowId, Guid volumeId, string location) where TOperation : ArmOperation
    {
        Operation replication = new()
        {
            Kind = typeof(TOperation).Name,
            SerialKey = volumeId,
            ResourceRowId = rowId,
            SubscriptionId = context.Operation.SubscriptionId,
            Location = location,
            ApiVersion = context.Operation.ApiVersion,
            StartTime = context.Instant,
            DueTime = context.Instant + RecordedDurations.Of(typeof(TOperation).Name),
        };
        context.Db.Operations.Add(replication);
        context.AfterCommit(() => runner.Enqueue(replication));
    }
}
