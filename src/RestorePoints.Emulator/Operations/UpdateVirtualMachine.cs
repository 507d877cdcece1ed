using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Ends the creation or change of a virtual machine: makes the disks that it brings along and fills in their names and ids.</summary>
public sealed class UpdateVirtualMachine(RegionStores regions, OperationRunner runner) : ArmOperation
{
    /// <param name="NewDiskIds">The disks that the request brings along; a later request may have detached them.</param>
    public sealed record Arguments(IReadOnlyList<Guid> NewDiskIds);

    /// <summary>Waits for what was accepted before on disks and snapshots that are copied: they may still be on their way.</summary>
    public override async Task PrepareAsync(EmulatorDbContext db, Operation operation, CancellationToken cancellationToken)
    {
        Guid[] sources = [.. (await NewDisks(db, operation).Where(disk => disk.CreateOption == DiskCreateOption.Copy).Select(disk => disk.SourceUniqueId!.Value).ToListAsync(cancellationToken)).Distinct()];
        List<Guid> earlier = await db.Operations
            .Where(other => other.Status == OperationStatus.InProgress && other.Sequence < operation.Sequence && sources.Contains(other.ResourceRowId))
            .Select(other => other.Id).ToListAsync(cancellationToken);
        foreach (Guid id in earlier)
            await runner.WaitAsync(id, Timeout.InfiniteTimeSpan, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
    }

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        VirtualMachine vm = await context.Db.VirtualMachines.Include(vm => vm.Disks).SingleOrDefaultAsync(vm => vm.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        foreach (Disk disk in await NewDisks(context.Db, context.Operation).ToListAsync(cancellationToken))
        {
            await NewDiskVolume.MakeAsync(context, regions, disk, cancellationToken);
            disk.ProvisioningState = ProvisioningState.Succeeded;
        }
        JsonObject body = JsonNode.Parse(vm.Body)!.AsObject();
        VirtualMachineDisks.FillIn(vm, body["properties"]!.AsObject());
        vm.Body = body.ToJsonString();
        vm.ProvisioningState = ProvisioningState.Succeeded;
    }

    /// <summary>The disks that were to be made stay with the machine, as <c>Failed</c> as it is and without bytes.</summary>
    public override async Task FailAsync(OperationContext context)
    {
        VirtualMachine? vm = await context.Db.VirtualMachines.SingleOrDefaultAsync(vm => vm.Id == context.Operation.ResourceRowId);
        vm?.ProvisioningState = ProvisioningState.Failed;
        foreach (Disk disk in await NewDisks(context.Db, context.Operation).ToListAsync())
        {
            disk.ProvisioningState = ProvisioningState.Failed;
            context.AfterCommit(() => regions.Get(disk.Location).DeleteHead(disk.Id));
        }
    }

    /// <summary>Those that are not made yet. Operations of older versions have no arguments and mean what is attached.</summary>
    private static IQueryable<Disk> NewDisks(EmulatorDbContext db, Operation operation)
    {
        IQueryable<Disk> creating = db.Disks.Where(disk => disk.ProvisioningState == ProvisioningState.Creating);
        if (operation.Arguments is null)
            return creating.Where(disk => disk.VirtualMachineId == operation.ResourceRowId);
        IReadOnlyList<Guid> ids = JsonSerializer.Deserialize<Arguments>(operation.Arguments)!.NewDiskIds;
        return creating.Where(disk => ids.Contains(disk.Id));
    }
}
