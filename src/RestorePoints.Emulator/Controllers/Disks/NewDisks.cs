using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.VhdImports;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Turns a valid request for a disk into its row: resolves the source, decides the size. The bytes are made by the operation.</summary>
public sealed class NewDisks(EmulatorDbContext db, TimeProvider time, CopySources sources, ImportRoots importRoots, SnapshotAccess access)
{
    /// <summary>Wire names of the properties that <see cref="Disk"/> or <see cref="Snapshot"/> has columns for.</summary>
    private static readonly string[] Columns =
    [
        "osType", "hyperVGeneration", "diskSizeGB", "accountType", "diskIOPSReadWrite", "diskMBpsReadWrite", "networkAccessPolicy", "publicNetworkAccess", "provisioningState",
        "createOption", "sourceResourceId", "uploadSizeBytes",
    ];

    /// <summary>Adds the row of the disk that a PUT describes.</summary>
    /// <returns>The disk, and the key of the operations of what it copies.</returns>
    public async Task<(Disk Disk, Guid? SourceKey)> FromRequestAsync(Guid subscriptionId, string resourceGroupName, string name, DiskModel request)
    {
        DiskPropertiesModel properties = request.Properties!;
        CreationDataModel creation = properties.CreationData!;
        if (!Enum.TryParse(creation.CreateOption, ignoreCase: true, out DiskCreateOption option) || option == DiskCreateOption.CopyStart)
            throw ArmErrors.NotImplementedByEmulator($"creationData.createOption '{creation.CreateOption}' of a disk").AsException();
        string skuName = SkuName(request.Sku?.Name ?? properties.AccountType) ?? "Standard_LRS";
        RequireImplemented(properties);
        if (properties.Tier is not null && !DiskPerformance.IsPremiumSsd(skuName))
            throw ArmErrors.InvalidParameter("tier", $"The performance tier cannot be set on a disk of the SKU {skuName}: only on Premium_LRS and Premium_ZRS.").AsException();
        RequireDiskAccess(properties.NetworkAccessPolicy, properties.DiskAccessId);
        if (option == DiskCreateOption.Upload && creation.UploadSizeBytes is null)
            throw ArmErrors.InvalidParameter("properties.creationData.uploadSizeBytes", "Required parameter 'disk.properties.creationData.uploadSizeBytes' is missing (null).").AsException();

        string location = Regions.Normalize(request.Location!);
        string? osType = OsType(properties.OsType);
        Source source = option switch
        {
            DiskCreateOption.Copy => Source.From(await sources.RequireAsync(creation.SourceResourceId!, location)),
            DiskCreateOption.Restore => await SourcePointAsync(creation.SourceResourceId!, location),
            DiskCreateOption.Upload => new Source(creation.UploadSizeBytes!.Value - 512, null, null, null, null),
            DiskCreateOption.FromImage => ImageSource(osType, creation),
            _ => new Source(0, null, null, null, null),
        };
        if (option == DiskCreateOption.Import)
            importRoots.Require(creation.SourceUri!);
        // Of an import the operation decides.
        bool isOfSource = option is DiskCreateOption.Upload or DiskCreateOption.Import || properties.DiskSizeGB is null;
        long sizeBytes = isOfSource ? source.SizeBytes : properties.DiskSizeGB!.Value << 30;
        if (sizeBytes < source.SizeBytes)
            throw ArmErrors.DiskSmallerThanSource(name, DiskSize.WholeGB(source.SizeBytes), DiskSize.WholeGB(sizeBytes)).AsException();

        Disk disk = new()
        {
            SubscriptionId = subscriptionId,
            ResourceGroupName = resourceGroupName,
            Name = name,
            Location = location,
            Tags = Tags.From(request.Tags),
            TimeCreated = time.GetUtcNow(),
            ProvisioningState = ProvisioningState.Updating,
            SkuName = skuName,
            CreateOption = option,
            SourceResourceId = creation.SourceResourceId,
            SourceUniqueId = source.UniqueId,
            UploadSizeBytes = creation.UploadSizeBytes,
            SizeBytes = sizeBytes,
            OsType = osType ?? source.OsType,
            HyperVGeneration = properties.HyperVGeneration ?? source.HyperVGeneration,
            NetworkAccessPolicy = NetworkAccessPolicy(properties.NetworkAccessPolicy),
            PublicNetworkAccess = PublicNetworkAccess(properties.PublicNetworkAccess),
            IopsReadWrite = properties.DiskIOPSReadWrite,
            MBpsReadWrite = properties.DiskMBpsReadWrite,
            Zones = request.Zones is { Count: > 0 } zones ? string.Join(',', zones) : null,
            DiskState = option == DiskCreateOption.Upload ? DiskState.ReadyToUpload : DiskState.Unattached,
            Settings = Settings(DiskModel.Inherited(source.Settings), new DiskModel
            {
                ExtendedLocation = request.ExtendedLocation,
                Properties = properties with { CreationData = OnlyOf(option, creation) },
            }),
        };
        db.Disks.Add(disk);
        return (disk, source.SerialKey);
    }

