using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// Moves the bytes of a snapshot that CopyStart makes to its region, in the background: no client polls it. Interrupted, it begins again; it fails when the
/// source is deleted, and the snapshot with it.
/// </summary>
public sealed class ReplicateSnapshot(RegionStores regions, Replications replications, Removal removal) : ArmOperation
{
    public override async Task PrepareAsync(EmulatorDbContext db, Operation operation, CancellationToken cancellationToken)
    {
        Snapshot target = await db.Snapshots.AsNoTracking().SingleOrDefaultAsync(snapshot => snapshot.Id == operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        // Frozen before a crash.
        if (regions.Get(target.Location).FindPointSize(target.VolumeId, target.Id) is not null)
            return;
        List<PointPair> bases = await db.Snapshots.Where(copy => copy.VolumeId == target.VolumeId && copy.ReplicationState == ReplicationState.Succeeded)
            .OrderByDescending(copy => copy.SnapshotTime).Select(copy => new PointPair(copy.SourceUniqueId!.Value, copy.Id)).ToListAsync(cancellationToken);
        Replication replication = new(target.Id)
        {
            ResourceRowId = target.Id,
            ResourceId = ArmResourceId.Of(target.SubscriptionId, target.ResourceGroupName, "snapshots", target.Name),
            OperationId = "Snapshots_CreateOrUpdate",
            SourceLocation = target.SourceLocation!,
            SourceVolumeId = target.SourceVolumeId!.Value,
            SourcePointId = target.SourceUniqueId!.Value,
            TargetLocation = target.Location,
            TargetVolumeId = target.VolumeId,
        };
        await replications.RunAsync(replication, bases, cancellationToken);
    }

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Snapshot target = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        if (!await HasSourceAsync(context.Db, target))
            throw ArmErrors.CopySourceDeleted.AsException();
        SnapshotStore store = regions.Get(target.Location);
        store.CreatePoint(target.Id, [target.VolumeId]);
        // A larger one was asked for, or the source has grown since.
        target.SizeBytes = Math.Max(target.SizeBytes, store.FindPointSize(target.VolumeId, target.Id)!.Value);
        store.ResizePoint(target.VolumeId, target.Id, target.SizeBytes);
        target.SnapshotTime = await context.Db.NextSnapshotTimeAsync(target.VolumeId, context.Instant);
        target.ReplicationState = ReplicationState.Succeeded;
        context.AfterCommit(() => replications.End(target.Id));
    }

    public override async Task FailAsync(OperationContext context)
    {
        Guid id = context.Operation.ResourceRowId;
        context.AfterCommit(() => replications.End(id));
        if (await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == id) is not { } target)
            return;
        if (!await HasSourceAsync(context.Db, target))
            target.CopyErrorCode = ArmErrors.SnapshotCopySourceNotFound.Code;
        if (target.ProvisioningState == ProvisioningState.Succeeded)
            target.ProvisioningState = ProvisioningState.Failed;
        await removal.FailCopyAsync(context, target);
    }

    private static Task<bool> HasSourceAsync(EmulatorDbContext db, Snapshot target) => db.Snapshots.AnyAsync(source => source.Id == target.SourceUniqueId);
}
