using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Deletes a collection with all its restore points, or nothing.</summary>
public sealed class DeleteRestorePointCollection(Removal removal, TimeProvider time) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        RestorePointCollection? collection = await context.Db.RestorePointCollections.Include(collection => collection.RestorePoints).ThenInclude(point => point.DiskRestorePoints)
            .SingleOrDefaultAsync(collection => collection.Id == context.Operation.ResourceRowId, cancellationToken);
        if (collection is null)
            return;
        if (await context.Db.HasActiveAccessBelowAsync(context.Db.RestorePoints.Where(point => point.CollectionId == collection.Id), time.GetUtcNow()))
            throw ArmErrors.DiskRestorePointUsedByCustomer.AsException();
        foreach (RestorePoint point in collection.RestorePoints)
            await removal.RemoveAsync(context, point);
        await context.Db.RemoveLocksAsync(collection.SubscriptionId, ArmResourceId.Of(collection.SubscriptionId, collection.ResourceGroupName, "restorePointCollections", collection.Name));
        context.Db.RestorePointCollections.Remove(collection);
    }

    public override async Task FailAsync(OperationContext context)
    {
        RestorePointCollection? collection = await context.Db.RestorePointCollections.SingleOrDefaultAsync(collection => collection.Id == context.Operation.ResourceRowId);
        collection?.ProvisioningState = ProvisioningState.Succeeded;
    }
}
