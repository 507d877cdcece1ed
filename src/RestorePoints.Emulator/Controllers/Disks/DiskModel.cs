using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// A managed disk on the wire, both ways; properties in the recorded order. What has no column of its own in <see cref="Disk"/> has no behaviour:
/// it is checked, kept and echoed.
/// </summary>
public sealed record DiskModel : IResourceBody
{
    public string? Name { get; init; }
    public string? Id { get; init; }
    public string? Type { get; init; }
    public string? Location { get; init; }
    public Dictionary<string, string>? Tags { get; init; }

    [Since("2017-03-30")]
    public IReadOnlyList<string>? Zones { get; init; }

    [Since("2020-12-01")]
    public ExtendedLocationModel? ExtendedLocation { get; init; }

    [ReadOnly(true)]
    [Since("2017-03-30")]
    public string? ManagedBy { get; init; }

    [Since("2017-03-30")]
    public DiskSkuModel? Sku { get; init; }
    public DiskPropertiesModel? Properties { get; init; }

    /// <summary>The disk as a GET shows it.</summary>
    /// <param name="disk">Loaded with its virtual machine.</param>
    /// <param name="activeGrant">Kind of the SAS that is out on the disk, if any.</param>
    public static DiskModel From(Disk disk, AccessKind? activeGrant)
    {
        DiskModel accepted = Accepted(disk);
        DiskPropertiesModel properties = accepted.Properties!;
        DiskPerformance performance = DiskPerformance.Of(disk.SkuName, disk.SizeBytes, properties.Tier);
        bool chosen = DiskPerformance.IsChosenByOwner(disk.SkuName);
        string? owner = disk.VirtualMachine is { } vm ? ArmResourceId.Of(vm.SubscriptionId, vm.ResourceGroupName, "virtualMachines", vm.Name) : null;
        return accepted with
        {
            ManagedBy = owner,
            Sku = new DiskSkuModel { Name = disk.SkuName, Tier = performance.SkuTier },
            Properties = properties with
            {
                DiskIOPSReadWrite = chosen ? disk.IopsReadWrite ?? performance.Iops : performance.Iops,
                DiskMBpsReadWrite = chosen ? disk.MBpsReadWrite ?? performance.MBps : performance.MBps,
                Encryption = DiskEncryptionModel.Of(properties.Encryption),
                NetworkAccessPolicy = disk.NetworkAccessPolicy ?? "AllowAll",
                PublicNetworkAccess = disk.PublicNetworkAccess ?? "Enabled",
                OwnerId = owner,
                TimeCreated = disk.TimeCreated,
                ProvisioningState = disk.ProvisioningState.ToString(),
                DiskState = StateOf(disk, activeGrant).ToString(),
                DiskSizeBytes = HasSize(disk) ? disk.SizeBytes : null,
                UniqueId = disk.Id,
                Tier = performance.Tier,
            },
        };
    }

    /// <summary>The accepting answer of a PUT: the request echoed with <c>provisioningState: Updating</c>; state, sizes and times are not known yet.</summary>
    public static DiskModel Accepted(Disk disk)
    {
        DiskModel kept = Kept(disk.Settings);
        DiskPropertiesModel properties = kept.Properties ?? new DiskPropertiesModel();
        return new DiskModel
        {
            Name = disk.Name,
            Id = ArmResourceId.Of(disk.SubscriptionId, disk.ResourceGroupName, "disks", disk.Name),
            Type = "Microsoft.Compute/disks",
            Location = disk.Location,
            Tags = disk.Tags?.ToDictionary(),
            Zones = disk.Zones?.Split(','),
            ExtendedLocation = kept.ExtendedLocation,
            Sku = new DiskSkuModel { Name = disk.SkuName },
            Properties = properties with
            {
                OsType = disk.OsType,
                HyperVGeneration = disk.HyperVGeneration,
                CreationData = (properties.CreationData ?? new CreationDataModel()) with
                {
                    CreateOption = disk.CreateOption.ToString(),
                    SourceResourceId = disk.SourceResourceId,
                    SourceUniqueId = disk.SourceUniqueId,
                    UploadSizeBytes = disk.UploadSizeBytes,
                },
                DiskSizeGB = HasSize(disk) ? disk.SizeGB : null,
                AccountType = disk.SkuName,
                NetworkAccessPolicy = disk.NetworkAccessPolicy,
                DiskAccessId = disk.NetworkAccessPolicy == "AllowPrivate" ? properties.DiskAccessId : null,
                PublicNetworkAccess = disk.PublicNetworkAccess,
                ProvisioningState = nameof(Store.ProvisioningState.Updating),
            },
        };
    }