    /// <summary>
    /// Adds the row of a disk that a virtual machine brings along (FromImage, Empty, Copy, Restore): <c>Creating</c> until the machine's operation has made it.
    /// </summary>
    /// <param name="sizeGB">null: as large as the source.</param>
    /// <param name="osType">Of a disk from an image; a copy has that of its source.</param>
    /// <param name="sourceId">Of Copy: a disk or snapshot; of Restore: a disk restore point.</param>
    /// <exception cref="ArmException">404: the source is absent or in another region. 409: it is larger.</exception>
    public async Task<Disk> ForVirtualMachineAsync(
        VirtualMachine vm, string name, DiskCreateOption option, ManagedDiskParameters? parameters, long? sizeGB, string? osType, string? sourceId)
    {
        Source source = option switch
        {
            DiskCreateOption.Copy => Source.From(await sources.RequireAsync(sourceId!, vm.Location)),
            DiskCreateOption.Restore => await SourcePointAsync(sourceId!, vm.Location),
            _ => new Source(0, null, osType, osType is null ? null : "V1", null),
        };
        long sizeBytes = sizeGB is { } requested ? requested << 30 : source.SizeBytes;
        if (sizeBytes < source.SizeBytes)
            throw ArmErrors.DiskSmallerThanSource(name, DiskSize.WholeGB(source.SizeBytes), DiskSize.WholeGB(sizeBytes)).AsException();
        Disk disk = new()
        {
            SubscriptionId = vm.SubscriptionId,
            ResourceGroupName = vm.ResourceGroupName,
            Name = name,
            Location = vm.Location,
            TimeCreated = time.GetUtcNow(),
            ProvisioningState = ProvisioningState.Creating,
            SkuName = SkuName(parameters?.StorageAccountType) ?? "Standard_LRS",
            CreateOption = option,
            SourceResourceId = sourceId,
            SourceUniqueId = source.UniqueId,
            SizeBytes = sizeBytes,
            OsType = source.OsType,
            HyperVGeneration = source.HyperVGeneration,
            Settings = Settings(DiskModel.Inherited(source.Settings), parameters?.DiskEncryptionSet?.Id is { } encryptionSet
                ? new DiskModel { Properties = new DiskPropertiesModel { Encryption = new DiskEncryptionModel { DiskEncryptionSetId = encryptionSet } } }
                : new DiskModel()),
        };
        db.Disks.Add(disk);
        return disk;
    }

    /// <summary>Without what goes with other create options and means nothing with this one.</summary>
    public static CreationDataModel OnlyOf(DiskCreateOption option, CreationDataModel creation)
    {
        if (option != DiskCreateOption.FromImage)
            creation = creation with { ImageReference = null, GalleryImageReference = null };
        if (option != DiskCreateOption.Import)
            creation = creation with { SourceUri = null, StorageAccountId = null };
        if (option != DiskCreateOption.CopyStart)
            creation = creation with { ProvisionedBandwidthCopySpeed = null };
        return creation with { SecurityDataUri = null };
    }

    /// <summary>Access through a disk access, and only that, names one.</summary>
    /// <param name="policy">networkAccessPolicy as it will be.</param>
    public static void RequireDiskAccess(string? policy, string? diskAccessId)
    {
        bool isPrivate = "AllowPrivate".Equals(policy, StringComparison.OrdinalIgnoreCase);
        if (isPrivate && diskAccessId is null)
            throw ArmErrors.DiskAccessMissing.AsException();
        if (!isPrivate && diskAccessId is not null)
            throw ArmErrors.DiskAccessWithoutPolicy.AsException();
    }

