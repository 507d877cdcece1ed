using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Deletes a restore point; the others of its chain stay whole.</summary>
public sealed class DeleteRestorePoint(Removal removal, TimeProvider time) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        RestorePoint? point = await context.Db.RestorePoints.Include(point => point.DiskRestorePoints).Include(point => point.Collection)
            .SingleOrDefaultAsync(point => point.Id == context.Operation.ResourceRowId, cancellationToken);
        if (point is null)
            return;
        if (await context.Db.HasActiveAccessBelowAsync(context.Db.RestorePoints.Where(known => known.Id == point.Id), time.GetUtcNow()))
            throw ArmErrors.DiskRestorePointUsedByCustomer.AsException();
        await context.Db.RemoveLocksAsync(point.Collection!.SubscriptionId, RestorePointModel.IdOf(point, point.Collection));
        await removal.RemoveAsync(context, point);
    }

    public override async Task FailAsync(OperationContext context)
    {
        RestorePoint? point = await context.Db.RestorePoints.Include(point => point.DiskRestorePoints).SingleOrDefaultAsync(point => point.Id == context.Operation.ResourceRowId);
        bool isWhole = point?.DiskRestorePoints is { Count: > 0 } disks && !disks.Exists(disk => disk.CopyFailed || disk.ReplicationState == ReplicationState.Failed);
        point?.ProvisioningState = isWhole ? ProvisioningState.Succeeded : ProvisioningState.Failed;
    }
}
