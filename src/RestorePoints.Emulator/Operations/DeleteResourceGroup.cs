using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Deletes a resource group with everything in it; refuses as a whole while a SAS is active below it.</summary>
public sealed class DeleteResourceGroup(Removal removal, TimeProvider time) : ArmOperation
{
    /// <summary>A group is ARM's own; what is in it may be elsewhere.</summary>
    public override bool IsRegional => false;

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        EmulatorDbContext db = context.Db;
        ResourceGroup? group = await db.ResourceGroups.SingleOrDefaultAsync(group => group.Id == context.Operation.ResourceRowId, cancellationToken);
        if (group is null)
            return;

        List<RestorePointCollection> collections = await db.RestorePointCollections.Include(collection => collection.RestorePoints).ThenInclude(point => point.DiskRestorePoints)
            .Where(collection => collection.SubscriptionId == group.SubscriptionId && collection.ResourceGroupName == group.Name).ToListAsync(cancellationToken);
        List<Disk> disks = await db.Disks.Include(disk => disk.VirtualMachine)
            .Where(disk => disk.SubscriptionId == group.SubscriptionId && disk.ResourceGroupName == group.Name).ToListAsync(cancellationToken);
        List<Snapshot> snapshots = await db.Snapshots.Where(snapshot => snapshot.SubscriptionId == group.SubscriptionId && snapshot.ResourceGroupName == group.Name).ToListAsync(cancellationToken);
        await RequireNoActiveAccessAsync(db, collections, disks, snapshots);

        foreach (RestorePointCollection collection in collections)
        {
            foreach (RestorePoint point in collection.RestorePoints)
                await removal.RemoveAsync(context, point);
            db.RestorePointCollections.Remove(collection);
        }
        List<VirtualMachine> machines = await db.VirtualMachines.Include(vm => vm.Disks).Where(vm => vm.SubscriptionId == group.SubscriptionId && vm.ResourceGroupName == group.Name).ToListAsync(cancellationToken);
        if (disks.Find(disk => disk.VirtualMachine is { } vm && !machines.Contains(vm)) is { } attached)
            throw ArmErrors.DiskIsAttached(attached.Name, attached.VirtualMachine!.Name).AsException();
        foreach (Disk disk in machines.SelectMany(vm => vm.Disks))
            disk.Lun = null;
        db.VirtualMachines.RemoveRange(machines);
        foreach (Disk disk in disks)
            await removal.RemoveAsync(context, disk);
        foreach (Snapshot snapshot in snapshots)
            await removal.RemoveAsync(context, snapshot);
        await db.RemoveLocksAsync(group.SubscriptionId, ArmResourceId.ResourceGroupId(group.SubscriptionId, group.Name));
        db.ResourceGroups.Remove(group);
    }

    public override async Task FailAsync(OperationContext context)
    {
        ResourceGroup? group = await context.Db.ResourceGroups.SingleOrDefaultAsync(group => group.Id == context.Operation.ResourceRowId);
        group?.ProvisioningState = ProvisioningState.Succeeded;
    }

    private async Task RequireNoActiveAccessAsync(EmulatorDbContext db, List<RestorePointCollection> collections, List<Disk> disks, List<Snapshot> snapshots)
    {
        HashSet<Guid> granted = [.. await db.ActiveGrants(time.GetUtcNow()).Select(grant => grant.ResourceRowId).ToListAsync()];
        if (collections.Any(collection => collection.RestorePoints.Any(point => point.DiskRestorePoints.Any(disk => granted.Contains(disk.Id)))))
            throw ArmErrors.DiskRestorePointUsedByCustomer.AsException();
        if (disks.Find(disk => granted.Contains(disk.Id)) is { } active)
            throw ArmErrors.DiskHasActiveAccess(active.Name).AsException();
        if (snapshots.Find(snapshot => granted.Contains(snapshot.Id)) is { } read)
            throw ArmErrors.SnapshotHasActiveAccess(read.Name).AsException();
    }
}
