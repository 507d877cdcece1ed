using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// Initiates the copy of a restore point to another region: makes its disk restore points and the volumes that take their bytes, and starts one
/// <see cref="ReplicateDiskRestorePoint"/> for each.
/// </summary>
public sealed class CopyRestorePoint(RegionStores regions, ReplicationStarts starts) : ArmOperation
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
        ArmResourceId sourceId = ArmResourceId.Parse(point.SourceRestorePointId!);
        string sourcePath = ArmResourceId.Of(sourceId.SubscriptionId, sourceId.ResourceGroup, "restorePointCollections", sourceId.Names[0]) + $"/restorePoints/{sourceId.Name}";
        JsonObject metadata = JsonNode.Parse(point.SourceMetadata)!.AsObject();
        foreach (DiskRestorePoint disk in source.DiskRestorePoints)
        {
            string location = point.Collection!.Location;
            long sizeBytes = regions.Get(disk.Location).FindPointSize(disk.VolumeId, disk.RestorePointId) ?? throw ArmErrors.CopySourceDeleted.AsException();
            Guid volumeId = await starts.VolumeAsync(context.Db, point.CollectionId, location, disk.SourceUniqueId, sizeBytes);
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
                DiskSettings = RestorePointEncryption.Encrypted(WithoutEncryption(disk.DiskSettings), RestorePointEncryption.Asked(metadata, disk.Lun)),
                TimeCreated = disk.TimeCreated,
                SnapshotTime = await context.Db.NextSnapshotTimeAsync(volumeId, context.Instant),
            };
            context.Db.DiskRestorePoints.Add(copy);
            starts.Start<ReplicateDiskRestorePoint>(context, copy.Id, volumeId, location);
        }
        point.ProvisioningState = ProvisioningState.Succeeded;
    }

    public override async Task FailAsync(OperationContext context)
    {
        RestorePoint? point = await context.Db.FindRestorePointAsync(context.Operation.ResourceRowId);
        point?.ProvisioningState = ProvisioningState.Failed;
    }

    /// <summary>In another region a disk restore point is encrypted with a platform key, unless its request asks for another.</summary>
    public static string? WithoutEncryption(string? diskSettings)
    {
        if (diskSettings is null)
            return null;
        JsonNode settings = JsonNode.Parse(diskSettings)!;
        (settings["properties"] as JsonObject)?.Remove("encryption");
        return settings.ToJsonString();
    }
}
