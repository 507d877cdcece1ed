using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// Moves the bytes of one disk of a restore point to another region, in the background: no client polls it. They come from the restore point that it is a copy of, or from the
/// machine's own region, where its disks were frozen. Interrupted, it begins again; it fails when the source is deleted, and the restore point with it.
/// </summary>
public sealed class ReplicateDiskRestorePoint(RegionStores regions, Replications replications) : ArmOperation
{
    public override async Task PrepareAsync(EmulatorDbContext db, Operation operation, CancellationToken cancellationToken)
    {
        DiskRestorePoint target = await db.DiskRestorePoints.AsNoTracking().Include(point => point.RestorePoint!.Collection).SingleOrDefaultAsync(point => point.Id == operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        // Frozen before a crash.
        if (regions.Get(target.Location).FindPointSize(target.VolumeId, target.RestorePointId) is not null)
            return;
        FrozenDisk source = await SourceAsync(db, target, cancellationToken);
        var bases = await db.DiskRestorePoints.Where(point => point.VolumeId == target.VolumeId && point.ReplicationState == ReplicationState.Succeeded)
            .OrderByDescending(point => point.SnapshotTime).Select(point => new PointPair(point.RestorePoint!.SourcePointId ?? point.RestorePointId, point.RestorePointId)).ToListAsync(cancellationToken);
        Replication replication = new(target.Id)
        {
            ResourceRowId = target.RestorePointId,
            ResourceId = RestorePointModel.IdOf(target.RestorePoint!, target.RestorePoint!.Collection!),
            OperationId = "RestorePoints_Create",
            SourceLocation = source.Location,
            SourceVolumeId = source.VolumeId,
            SourcePointId = source.PointId,
            TargetLocation = target.Location,
            TargetVolumeId = target.VolumeId,
        };
        await replications.RunAsync(replication, bases, cancellationToken);
    }

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        DiskRestorePoint target = await context.Db.DiskRestorePoints.Include(point => point.RestorePoint).SingleOrDefaultAsync(point => point.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        await SourceAsync(context.Db, target, cancellationToken);
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

    /// <summary>Where the bytes come from.</summary>
    /// <exception cref="ArmException">The restore point that it is a copy of was deleted.</exception>
    private static async Task<FrozenDisk> SourceAsync(EmulatorDbContext db, DiskRestorePoint target, CancellationToken cancellationToken) =>
        target.RestorePoint!.SourcePointId is { } sourcePointId
            ? await db.DiskRestorePoints.Where(source => source.RestorePointId == sourcePointId && source.SourceUniqueId == target.SourceUniqueId)
                .Select(source => new FrozenDisk(source.Location, source.VolumeId, source.RestorePointId)).SingleOrDefaultAsync(cancellationToken) ?? throw ArmErrors.CopySourceDeleted.AsException()
            : new FrozenDisk(target.SourceLocation!, target.SourceUniqueId, target.RestorePointId);

    /// <param name="Location">Region whose store has the point.</param>
    private sealed record FrozenDisk(string Location, Guid VolumeId, Guid PointId);
}
