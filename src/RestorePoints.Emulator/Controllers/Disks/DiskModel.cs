using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>A managed disk on the wire, both ways; properties in the recorded order. What the service sets is ignored on input.</summary>
public sealed record DiskModel : IResourceBody
{
    public string? Name { get; init; }
    public string? Id { get; init; }
    public string? Type { get; init; }
    public string? Location { get; init; }
    public Dictionary<string, string>? Tags { get; init; }
    public IReadOnlyList<string>? Zones { get; init; }
    public string? ManagedBy { get; init; }
    public DiskSkuModel? Sku { get; init; }
    public DiskPropertiesModel? Properties { get; init; }

    /// <summary>The disk as a GET shows it.</summary>
    /// <param name="disk">Loaded with its virtual machine.</param>
    /// <param name="activeGrant">Kind of the SAS that is out on the disk, if any.</param>
    public static DiskModel From(Disk disk, AccessKind? activeGrant)
    {
        DiskPerformance performance = DiskPerformance.Of(disk.SkuName, disk.SizeBytes);
        bool uploading = disk.DiskState == DiskState.ReadyToUpload;
        return Frame(disk) with
        {
            ManagedBy = disk.VirtualMachine is { } vm ? ArmResourceId.Of(vm.SubscriptionId, vm.ResourceGroupName, "virtualMachines", vm.Name) : null,
            Sku = new DiskSkuModel { Name = disk.SkuName, Tier = performance.SkuTier },
            Properties = new DiskPropertiesModel
            {
                OsType = disk.OsType,
                HyperVGeneration = disk.HyperVGeneration,
                CreationData = CreationDataModel.From(disk),
                DiskSizeGB = uploading ? null : disk.SizeGB,
                DiskIOPSReadWrite = disk.IopsReadWrite ?? performance.Iops,
                DiskMBpsReadWrite = disk.MBpsReadWrite ?? performance.MBps,
                Encryption = new DiskEncryptionModel { Type = "EncryptionAtRestWithPlatformKey" },
                NetworkAccessPolicy = disk.NetworkAccessPolicy ?? "AllowAll",
                PublicNetworkAccess = disk.PublicNetworkAccess ?? "Enabled",
                TimeCreated = disk.TimeCreated,
                ProvisioningState = disk.ProvisioningState.ToString(),
                DiskState = StateOf(disk, activeGrant).ToString(),
                DiskSizeBytes = uploading ? null : disk.SizeBytes,
                UniqueId = disk.Id,
                Tier = performance.Tier,
            },
        };
    }

    /// <summary>The accepting answer of a PUT: the request echoed with <c>provisioningState: Updating</c>; state, sizes and times are not known yet.</summary>
    public static DiskModel Accepted(Disk disk) => Frame(disk) with
    {
        Sku = new DiskSkuModel { Name = disk.SkuName },
        Properties = new DiskPropertiesModel
        {
            OsType = disk.OsType,
            HyperVGeneration = disk.HyperVGeneration,
            CreationData = CreationDataModel.From(disk),
            DiskSizeGB = disk.CreateOption == DiskCreateOption.Upload ? null : disk.SizeGB,
            NetworkAccessPolicy = disk.NetworkAccessPolicy,
            PublicNetworkAccess = disk.PublicNetworkAccess,
            ProvisioningState = nameof(Store.ProvisioningState.Updating),
        },
    };

    private static DiskModel Frame(Disk disk) => new()
    {
        Name = disk.Name,
        Id = ArmResourceId.Of(disk.SubscriptionId, disk.ResourceGroupName, "disks", disk.Name),
        Type = "Microsoft.Compute/disks",
        Location = disk.Location,
        Tags = disk.Tags?.ToDictionary(),
        Zones = disk.Zones?.Split(','),
    };

    private static DiskState StateOf(Disk disk, AccessKind? activeGrant) => (disk.DiskState, activeGrant) switch
    {
        (DiskState.ReadyToUpload, AccessKind.Upload) => DiskState.ActiveUpload,
        (DiskState.ReadyToUpload, _) => DiskState.ReadyToUpload,
        (_, AccessKind.Read) => DiskState.ActiveSAS,
        _ when disk.VirtualMachine is { } vm => vm.PowerState == PowerState.Deallocated ? DiskState.Reserved : DiskState.Attached,
        _ => DiskState.Unattached,
    };
}

public sealed record DiskSkuModel
{
    public string? Name { get; init; }
    public string? Tier { get; init; }
}

public sealed record DiskPropertiesModel
{
    public string? OsType { get; init; }
    public string? HyperVGeneration { get; init; }
    public CreationDataModel? CreationData { get; init; }
    public long? DiskSizeGB { get; init; }
    public long? DiskIOPSReadWrite { get; init; }
    public long? DiskMBpsReadWrite { get; init; }
    public DiskEncryptionModel? Encryption { get; init; }
    public string? NetworkAccessPolicy { get; init; }

    [Since("2021-04-01")]
    public string? PublicNetworkAccess { get; init; }
    public DateTimeOffset? TimeCreated { get; init; }
    public string? ProvisioningState { get; init; }
    public string? DiskState { get; init; }
    public long? DiskSizeBytes { get; init; }
    public Guid? UniqueId { get; init; }
    public string? Tier { get; init; }
    public int? MaxShares { get; init; }
}

public sealed record DiskEncryptionModel
{
    public string? Type { get; init; }
    public string? DiskEncryptionSetId { get; init; }
}

public sealed record CreationDataModel
{
    public string? CreateOption { get; init; }
    public string? SourceResourceId { get; init; }
    public Guid? SourceUniqueId { get; init; }
    public long? UploadSizeBytes { get; init; }

    public static CreationDataModel From(Disk disk) => new()
    {
        CreateOption = disk.CreateOption.ToString(),
        SourceResourceId = disk.SourceResourceId,
        SourceUniqueId = disk.SourceUniqueId,
        UploadSizeBytes = disk.UploadSizeBytes,
    };
}

/// <summary>Body of a PATCH.</summary>
public sealed record DiskUpdate
{
    public Dictionary<string, string>? Tags { get; init; }
    public DiskSkuModel? Sku { get; init; }
    public DiskUpdateProperties? Properties { get; init; }
}

public sealed record DiskUpdateProperties
{
    public string? OsType { get; init; }
    public long? DiskSizeGB { get; init; }
    public long? DiskIOPSReadWrite { get; init; }
    public long? DiskMBpsReadWrite { get; init; }
    public string? NetworkAccessPolicy { get; init; }

    [Since("2021-04-01")]
    public string? PublicNetworkAccess { get; init; }
}