    /// <summary>What <see cref="Disk.Settings"/> holds.</summary>
    public static DiskModel Kept(string? settings) => settings is null ? new DiskModel() : ArmJson.Deserialize<DiskModel>(settings);

    /// <summary>What a disk takes over from the disk or disk restore point that it is made from.</summary>
    /// <param name="settings">Of the source.</param>
    public static DiskModel Inherited(string? settings)
    {
        DiskPropertiesModel? source = Kept(settings).Properties;
        return new DiskModel
        {
            Properties = source is null ? null : new DiskPropertiesModel
            {
                PurchasePlan = source.PurchasePlan,
                SupportedCapabilities = source.SupportedCapabilities,
                EncryptionSettingsCollection = source.EncryptionSettingsCollection,
                SupportsHibernation = source.SupportsHibernation,
                SecurityProfile = source.SecurityProfile,
            },
        };
    }

    /// <summary>Not before its upload or import has ended.</summary>
    private static bool HasSize(Disk disk) => disk.DiskState != DiskState.ReadyToUpload && disk.SizeBytes > 0;

    /// <summary>What ARM shows as <c>diskState</c>.</summary>
    /// <param name="disk">Loaded with its virtual machine.</param>
    /// <param name="activeGrant">Kind of the SAS that is out on the disk, if any.</param>
    public static DiskState StateOf(Disk disk, AccessKind? activeGrant) => (disk.DiskState, activeGrant) switch
    {
        (DiskState.ReadyToUpload, AccessKind.Upload) => DiskState.ActiveUpload,
        (DiskState.ReadyToUpload, _) => DiskState.ReadyToUpload,
        (_, AccessKind.Read) => DiskState.ActiveSAS,
        _ when disk.VirtualMachine is { } vm => vm.PowerState == PowerState.Deallocated ? DiskState.Reserved : DiskState.Attached,
        _ => DiskState.Unattached,
    };
}

public sealed record ExtendedLocationModel
{
    [Required]
    public string? Name { get; init; }

    [Values("EdgeZone")]
    public string? Type { get; init; }
}

public sealed record DiskSkuModel
{
    public string? Name { get; init; }

    [ReadOnly(true)]
    public string? Tier { get; init; }
}

