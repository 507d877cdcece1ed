using System.ComponentModel;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// A managed snapshot on the wire, both ways; properties in the recorded order. What has no column of its own in <see cref="Snapshot"/> has no
/// behaviour: it is checked, kept and echoed.
/// </summary>
public sealed record SnapshotModel : IResourceBody
{
    public string? Name { get; init; }
    public string? Id { get; init; }
    public string? Type { get; init; }
    public string? Location { get; init; }
    public Dictionary<string, string>? Tags { get; init; }

    [Since("2020-12-01")]
    public ExtendedLocationModel? ExtendedLocation { get; init; }

    [Since("2017-03-30")]
    public DiskSkuModel? Sku { get; init; }
    public SnapshotPropertiesModel? Properties { get; init; }

    /// <summary>The snapshot as a GET shows it.</summary>
    /// <param name="hasActiveGrant">Whether a SAS is out on it.</param>
    /// <param name="status">Of its bytes; null: it is not shown.</param>
    public static SnapshotModel From(Snapshot snapshot, bool hasActiveGrant, SnapshotStatus? status)
    {
        SnapshotModel kept = Kept(snapshot.Settings);
        SnapshotPropertiesModel properties = kept.Properties ?? new SnapshotPropertiesModel();
        return Frame(snapshot, kept) with
        {
            Sku = SkuOf(snapshot.SkuName),
            Properties = properties with
            {
                OsType = snapshot.OsType,
                HyperVGeneration = snapshot.HyperVGeneration,
                CreationData = CreationOf(snapshot, properties.CreationData),
                DiskSizeGB = snapshot.SizeBytes > 0 ? snapshot.SizeGB : null,
                AccountType = snapshot.SkuName,
                Encryption = DiskEncryptionModel.Of(properties.Encryption),
                Incremental = snapshot.Incremental,
                NetworkAccessPolicy = snapshot.NetworkAccessPolicy ?? "AllowAll",
                DiskAccessId = snapshot.NetworkAccessPolicy == "AllowPrivate" ? properties.DiskAccessId : null,
                PublicNetworkAccess = snapshot.PublicNetworkAccess ?? "Enabled",
                TimeCreated = snapshot.TimeCreated,
                ProvisioningState = snapshot.ProvisioningState.ToString(),
                DiskState = (hasActiveGrant ? Store.DiskState.ActiveSAS : Store.DiskState.Unattached).ToString(),
                DiskSizeBytes = snapshot.SizeBytes > 0 ? snapshot.SizeBytes : null,
                UniqueId = snapshot.Id,
                CompletionPercent = HasProgress(snapshot) ? status?.CompletionPercent + 0.0m : null,
                CopyCompletionError = snapshot.CopyErrorCode is null ? null
                    : new CopyCompletionErrorModel { ErrorCode = snapshot.CopyErrorCode, ErrorMessage = ArmErrors.SnapshotCopySourceNotFound.Message },
                IncrementalSnapshotFamilyId = snapshot.Incremental ? SnapshotFamily.IdOf(snapshot.VolumeId) : null,
                SnapshotAccessState = HasProgress(snapshot) ? status?.Access.ToString() : null,
            },
        };
    }

    private static bool HasProgress(Snapshot snapshot) => snapshot.Incremental || snapshot.CopyEndTime is not null;

    /// <summary>The accepting answer of a PUT that creates: the request echoed with <c>provisioningState: Updating</c> and the source's unique id.</summary>
    public static SnapshotModel Accepted(Snapshot snapshot, SnapshotModel request) => Frame(snapshot, request) with
    {
        Sku = request.Sku is null ? null : new DiskSkuModel { Name = snapshot.SkuName },
        Properties = request.Properties! with
        {
            CreationData = CreationOf(snapshot, request.Properties.CreationData),
            ProvisioningState = nameof(Store.ProvisioningState.Updating),
        },
    };

    /// <summary>What <see cref="Snapshot.Settings"/> holds.</summary>
    public static SnapshotModel Kept(string? settings) => settings is null ? new SnapshotModel() : ArmJson.Deserialize<SnapshotModel>(settings);

    /// <summary>What a snapshot takes over from the disk or snapshot that it is made from.</summary>
    /// <param name="settings">Of the source.</param>
    public static SnapshotModel Inherited(string? settings)
    {
        DiskPropertiesModel? source = DiskModel.Inherited(settings).Properties;
        return new SnapshotModel
        {
            Properties = source is null ? null : new SnapshotPropertiesModel
            {
                PurchasePlan = source.PurchasePlan,
                SupportedCapabilities = source.SupportedCapabilities,
                EncryptionSettingsCollection = source.EncryptionSettingsCollection,
                SupportsHibernation = source.SupportsHibernation,
                SecurityProfile = source.SecurityProfile,
            },
        };
    }

