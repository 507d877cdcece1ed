using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Deletes a virtual machine, and those of its disks whose <c>deleteOption</c> says so. Its collections and restore points stay.</summary>
public sealed class DeleteVirtualMachine(Removal removal, TimeProvider time) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        VirtualMachine? vm = await context.Db.VirtualMachines.Include(vm => vm.Disks).SingleOrDefaultAsync(vm => vm.Id == context.Operation.ResourceRowId, cancellationToken);
        if (vm is null)
            return;
        foreach (Disk disk in VirtualMachineDisks.DeletedWith(vm).ToList())
        {
            if (await context.Db.ActiveGrantAsync(disk.Id, time.GetUtcNow()) is not null)
                throw ArmErrors.DiskHasActiveAccess(disk.Name).AsException();
            await removal.RemoveAsync(context, disk);
        }
        foreach (Disk disk in vm.Disks)
            disk.Lun = null;
        await context.Db.RemoveLocksAsync(vm.SubscriptionId, ArmResourceId.Of(vm.SubscriptionId, vm.ResourceGroupName, "virtualMachines", vm.Name));
        context.Db.VirtualMachines.Remove(vm);
    }

    public override async Task FailAsync(OperationContext context)
    {
        VirtualMachine? vm = await context.Db.VirtualMachines.SingleOrDefaultAsync(vm => vm.Id == context.Operation.ResourceRowId);
        vm?.ProvisioningState = ProvisioningState.Succeeded;
    }
}
