using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>start, powerOff, deallocate.</summary>
public sealed class ChangePowerState : ArmOperation
{
    public sealed record Arguments(PowerState State);

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        VirtualMachine vm = await context.Db.VirtualMachines.Include(vm => vm.Disks).SingleOrDefaultAsync(vm => vm.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        PowerState state = JsonSerializer.Deserialize<Arguments>(context.Operation.Arguments!)!.State;
        if (state == PowerState.Running)
        {
            // A SAS may have been granted since the request was accepted.
            foreach (Disk disk in vm.Disks)
                if (await context.Db.ActiveGrantAsync(disk.Id, context.Instant) is not null)
                    throw ArmErrors.ActiveSharedAccessSignature(disk.Name).AsException();
        }
        vm.PowerState = state;
        vm.PowerStateTime = context.Instant;
    }
}