    /// <summary>The same of a change, which leaves what it does not name as it is; a disk access goes with the policy that needs it.</summary>
    public static void RequireDiskAccess(string? keptPolicy, string? keptDiskAccessId, string? policy, string? diskAccessId)
    {
        if ((policy ?? diskAccessId) is null)
            return;
        policy ??= keptPolicy;
        bool isPrivate = "AllowPrivate".Equals(policy, StringComparison.OrdinalIgnoreCase);
        RequireDiskAccess(policy, diskAccessId ?? (isPrivate ? keptDiskAccessId : null));
    }

    /// <summary>Refuses properties that would need what the emulator does not have.</summary>
    public static void RequireImplemented(DiskPropertiesModel? properties)
    {
        if (properties?.CreationData?.LogicalSectorSize is not (null or 512))
            throw ArmErrors.NotImplementedByEmulator($"creationData.logicalSectorSize {properties.CreationData.LogicalSectorSize} of a disk").AsException();
    }

    /// <summary>
    /// Value of <see cref="Disk.Settings"/> or <see cref="Snapshot.Settings"/>: <paramref name="change"/> over what the resource has or inherits, without
    /// what has a column.
    /// </summary>
    public static string? Settings<TModel>(TModel kept, TModel change)
    {
        JsonObject settings = JsonSerializer.SerializeToNode(kept, ArmJson.OptionsFor(""))!.AsObject();
        ArmJson.Merge(settings, JsonSerializer.SerializeToNode(change, ArmJson.OptionsFor(""))!.AsObject());
        JsonObject? properties = settings["properties"] as JsonObject, creation = properties?["creationData"] as JsonObject;
        foreach (string name in Columns)
        {
            properties?.Remove(name);
            creation?.Remove(name);
        }
        if (creation?.Count == 0)
            properties!.Remove("creationData");
        if (properties?.Count == 0)
            settings.Remove("properties");
        return settings.Count == 0 ? null : settings.ToJsonString();
    }

    /// <summary>The SKU in its canonical spelling; null when absent.</summary>
    public static string? SkuName(string? requested) => requested is null ? null : Spelled(requested, DiskPerformance.SkuNames) ?? requested;

    public static string? OsType(string? requested) => Spelled(requested, "Windows", "Linux");

    public static string? NetworkAccessPolicy(string? requested) => Spelled(requested, "AllowAll", "AllowPrivate", "DenyAll");

    public static string? PublicNetworkAccess(string? requested) => Spelled(requested, "Enabled", "Disabled");

    /// <summary>A value that a validator has let through, in its canonical spelling.</summary>
    internal static string? Spelled(string? value, params string[] values) =>
        value is null ? null : Array.Find(values, known => known.Equals(value, StringComparison.OrdinalIgnoreCase));

    /// <summary>An OS disk of the image, unless a LUN asks for one of its data disks.</summary>
    private static Source ImageSource(string? osType, CreationDataModel creation)
    {
        bool isOsDisk = (creation.ImageReference ?? creation.GalleryImageReference)!.Lun is null;
        return new Source(DiskSize.OfImageGB(osType) << 30, null, isOsDisk ? "Linux" : null, isOsDisk ? "V1" : null, null);
    }

    private async Task<Source> SourcePointAsync(string sourceId, string location)
    {
        ArmResourceId id = ArmResourceId.Parse(sourceId);
        DiskRestorePoint? source = await db.DiskRestorePoints.WithId(id).SingleOrDefaultAsync(point => point.RestorePoint!.ProvisioningState == ProvisioningState.Succeeded);
        if (source is null || source.Location != location)
            throw ArmErrors.DiskResourceNotFound(id.Name).AsException();
        // A copy from another region gives what is there so far, as Azure does.
        if (source.CopyEndTime is not null && access.Of(source).Access is var state and <= SnapshotAccessState.Pending)
            throw ArmErrors.SnapshotNotRestorable(source.Name, state.ToString()).AsException();
        return new Source(source.SizeBytes, null, source.OsType, source.HyperVGeneration, source.DiskSettings);
    }

    private sealed record Source(long SizeBytes, Guid? UniqueId, string? OsType, string? HyperVGeneration, string? Settings, Guid? SerialKey = null)
    {
        public static Source From(CopySource source) => new(source.SizeBytes, source.UniqueId, source.OsType, source.HyperVGeneration, source.Settings, source.SerialKey);
    }
}
