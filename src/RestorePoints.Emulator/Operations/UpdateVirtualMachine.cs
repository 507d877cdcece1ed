using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Ends the creation or change of a virtual machine: makes the disks that it brings along and fills in their names and ids.</summary>
public sealed class UpdateVirtualMachine(RegionStores regions) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        VirtualMachine vm = await context.Db.VirtualMachines.Include(vm => vm.Disks).SingleOrDefaultAsync(vm => vm.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        foreach (Disk disk in vm.Disks.Where(disk => disk.ProvisioningState == ProvisioningState.Creating))
        {
            regions.Get(disk.Location).CreateVolume(disk.Id, disk.SizeBytes);
            disk.ProvisioningState = ProvisioningState.Succeeded;
        }
        JsonObject body = JsonNode.Parse(vm.Body)!.AsObject();
        VirtualMachineDisks.FillIn(vm, body["properties"]!.AsObject());
        vm.Body = body.ToJsonString();
        vm.ProvisioningState = ProvisioningState.Succeeded;
    }

    public override async Task FailAsync(OperationContext context)
    {
        VirtualMachine? vm = await context.Db.VirtualMachines.Include(vm => vm.Disks).SingleOrDefaultAsync(vm => vm.Id == context.Operation.ResourceRowId);
        if (vm is null)
            return;
        vm.ProvisioningState = ProvisioningState.Failed;
        foreach (Disk disk in vm.Disks.Where(disk => disk.ProvisioningState == ProvisioningState.Creating))
            disk.ProvisioningState = ProvisioningState.Failed;
    }
}
