using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>A managed snapshot on the wire, both ways; properties in the recorded order. What the service sets is ignored on input.</summary>
public sealed record SnapshotModel
{
    public string? Name { get; init; }
    public string? Id { get; init; }
    public string? Type { get; init; }
    public string? Location { get; init; }
    public Dictionary<string, string>? Tags { get; init; }
    public DiskSkuModel? Sku { get; init; }
    public SnapshotPropertiesModel? Properties { get; init; }

    /// <summary>The snapshot as a GET shows it.</summary>
    /// <param name="hasActiveGrant">Whether a SAS is out on it.</param>
    public static SnapshotModel From(Snapshot snapshot, bool hasActiveGrant) => Frame(snapshot) with
    {
        Sku = SkuOf(snapshot.SkuName),
        Properties = new SnapshotPropertiesModel
        {
            OsType = snapshot.OsType,
            HyperVGeneration = snapshot.HyperVGeneration,
            CreationData = CreationDataModel.From(snapshot),
            DiskSizeGB = snapshot.SizeGB,
            Encryption = new DiskEncryptionModel { Type = "EncryptionAtRestWithPlatformKey" },
            Incremental = snapshot.Incremental,
            NetworkAccessPolicy = snapshot.NetworkAccessPolicy ?? "AllowAll",
            PublicNetworkAccess = snapshot.PublicNetworkAccess ?? "Enabled",
            TimeCreated = snapshot.TimeCreated,
            ProvisioningState = snapshot.ProvisioningState.ToString(),
            DiskState = (hasActiveGrant ? Store.DiskState.ActiveSAS : Store.DiskState.Unattached).ToString(),
            DiskSizeBytes = snapshot.SizeBytes,
            UniqueId = snapshot.Id,
            // A snapshot in the region of its source is complete at once.
            CompletionPercent = snapshot.Incremental ? 100.0m : null,
            IncrementalSnapshotFamilyId = snapshot.Incremental ? SnapshotFamily.IdOf(snapshot.VolumeId) : null,
            SnapshotAccessState = snapshot.Incremental ? "Available" : null,
        },
    };

    /// <summary>The accepting answer of a PUT that creates: the request echoed with <c>provisioningState: Updating</c> and the source's unique id.</summary>
    public static SnapshotModel Accepted(Snapshot snapshot, SnapshotModel request)
    {
        SnapshotPropertiesModel properties = request.Properties!;
        return Frame(snapshot) with
        {
            Sku = request.Sku is null ? null : new DiskSkuModel { Name = snapshot.SkuName },
            Properties = new SnapshotPropertiesModel
            {
                OsType = properties.OsType is null ? null : snapshot.OsType,
                HyperVGeneration = properties.HyperVGeneration is null ? null : snapshot.HyperVGeneration,
                CreationData = CreationDataModel.From(snapshot),
                DiskSizeGB = properties.DiskSizeGB,
                Incremental = properties.Incremental,
                NetworkAccessPolicy = snapshot.NetworkAccessPolicy,
                PublicNetworkAccess = snapshot.PublicNetworkAccess,
                ProvisioningState = nameof(Store.ProvisioningState.Updating),
            },
        };
    }

    public static DiskSkuModel SkuOf(string skuName) => new() { Name = skuName, Tier = skuName.StartsWith("Premium", StringComparison.Ordinal) ? "Premium" : "Standard" };

    private static SnapshotModel Frame(Snapshot snapshot) => new()
    {
        Name = snapshot.Name,
        Id = ArmResourceId.Of(snapshot.SubscriptionId, snapshot.ResourceGroupName, "snapshots", snapshot.Name),
        Type = "Microsoft.Compute/snapshots",
        Location = snapshot.Location,
        Tags = snapshot.Tags?.ToDictionary(),
    };
}

public sealed record SnapshotPropertiesModel
{
    public string? OsType { get; init; }
    public string? HyperVGeneration { get; init; }
    public CreationDataModel? CreationData { get; init; }
    public long? DiskSizeGB { get; init; }
    public DiskEncryptionModel? Encryption { get; init; }
    public bool? Incremental { get; init; }
    public string? NetworkAccessPolicy { get; init; }

    [Since("2021-04-01")]
    public string? PublicNetworkAccess { get; init; }
    public DateTimeOffset? TimeCreated { get; init; }
    public string? ProvisioningState { get; init; }
    public string? DiskState { get; init; }
    public long? DiskSizeBytes { get; init; }
    public Guid? UniqueId { get; init; }

    /// <summary>With one fraction digit, as recorded.</summary>
    [Since("2021-04-01")]
    public decimal? CompletionPercent { get; init; }

    [Since("2022-07-02")]
    public Guid? IncrementalSnapshotFamilyId { get; init; }

    [Since("2025-01-02")]
    public string? SnapshotAccessState { get; init; }
}

/// <summary>Body of a PATCH.</summary>
public sealed record SnapshotUpdate
{
    public Dictionary<string, string>? Tags { get; init; }
    public DiskSkuModel? Sku { get; init; }
    public SnapshotUpdateProperties? Properties { get; init; }
}

public sealed record SnapshotUpdateProperties
{
    public string? OsType { get; init; }
    public long? DiskSizeGB { get; init; }
    public string? NetworkAccessPolicy { get; init; }

    [Since("2021-04-01")]
    public string? PublicNetworkAccess { get; init; }
}