    public static DiskSkuModel SkuOf(string skuName) => new() { Name = skuName, Tier = skuName.StartsWith("Premium", StringComparison.Ordinal) ? "Premium" : "Standard" };

    private static CreationDataModel CreationOf(Snapshot snapshot, CreationDataModel? sent) => NewDisks.OnlyOf(snapshot.CreateOption, sent ?? new CreationDataModel()) with
    {
        CreateOption = snapshot.CreateOption.ToString(),
        SourceResourceId = snapshot.SourceResourceId,
        SourceUniqueId = snapshot.SourceUniqueId,
        UploadSizeBytes = null,
    };

    private static SnapshotModel Frame(Snapshot snapshot, SnapshotModel kept) => new()
    {
        Name = snapshot.Name,
        Id = ArmResourceId.Of(snapshot.SubscriptionId, snapshot.ResourceGroupName, "snapshots", snapshot.Name),
        Type = "Microsoft.Compute/snapshots",
        Location = snapshot.Location,
        Tags = snapshot.Tags?.ToDictionary(),
        ExtendedLocation = kept.ExtendedLocation,
    };
}

public sealed record SnapshotPropertiesModel
{
    [Values("Windows", "Linux")]
    public string? OsType { get; init; }

    [Since("2018-09-30")]
    [Values("V1", "V2")]
    public string? HyperVGeneration { get; init; }

    [Since("2020-12-01")]
    public PurchasePlanModel? PurchasePlan { get; init; }

    [Since("2021-04-01")]
    public SupportedCapabilitiesModel? SupportedCapabilities { get; init; }

    [Since("2020-12-01")]
    public bool? SupportsHibernation { get; init; }
    public CreationDataModel? CreationData { get; init; }

    /// <summary>GiB.</summary>
    public long? DiskSizeGB { get; init; }

    /// <summary>What <c>sku.name</c> was at first.</summary>
    [Since("2016-04-30-preview", Last = "2016-04-30-preview")]
    public string? AccountType { get; init; }

    [Since("2016-04-30-preview", Last = "2018-06-01")]
    public EncryptionSettingsModel? EncryptionSettings { get; init; }

    [Since("2018-09-30")]
    public EncryptionSettingsCollectionModel? EncryptionSettingsCollection { get; init; }

    [Since("2019-07-01")]
    public DiskEncryptionModel? Encryption { get; init; }

    [Since("2019-03-01")]
    public bool? Incremental { get; init; }

    [Since("2020-05-01")]
    [Values("AllowAll", "AllowPrivate", "DenyAll")]
    public string? NetworkAccessPolicy { get; init; }

    /// <summary>Only with the policy AllowPrivate.</summary>
    [Since("2020-05-01")]
    public string? DiskAccessId { get; init; }

    [Since("2021-04-01")]
    [Values("Enabled", "Disabled")]
    public string? PublicNetworkAccess { get; init; }

    [Since("2021-12-01")]
    [Values("AzureActiveDirectory", "None")]
    public string? DataAccessAuthMode { get; init; }

    [Since("2021-08-01")]
    public DiskSecurityProfileModel? SecurityProfile { get; init; }

    [ReadOnly(true)]
    public DateTimeOffset? TimeCreated { get; init; }

    public string? ProvisioningState { get; init; }

    [ReadOnly(true)]
    [Since("2020-06-30")]
    public string? DiskState { get; init; }

    [ReadOnly(true)]
    [Since("2019-03-01")]
    public long? DiskSizeBytes { get; init; }

    [ReadOnly(true)]
    [Since("2019-03-01")]
    public Guid? UniqueId { get; init; }

    /// <summary>With one fraction digit, as recorded.</summary>
    [ReadOnly(true)]
    [Since("2021-04-01")]
    public decimal? CompletionPercent { get; init; }

    [ReadOnly(true)]
    [Since("2022-03-02")]
    public CopyCompletionErrorModel? CopyCompletionError { get; init; }

    [ReadOnly(true)]
    [Since("2022-07-02")]
    public Guid? IncrementalSnapshotFamilyId { get; init; }

    [ReadOnly(true)]
    [Since("2025-01-02")]
    public string? SnapshotAccessState { get; init; }
}

/// <summary>Why the background copy of a snapshot failed.</summary>
public sealed record CopyCompletionErrorModel
{
    /// <summary>CopySourceNotFound: the source was deleted meanwhile.</summary>
    public string? ErrorCode { get; init; }
    public string? ErrorMessage { get; init; }
}

/// <summary>Body of a PATCH. Of the properties, those that say how the snapshot was made are not read.</summary>
public sealed record SnapshotUpdate
{
    public Dictionary<string, string>? Tags { get; init; }
    public DiskSkuModel? Sku { get; init; }
    public SnapshotPropertiesModel? Properties { get; init; }
}
