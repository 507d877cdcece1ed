using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Deletes a snapshot; the others of its family and the disks made from it stay whole.</summary>
public sealed class DeleteSnapshot(Removal removal, TimeProvider time) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Snapshot? snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId, cancellationToken);
        if (snapshot is null)
            return;
        // Granted after the request was accepted.
        if (await context.Db.ActiveGrantAsync(snapshot.Id, time.GetUtcNow()) is not null)
            throw ArmErrors.SnapshotHasActiveAccess(snapshot.Name).AsException();
        await removal.RemoveAsync(context, snapshot);
    }

    public override async Task FailAsync(OperationContext context)
    {
        Snapshot? snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId);
        snapshot?.ProvisioningState = snapshot.IsCreated ? ProvisioningState.Succeeded : ProvisioningState.Failed;
    }
}