public sealed record DiskPropertiesModel
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
    public CreationDataModel? CreationData { get; init; }

    /// <summary>GiB.</summary>
    public long? DiskSizeGB { get; init; }

    /// <summary>What <c>sku.name</c> was at first.</summary>
    [Since("2016-04-30-preview", Last = "2016-04-30-preview")]
    public string? AccountType { get; init; }

    [Since("2018-06-01")]
    public long? DiskIOPSReadWrite { get; init; }

    [Since("2018-06-01")]
    public long? DiskMBpsReadWrite { get; init; }

    [Since("2019-11-01")]
    public long? DiskIOPSReadOnly { get; init; }

    [Since("2019-11-01")]
    public long? DiskMBpsReadOnly { get; init; }

    /// <summary>Above 1 the disk is a shared one, which no restore point can include.</summary>
    [Since("2019-11-01")]
    public int? MaxShares { get; init; }

    [Since("2016-04-30-preview", Last = "2018-06-01")]
    public EncryptionSettingsModel? EncryptionSettings { get; init; }

    [Since("2018-09-30")]
    public EncryptionSettingsCollectionModel? EncryptionSettingsCollection { get; init; }

    [Since("2019-07-01")]
    public DiskEncryptionModel? Encryption { get; init; }

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

    /// <summary>What <c>managedBy</c> was at first.</summary>
    [ReadOnly(true)]
    [Since("2016-04-30-preview", Last = "2016-04-30-preview")]
    public string? OwnerId { get; init; }

    [ReadOnly(true)]
    public DateTimeOffset? TimeCreated { get; init; }

    public string? ProvisioningState { get; init; }

    [ReadOnly(true)]
    [Since("2018-09-30")]
    public string? DiskState { get; init; }

    [ReadOnly(true)]
    [Since("2019-03-01")]
    public long? DiskSizeBytes { get; init; }

    [ReadOnly(true)]
    [Since("2019-03-01")]
    public Guid? UniqueId { get; init; }

    /// <summary>Performance tier of a Premium SSD, at least that of its size.</summary>
    [Since("2020-06-30")]
    public string? Tier { get; init; }

    [Since("2020-12-01")]
    public bool? BurstingEnabled { get; init; }

    [Since("2020-12-01")]
    public bool? SupportsHibernation { get; init; }

    [Since("2020-12-01")]
    public DiskSecurityProfileModel? SecurityProfile { get; init; }

    [Since("2022-07-02")]
    public bool? OptimizedForFrequentAttach { get; init; }

    [Since("2025-01-02")]
    public AvailabilityPolicyModel? AvailabilityPolicy { get; init; }
}

public sealed record PurchasePlanModel
{
    [Required]
    public string? Name { get; init; }

    [Required]
    public string? Publisher { get; init; }

    [Required]
    public string? Product { get; init; }
    public string? PromotionCode { get; init; }
}

public sealed record SupportedCapabilitiesModel
{
    [Since("2022-07-02")]
    public string? DiskControllerTypes { get; init; }
    public bool? AcceleratedNetwork { get; init; }

    [Since("2021-12-01")]
    [Values("x64", "Arm64")]
    public string? Architecture { get; init; }

    [Since("2025-01-02")]
    [Values("TrustedLaunchSupported", "TrustedLaunchAndConfidentialVMSupported")]
    public string? SupportedSecurityOption { get; init; }
}

/// <summary>Azure Disk Encryption of the guest, one pair of keys.</summary>
public sealed record EncryptionSettingsModel
{
    public bool? Enabled { get; init; }
    public KeyVaultSecretModel? DiskEncryptionKey { get; init; }
    public KeyVaultKeyModel? KeyEncryptionKey { get; init; }
}

public sealed record EncryptionSettingsCollectionModel
{
    [Required]
    public bool? Enabled { get; init; }
    public IReadOnlyList<EncryptionSettingsElementModel>? EncryptionSettings { get; init; }

    [Since("2019-03-01")]
    public string? EncryptionSettingsVersion { get; init; }
}

public sealed record EncryptionSettingsElementModel
{
    public KeyVaultSecretModel? DiskEncryptionKey { get; init; }
    public KeyVaultKeyModel? KeyEncryptionKey { get; init; }
}

public sealed record KeyVaultSecretModel
{
    [Required]
    public ApiEntityReference? SourceVault { get; init; }

    [Required]
    public string? SecretUrl { get; init; }
}

public sealed record KeyVaultKeyModel
{
    [Required]
    public ApiEntityReference? SourceVault { get; init; }

    [Required]
    public string? KeyUrl { get; init; }
}

public sealed record DiskEncryptionModel
{
    public const string PlatformKey = "EncryptionAtRestWithPlatformKey";
    private const string CustomerKey = "EncryptionAtRestWithCustomerKey", BothKeys = "EncryptionAtRestWithPlatformAndCustomerKeys";

