using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Makes a new disk: its volume, with the bytes of its source.</summary>
public sealed class CreateDisk(RegionStores regions) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Disk disk = await context.Db.Disks.SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        await NewDiskVolume.MakeAsync(context, regions, disk, cancellationToken);
        disk.ProvisioningState = ProvisioningState.Succeeded;
        context.SetOutput(DiskModel.From(disk, null));
    }

    public override async Task FailAsync(OperationContext context)
    {
        Disk? disk = await context.Db.Disks.SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId);
        disk?.ProvisioningState = ProvisioningState.Failed;
    }
}
