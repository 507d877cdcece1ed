using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// Freezes all included disks of a virtual machine at one instant. For a collection in another region it starts a <see cref="ReplicateDiskRestorePoint"/> for each; the points in
/// the machine's own region stay as long as the restore point, so that the next one moves the difference only.
/// </summary>
public sealed class CreateRestorePoint(RegionStores regions, RegionStates states, ReplicationStarts starts, SnapshotAccess access) : ArmOperation
{
    /// <param name="DiskIds">The disks that were attached and not excluded when the request was accepted.</param>
    /// <param name="Concurrent">Another point of the machine was being created then: this one fails.</param>
    /// <param name="CrashConsistent">Asked for in the request.</param>
    /// <param name="AttachedIds">All disks that were attached then; null in operations of older versions.</param>
    public sealed record Arguments(IReadOnlyList<Guid> DiskIds, bool Concurrent, bool CrashConsistent, IReadOnlyList<Guid>? AttachedIds = null)
    {
        /// <summary>What the JSON of the arguments of one mode contains.</summary>
        public static string OfMode(bool crashConsistent) => $"\"{nameof(CrashConsistent)}\":{(crashConsistent ? "true" : "false")}";
    }

    /// <summary>Restore points after a failure of VSS that do without it.</summary>
    private const int AttemptsWithoutVss = 3;

    private bool _vssFailed;

