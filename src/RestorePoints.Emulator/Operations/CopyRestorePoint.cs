using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// Initiates the copy of a restore point to another region: makes its disk restore points and the volumes that take their bytes, and starts one
/// <see cref="ReplicateDiskRestorePoint"/> for each.
/// </summary>
public sealed class CopyRestorePoint(RegionStores regions, OperationRunner runner, TimeProvider time) : ArmOperation
{
    /// <param name="CollectionId">The target: what the copies of an hour are counted by.</param>
    public sealed record Arguments(Guid CollectionId)
    {
        /// <summary>What stands in the JSON of every copy into the collection.</summary>
        public string OfCollection => $"\"{nameof(CollectionId)}\":\"{CollectionId}\"";
    }

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        RestorePoint point = await context.Db.RestorePoints.Include(point => point.Collection).SingleOrDefaultAsync(point => point.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        RestorePoint source = await context.Db.RestorePoints.Include(source => source.DiskRestorePoints)
            .SingleOrDefaultAsync(source => source.Id == point.SourcePointId && source.ProvisioningState == ProvisioningState.Succeeded, cancellationToken)
            ?? throw ArmErrors.CopySourceDeleted.AsException();
        DateTimeOffset now = time.GetUtcNow();
        ArmResourceId sourceId = ArmResourceId.Parse(point.SourceRestorePointId!);
        string sourcePath = ArmResourceId.Of(sourceId.SubscriptionId, sourceId.ResourceGroup, "restorePointCollections", sourceId.Names[0]) + $"/restorePoints/{sourceId.Name}";
        foreach (DiskRestorePoint disk in source.DiskRestorePoints)
        {
            string location = point.Collection!.Location;
            Guid volumeId = await VolumeAsync(context.Db, point, disk, location);
            var copy = new DiskRestorePoint
            {
                RestorePointId = point.Id,
                // The disk's name, then a GUID.
                Name = $"{ArmResourceId.Parse(disk.SourceResourceId).Name}_{Guid.NewGuid()}",
                Location = location,
                VolumeId = volumeId,
                SourceUniqueId = disk.SourceUniqueId,
                SourceResourceId = disk.SourceResourceId,
                SourceDiskRestorePointId = $"{sourcePath}/diskRestorePoints/{disk.Name}",
                SourceLocation = disk.Location,
                ReplicationState = ReplicationState.Replicating,
                SizeBytes = disk.SizeBytes,
                Lun = disk.Lun,
                OsType = disk.OsType,
                HyperVGeneration = disk.HyperVGeneration,
                SkuName = disk.SkuName,
                NetworkAccessPolicy = disk.NetworkAccessPolicy,
                PublicNetworkAccess = disk.PublicNetworkAccess,
                DiskSettings = WithoutEncryption(disk.DiskSettings),
                TimeCreated = disk.TimeCreated,
                SnapshotTime = await context.Db.NextSnapshotTimeAsync(volumeId, now),
            };
            // Of one volume in turn: an earlier copy that was deleted may still be stopping.
            Operation replication = new()
            {
                Kind = nameof(ReplicateDiskRestorePoint),
                SerialKey = volumeId,
                ResourceRowId = copy.Id,
                SubscriptionId = context.Operation.SubscriptionId,
                Location = location,
                ApiVersion = context.Operation.ApiVersion,
                StartTime = now,
                DueTime = now + RecordedDurations.Of(nameof(ReplicateDiskRestorePoint)),
            };
            context.Db.DiskRestorePoints.Add(copy);
            context.Db.Operations.Add(replication);
            context.AfterCommit(() => runner.Enqueue(replication));
        }
        point.ProvisioningState = ProvisioningState.Succeeded;
    }

    public override async Task FailAsync(OperationContext context)
    {
        RestorePoint? point = await context.Db.FindRestorePointAsync(context.Operation.ResourceRowId);
        point?.ProvisioningState = ProvisioningState.Failed;
    }

    /// <summary>The volume of the earlier copies of the disk in the collection, whose head the difference is applied to; without one, or when it is larger, a new one.</summary>
    private async Task<Guid> VolumeAsync(EmulatorDbContext db, RestorePoint point, DiskRestorePoint disk, string location)
    {
        long sizeBytes = regions.Get(disk.Location).FindPointSize(disk.VolumeId, disk.RestorePointId) ?? throw ArmErrors.CopySourceDeleted.AsException();
        SnapshotStore store = regions.Get(location);
        Guid? last = await db.DiskRestorePoints.Where(known => known.RestorePoint!.CollectionId == point.CollectionId && known.SourceUniqueId == disk.SourceUniqueId)
            .OrderByDescending(known => known.SnapshotTime).Select(known => (Guid?)known.VolumeId).FirstOrDefaultAsync();
        if (last is { } volumeId && HeadSize(store, volumeId) <= sizeBytes)
            return volumeId;
        // What an interrupted run made has no row: start-up has removed it.
        Guid made = Guid.NewGuid();
        store.CreateVolume(made, sizeBytes);
        return made;
    }

    private static long? HeadSize(SnapshotStore store, Guid volumeId)
    {
        try
        {
            using VolumeView head = store.OpenHead(volumeId);
            return head.SizeBytes;
        }
        catch (VolumeNotFoundException)
        {
            return null;
        }
    }

    /// <summary>A copy is encrypted with a platform key.</summary>
    private static string? WithoutEncryption(string? diskSettings)
    {
        if (diskSettings is null)
            return null;
        JsonNode settings = JsonNode.Parse(diskSettings)!;
        (settings["properties"] as JsonObject)?.Remove("encryption");
        return settings.ToJsonString();
    }
}
