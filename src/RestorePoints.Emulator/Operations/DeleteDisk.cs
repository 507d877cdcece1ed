using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Deletes a disk. Restore points keep what they froze of it.</summary>
public sealed class DeleteDisk(Removal removal, TimeProvider time) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Disk? disk = await context.Db.Disks.Include(disk => disk.VirtualMachine).SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId, cancellationToken);
        if (disk is null)
            return;
        if (disk.VirtualMachine is { } vm)
            throw ArmErrors.DiskIsAttached(disk.Name, vm.Name).AsException();
        // Granted after the request was accepted.
        if (await context.Db.ActiveGrantAsync(disk.Id, time.GetUtcNow()) is not null)
            throw ArmErrors.DiskHasActiveAccess(disk.Name).AsException();
        await removal.RemoveAsync(context, disk);
    }

    public override async Task FailAsync(OperationContext context)
    {
        Disk? disk = await context.Db.Disks.SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId);
        disk?.ProvisioningState = ProvisioningState.Succeeded;
    }
}