    public static readonly string[] Types = [PlatformKey, CustomerKey, BothKeys];

    [Values(PlatformKey, CustomerKey, BothKeys)]
    public string? Type { get; init; }
    public string? DiskEncryptionSetId { get; init; }

    /// <summary>With the type that the service fills in.</summary>
    public static DiskEncryptionModel Of(DiskEncryptionModel? requested) => new()
    {
        Type = requested?.Type ?? (requested?.DiskEncryptionSetId is null ? PlatformKey : CustomerKey),
        DiskEncryptionSetId = requested?.DiskEncryptionSetId,
    };
}

public sealed record DiskSecurityProfileModel
{
    [Values("TrustedLaunch", "ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey", "ConfidentialVM_DiskEncryptedWithPlatformKey",
        "ConfidentialVM_DiskEncryptedWithCustomerKey", "ConfidentialVM_NonPersistedTPM")]
    public string? SecurityType { get; init; }

    [Since("2021-08-01")]
    public string? SecureVMDiskEncryptionSetId { get; init; }
}

public sealed record AvailabilityPolicyModel
{
    [Values("None", "AutomaticReattach")]
    public string? ActionOnDiskDelay { get; init; }
}

/// <summary>What a disk is made from. Members that go only with create options that are refused are not read.</summary>
public sealed record CreationDataModel
{
    [Values("Empty", "Upload", "Copy", "Restore", "FromImage", "Import", "Attach", "CopyStart", "ImportSecure", "UploadPreparedSecure", "CopyFromSanSnapshot")]
    public string? CreateOption { get; init; }

    /// <summary>With FromImage only, as the next.</summary>
    public ImageDiskReference? ImageReference { get; init; }

    [Since("2019-11-01")]
    public ImageDiskReference? GalleryImageReference { get; init; }
    public string? SourceResourceId { get; init; }

    /// <summary>With Import only, as the next: the URL of a VHD.</summary>
    public string? SourceUri { get; init; }

    /// <summary>Kept and echoed: the emulator has no storage accounts.</summary>
    public string? StorageAccountId { get; init; }

    /// <summary>It is refused.</summary>
    [Since("2021-08-01")]
    public string? SecurityDataUri { get; init; }

    [ReadOnly(true)]
    [Since("2019-03-01")]
    public Guid? SourceUniqueId { get; init; }

    [Since("2019-03-01")]
    public long? UploadSizeBytes { get; init; }

    /// <summary>512; 4096 is refused.</summary>
    [Since("2020-06-30")]
    public int? LogicalSectorSize { get; init; }

    [Since("2022-07-02")]
    public bool? PerformancePlus { get; init; }

    /// <summary>With CopyStart only. Kept and echoed: a copy is as fast as it can be.</summary>
    [Since("2023-10-02")]
    [Values("None", "Enhanced")]
    public string? ProvisionedBandwidthCopySpeed { get; init; }

    /// <summary>Of a snapshot of an Ultra or Premium SSD v2 disk; without effect for others.</summary>
    [Since("2025-01-02")]
    public int? InstantAccessDurationMinutes { get; init; }
}

/// <summary>The image that a disk was made from. The emulator has no images: the disk is empty, of an image's usual size.</summary>
public sealed record ImageDiskReference
{
    public string? Id { get; init; }

    [Since("2022-03-02")]
    public string? SharedGalleryImageId { get; init; }

    [Since("2022-03-02")]
    public string? CommunityGalleryImageId { get; init; }

    /// <summary>Of a data disk of the image; null: the OS disk.</summary>
    public int? Lun { get; init; }
}

/// <summary>Body of a PATCH. Of the properties, <c>hyperVGeneration</c> and <c>creationData</c> are not read.</summary>
public sealed record DiskUpdate
{
    public Dictionary<string, string>? Tags { get; init; }
    public DiskSkuModel? Sku { get; init; }
    public DiskPropertiesModel? Properties { get; init; }
}
