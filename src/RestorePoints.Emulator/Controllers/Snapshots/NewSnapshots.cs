using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.VhdImports;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Turns a valid request for a snapshot into its row: resolves the source, decides the size. The bytes are frozen by the operation.</summary>
public sealed class NewSnapshots(
    EmulatorDbContext db, TimeProvider time, CopySources sources, SnapshotCopyRules copyRules, ImportRoots importRoots, SnapshotAccess access, IOptions<EmulatorOptions> options)
{
    public static readonly string[] SkuNames = ["Standard_LRS", "Premium_LRS", "Standard_ZRS"];

    /// <summary>Adds the row of the snapshot that a PUT describes.</summary>
    public async Task<Snapshot> FromRequestAsync(Guid subscriptionId, string resourceGroupName, string name, SnapshotModel request)
    {
        SnapshotPropertiesModel properties = request.Properties!;
        CreationDataModel creation = properties.CreationData!;
        if (!Enum.TryParse(creation.CreateOption, ignoreCase: true, out DiskCreateOption option) || option is not (DiskCreateOption.Empty or DiskCreateOption.Copy or DiskCreateOption.CopyStart or DiskCreateOption.Import))
            throw ArmErrors.NotImplementedByEmulator($"creationData.createOption '{creation.CreateOption}' of a snapshot").AsException();
        NewDisks.RequireDiskAccess(properties.NetworkAccessPolicy, properties.DiskAccessId);
        if (creation.LogicalSectorSize is not (null or 512))
            throw ArmErrors.NotImplementedByEmulator($"creationData.logicalSectorSize {creation.LogicalSectorSize} of a snapshot").AsException();

        string location = Regions.Normalize(request.Location!);
        CopySource? source = option == DiskCreateOption.Copy ? await RequireSourceAsync(subscriptionId, name, location, properties) : null;
        Snapshot? copied = null;
        if (option == DiskCreateOption.CopyStart)
        {
            (copied, Guid volumeId) = await copyRules.RequireSourceAsync(subscriptionId, name, location, creation.SourceResourceId!, properties.Incremental);
            source = new CopySource(copied.Id, copied.SizeBytes, copied.OsType, copied.HyperVGeneration, copied.Settings, volumeId, SerialKey: Guid.NewGuid());
        }
        if (option == DiskCreateOption.Import)
            importRoots.Require(creation.SourceUri!);
        long sourceBytes = source?.SizeBytes ?? 0;
        // Of an import the operation decides.
        long sizeBytes = properties.DiskSizeGB is { } sizeGB && option != DiskCreateOption.Import ? sizeGB << 30 : sourceBytes;
        if (sizeBytes < sourceBytes)
            throw ArmErrors.SnapshotSmallerThanSource(name, DiskSize.WholeGB(sourceBytes), DiskSize.WholeGB(sizeBytes)).AsException();

        Guid id = Guid.NewGuid();
        bool incremental = properties.Incremental ?? copied is not null;
        Snapshot snapshot = new()
        {
            Id = id,
            SubscriptionId = subscriptionId,
            ResourceGroupName = resourceGroupName,
            Name = name,
            Location = location,
            Tags = Tags.From(request.Tags),
            TimeCreated = time.GetUtcNow(),
            ProvisioningState = ProvisioningState.Updating,
            SkuName = SkuName(request.Sku?.Name ?? properties.AccountType) ?? (incremental ? await LastSkuNameAsync(source?.VolumeId) : null) ?? "Standard_LRS",
            CreateOption = option,
            SourceResourceId = creation.SourceResourceId,
            SourceUniqueId = source?.UniqueId,
            Incremental = incremental,
            VolumeId = source?.VolumeId ?? id,
            SerialKey = source?.SerialKey ?? id,
            SizeBytes = sizeBytes,
            ReplicationState = copied is null ? null : ReplicationState.Replicating,
            SourceLocation = copied?.Location,
            SourceVolumeId = copied?.VolumeId,
            SourceSnapshotTime = copied?.SnapshotTime,
            OsType = NewDisks.OsType(properties.OsType) ?? source?.OsType,
            HyperVGeneration = properties.HyperVGeneration ?? source?.HyperVGeneration,
            NetworkAccessPolicy = NewDisks.NetworkAccessPolicy(properties.NetworkAccessPolicy),
            PublicNetworkAccess = NewDisks.PublicNetworkAccess(properties.PublicNetworkAccess),
            Settings = NewDisks.Settings(SnapshotModel.Inherited(source?.Settings), new SnapshotModel
            {
                ExtendedLocation = request.ExtendedLocation,
                Properties = properties with { CreationData = NewDisks.OnlyOf(option, creation) },
            }),
        };
        db.Snapshots.Add(snapshot);
        return snapshot;
    }

    /// <summary>The SKU in its canonical spelling; null when absent.</summary>
    public static string? SkuName(string? requested) => NewDisks.Spelled(requested, SkuNames);

    /// <summary>The disk or snapshot that createOption Copy copies, when it may be copied now.</summary>
    private async Task<CopySource> RequireSourceAsync(Guid subscriptionId, string name, string location, SnapshotPropertiesModel properties)
    {
        string sourceId = properties.CreationData!.SourceResourceId!;
        CopySource source = await sources.RequireAsync(sourceId, location);
        // A disk can be made with instant access, but no snapshot.
        if (source.Access == SnapshotAccessState.InstantAccess)
            throw ArmErrors.SnapshotNotRestorable(ArmResourceId.Parse(sourceId).Name, source.Access.ToString()).AsException();
        if (source.VolumeId is not { } diskId)
            return source;
        if (properties.Incremental == true && ArmResourceId.Parse(sourceId).SubscriptionId != subscriptionId)
            throw ArmErrors.IncrementalSnapshotElsewhere(name).AsException();
        if (await db.Disks.SingleAsync(disk => disk.Id == diskId) is var disk && SnapshotAccess.IsCopied(disk))
            await db.RequireRoomForCopiesAsync(subscriptionId, [disk], options.Value.Limits, access.Held, time.GetUtcNow());
        return source;
    }

    /// <summary>The published default of an incremental snapshot: the SKU of the previous one.</summary>
    private Task<string?> LastSkuNameAsync(Guid? volumeId) => db.Snapshots.Where(snapshot => snapshot.VolumeId == volumeId && snapshot.Incremental)
        .OrderByDescending(snapshot => snapshot.SnapshotTime).Select(snapshot => snapshot.SkuName).FirstOrDefaultAsync();
}