    /// <summary>Waits for the machine's region, when that is another one than the collection's.</summary>
    public override async Task PrepareAsync(EmulatorDbContext db, Operation operation, CancellationToken cancellationToken)
    {
        if (states.AnyOffline && await db.VirtualMachines.Where(vm => db.RestorePoints.Any(point => point.Id == operation.ResourceRowId && point.VirtualMachineId == vm.Id))
                .Select(vm => vm.Location).SingleOrDefaultAsync(cancellationToken) is { } location)
            await states.WhenOnlineAsync(location, cancellationToken);
    }

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
        if (disks.Count != arguments.DiskIds.Count || arguments.AttachedIds?.ToHashSet().SetEquals(vm.Disks.Select(disk => disk.Id)) == false)
            throw ArmErrors.MachineChanged.AsException();
        if (disks.Exists(disk => disk.ProvisioningState is not (ProvisioningState.Succeeded or ProvisioningState.Updating)))
            throw ArmErrors.DisksNotAllocated.AsException();
        RequireSupported(vm, disks, arguments.CrashConsistent);
        string consistencyMode = ConsistencyOf(vm, arguments.CrashConsistent);

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
        DateTimeOffset now = context.Instant;
        // That of the collection.
        string location = context.Operation.Location;
        DateTimeOffset? copyEnd = location == vm.Location && disks.Exists(SnapshotAccess.IsCopied) ? access.Begin(point.Id, "RestorePoints_Create", await IdOfAsync(context.Db, point), now) : null;
        foreach (Disk disk in disks)
        {
            if (location == vm.Location)
            {
                context.Db.DiskRestorePoints.Add(await DiskRestorePointAsync(context.Db, point, disk, disk.Id, null, now, SnapshotAccess.IsCopied(disk) ? copyEnd : null));
                continue;
            }
            Guid volumeId = await starts.VolumeAsync(context.Db, point.CollectionId, location, disk.Id, regions.Get(vm.Location).FindPointSize(disk.Id, point.Id)!.Value);
            DiskRestorePoint made = await DiskRestorePointAsync(context.Db, point, disk, volumeId, location, now, copyEnd: null);
            context.Db.DiskRestorePoints.Add(made);
            starts.Start<ReplicateDiskRestorePoint>(context, made.Id, volumeId, location);
        }
        point.ConsistencyMode = consistencyMode;
        point.ProvisioningState = ProvisioningState.Succeeded;
    }

    public override async Task FailAsync(OperationContext context)
    {
        RestorePoint? point = await context.Db.FindRestorePointAsync(context.Operation.ResourceRowId);
        point?.ProvisioningState = ProvisioningState.Failed;
        if (_vssFailed && point is not null && await context.Db.FindMachineAsync(point.VirtualMachineId) is { } vm)
            vm.FileSystemAttemptsLeft = AttemptsWithoutVss;
    }

    /// <summary>
    /// Crash-consistent when asked for, or when the guest is off and cannot flush. Else the guest takes part: VSS in Windows, frozen file systems in
    /// Linux. After a failure of VSS the next three restore points do without it.
    /// </summary>
    private string ConsistencyOf(VirtualMachine vm, bool crashConsistent)
    {
        if (crashConsistent || vm.PowerState != PowerState.Running)
            return "CrashConsistent";
        if (vm.GuestAgent != GuestAgent.Ready)
            throw ArmErrors.AgentNotReported.AsException();
        if (vm.FileSystemAttemptsLeft > 0)
        {
            vm.FileSystemAttemptsLeft--;
            return nameof(GuestConsistency.FileSystemConsistent);
        }
        GuestConsistency consistency = vm.GuestConsistency ?? vm.DefaultGuestConsistency;
        if (consistency != GuestConsistency.Fails)
            return consistency.ToString();
        _vssFailed = vm.IsWindows;
        throw (_vssFailed ? ArmErrors.VssWritersFailed : ArmErrors.GuestSnapshotFailed).AsException();
    }

    /// <summary>Disks that no restore point can have, and those that no crash-consistent one can have.</summary>
    private static void RequireSupported(VirtualMachine vm, List<Disk> disks, bool crashConsistent)
    {
        JsonObject? storage = VirtualMachineDisks.StorageProfileOf(vm);
        foreach (Disk disk in disks)
        {
            JsonObject? entry = VirtualMachineDisks.EntryOf(storage, disk);
            if (DiskModel.Kept(disk.Settings).Properties?.MaxShares > 1)
                throw ArmErrors.SharedDisksNotSupported.AsException();
            if (entry?["diffDiskSettings"] is JsonObject)
                throw ArmErrors.DisksNotSupported("an Ephemeral OS disk").AsException();
            if (!crashConsistent)
                continue;
            if (disk.SkuName == "UltraSSD_LRS")
                throw ArmErrors.DisksNotCrashConsistent("Ultra disks").AsException();
            if (disk.SkuName == "PremiumV2_LRS")
                throw ArmErrors.DisksNotCrashConsistent("Premium SSD v2 disks").AsException();
            if (entry?["writeAcceleratorEnabled"] is JsonValue accelerated && accelerated.TryGetValue(out bool isAccelerated) && isAccelerated)
                throw ArmErrors.DisksNotCrashConsistent("Write Accelerator enabled disks").AsException();
        }
    }

    private static async Task<string> IdOfAsync(EmulatorDbContext db, RestorePoint point) =>
        RestorePointModel.IdOf(point, await db.RestorePointCollections.SingleAsync(collection => collection.Id == point.CollectionId));

    /// <param name="elsewhere">The other region that takes the bytes; null: they stay where they are.</param>
    /// <param name="copyEnd">When the copy in the background ends; null: there is none.</param>
    private static async Task<DiskRestorePoint> DiskRestorePointAsync(EmulatorDbContext db, RestorePoint point, Disk disk, Guid volumeId, string? elsewhere, DateTimeOffset now, DateTimeOffset? copyEnd)
    {
        return new DiskRestorePoint
        {
            RestorePointId = point.Id,
            Name = $"{disk.Name}_{Guid.NewGuid()}",
            Location = elsewhere ?? disk.Location,
            VolumeId = volumeId,
            SourceLocation = elsewhere is null ? null : disk.Location,
            ReplicationState = elsewhere is null ? null : ReplicationState.Replicating,
            SourceUniqueId = disk.Id,
            SourceResourceId = ArmResourceId.Of(disk.SubscriptionId, disk.ResourceGroupName, "disks", disk.Name),
            SizeBytes = disk.SizeBytes,
            Lun = disk.Lun!.Value,
            OsType = disk.OsType,
            HyperVGeneration = disk.HyperVGeneration,
            SkuName = disk.SkuName,
            NetworkAccessPolicy = disk.NetworkAccessPolicy,
            PublicNetworkAccess = disk.PublicNetworkAccess,
            DiskSettings = RestorePointEncryption.Encrypted(elsewhere is null ? disk.Settings : CopyRestorePoint.WithoutEncryption(disk.Settings),
                RestorePointEncryption.Asked(JsonNode.Parse(point.SourceMetadata)!.AsObject(), disk.Lun.Value)),
            CopyEndTime = copyEnd,
            InstantAccessEndTime = copyEnd is not null && point.InstantAccessDurationMinutes is { } minutes ? now + TimeSpan.FromMinutes(minutes) : null,
            TimeCreated = now,
            SnapshotTime = await db.NextSnapshotTimeAsync(volumeId, now),
        };
    }
}
