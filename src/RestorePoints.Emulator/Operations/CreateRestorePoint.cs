using System.Text.Json;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>Freezes all included disks of a virtual machine at one instant.</summary>
public sealed class CreateRestorePoint(RegionStores regions, TimeProvider time) : ArmOperation
{
    /// <param name="DiskIds">The disks that were attached and not excluded when the request was accepted.</param>
    /// <param name="Concurrent">Another point of the machine was being created then: this one fails.</param>
    /// <param name="CrashConsistent">Asked for in the request.</param>
    public sealed record Arguments(IReadOnlyList<Guid> DiskIds, bool Concurrent, bool CrashConsistent);

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Arguments arguments = JsonSerializer.Deserialize<Arguments>(context.Operation.Arguments!)!;
        RestorePoint point = await context.Db.FindRestorePointAsync(context.Operation.ResourceRowId)
            ?? throw ArmErrors.EntityNotFound.AsException();
        if (arguments.Concurrent)
            throw ArmErrors.ConcurrentRestorePoint.AsException();
        VirtualMachine vm = await context.Db.FindMachineAsync(point.VirtualMachineId)
            ?? throw ArmErrors.MachineChanged.AsException();
        List<Disk> disks = [.. vm.Disks.Where(disk => arguments.DiskIds.Contains(disk.Id))];
        if (disks.Count != arguments.DiskIds.Count)
            throw ArmErrors.MachineChanged.AsException();
        if (disks.Exists(disk => disk.ProvisioningState is not (ProvisioningState.Succeeded or ProvisioningState.Updating)))
            throw ArmErrors.DisksNotAllocated.AsException();

        try
        {
            SnapshotStore store = regions.Get(vm.Location);
            // A point that an interrupted run left may be older than snapshots with an earlier time; nobody has seen it.
            foreach (Guid disk in arguments.DiskIds)
                store.DeletePoint(disk, point.Id);
            store.CreatePoint(point.Id, [.. arguments.DiskIds]);
        }
        catch (VolumeNotFoundException)
        {
            // A disk that is still being made.
            throw ArmErrors.DisksNotAllocated.AsException();
        }
        DateTimeOffset now = time.GetUtcNow();
        foreach (Disk disk in disks)
            context.Db.DiskRestorePoints.Add(await DiskRestorePointAsync(context.Db, point, disk, now));
        point.ConsistencyMode = arguments.CrashConsistent ? "CrashConsistent" : ConsistencyOf(vm);
        point.ProvisioningState = ProvisioningState.Succeeded;
    }

    public override async Task FailAsync(OperationContext context)
    {
        RestorePoint? point = await context.Db.FindRestorePointAsync(context.Operation.ResourceRowId);
        point?.ProvisioningState = ProvisioningState.Failed;
    }

    /// <summary>A guest that is off cannot flush; a Windows guest has VSS, a Linux guest freezes its file systems.</summary>
    private static string ConsistencyOf(VirtualMachine vm) => vm switch
    {
        { PowerState: not PowerState.Running } => "CrashConsistent",
        _ when vm.Disks.Exists(disk => disk.OsType == "Windows") => "ApplicationConsistent",
        _ => "FileSystemConsistent",
    };

    private static async Task<DiskRestorePoint> DiskRestorePointAsync(EmulatorDbContext db, RestorePoint point, Disk disk, DateTimeOffset now)
    {
        return new DiskRestorePoint
        {
            RestorePointId = point.Id,
            Name = $"{disk.Name}_{Guid.NewGuid()}",
            Location = disk.Location,
            VolumeId = disk.Id,
            SourceUniqueId = disk.Id,
            SourceResourceId = ArmResourceId.Of(disk.SubscriptionId, disk.ResourceGroupName, "disks", disk.Name),
            SizeBytes = disk.SizeBytes,
            Lun = disk.Lun!.Value,
            OsType = disk.OsType,
            HyperVGeneration = disk.HyperVGeneration,
            SkuName = disk.SkuName,
            NetworkAccessPolicy = disk.NetworkAccessPolicy,
            PublicNetworkAccess = disk.PublicNetworkAccess,
            DiskSettings = disk.Settings,
            TimeCreated = now,
            SnapshotTime = await db.NextSnapshotTimeAsync(disk.Id, now),
        };
    }
}
