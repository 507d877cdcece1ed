using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// Moves the bytes of one disk of a copied restore point to its region, in the background: no client polls it. Interrupted, it begins again; it
/// fails when the source is deleted, and the restore point with it.
/// </summary>
public sealed class ReplicateDiskRestorePoint(RegionStores regions, Replications replications) : ArmOperation
{
    public override async Task PrepareAsync(EmulatorDbContext db, Operation operation, CancellationToken cancellationToken)
    {
        DiskRestorePoint target = await db.DiskRestorePoints.AsNoTracking().SingleOrDefaultAsync(point => point.Id == operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        SnapshotStore store = regions.Get(target.Location);
        // Frozen before a crash.
        if (store.FindPointSize(target.VolumeId, target.RestorePointId) is not null)
            return;
        DiskRestorePoint source = await SourceOf(db, target).AsNoTracking().SingleOrDefaultAsync(cancellationToken)
            ?? throw ArmErrors.CopySourceDeleted.AsException();
        var bases = await db.DiskRestorePoints.Where(point => point.VolumeId == target.VolumeId && point.ReplicationState == ReplicationState.Succeeded)
            .OrderByDescending(point => point.SnapshotTime).Select(point => new { point.RestorePoint!.SourcePointId, point.RestorePointId }).ToListAsync(cancellationToken);
        try
        {
            using PointCopy copy = new(regions.Get(source.Location), source.VolumeId, source.RestorePointId, store, target.VolumeId,
                bases.Select(pair => new PointPair(pair.SourcePointId!.Value, pair.RestorePointId)));
            await replications.RunAsync(target, await IdOfPointAsync(db, target, cancellationToken), source.Location, copy, cancellationToken);
        }
        catch (PointNotFoundException)
        {
            throw ArmErrors.CopySourceDeleted.AsException();
        }
        catch (Exception exception) when (exception is VolumeNotFoundException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The copy itself was deleted, or everything was reset.
            throw ArmErrors.EntityNotFound.AsException();
        }
    }

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        DiskRestorePoint target = await context.Db.DiskRestorePoints.SingleOrDefaultAsync(point => point.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        if (!await SourceOf(context.Db, target).AnyAsync(cancellationToken))
            throw ArmErrors.CopySourceDeleted.AsException();
        regions.Get(target.Location).CreatePoint(target.RestorePointId, [target.VolumeId]);
        target.ReplicationState = ReplicationState.Succeeded;
        context.AfterCommit(() => replications.End(target.Id));
    }

    public override async Task FailAsync(OperationContext context)
    {
        Guid id = context.Operation.ResourceRowId;
        context.AfterCommit(() => replications.End(id));
        DiskRestorePoint? target = await context.Db.DiskRestorePoints.Include(point => point.RestorePoint).SingleOrDefaultAsync(point => point.Id == id);
        target?.ReplicationState = ReplicationState.Failed;
        if (target?.RestorePoint is { ProvisioningState: ProvisioningState.Succeeded } point)
            point.ProvisioningState = ProvisioningState.Failed;
    }

    private static async Task<string> IdOfPointAsync(EmulatorDbContext db, DiskRestorePoint target, CancellationToken cancellationToken)
    {
        RestorePoint point = await db.RestorePoints.AsNoTracking().Include(point => point.Collection).SingleAsync(point => point.Id == target.RestorePointId, cancellationToken);
        RestorePointCollection collection = point.Collection!;
        return ArmResourceId.Of(collection.SubscriptionId, collection.ResourceGroupName, "restorePointCollections", collection.Name) + $"/restorePoints/{point.Name}";
    }

    private static IQueryable<DiskRestorePoint> SourceOf(EmulatorDbContext db, DiskRestorePoint target) => db.DiskRestorePoints.Where(source =>
        source.SourceUniqueId == target.SourceUniqueId && db.RestorePoints.Any(copy => copy.Id == target.RestorePointId && copy.SourcePointId == source.RestorePointId));
}
