using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// Makes the attached disks of a virtual machine those that its <c>storageProfile</c> lists: attaches existing ones, adds rows for those that
/// the machine brings along (FromImage, Empty, Copy, Restore), detaches what is not listed any more.
/// </summary>
public sealed class VirtualMachineDisks(EmulatorDbContext db, NewDisks newDisks, TimeProvider time)
{
    /// <summary>Value of <see cref="Disk.Lun"/> of an OS disk.</summary>
    public const int OsDiskLun = -1;

    private const long MaxSizeGB = 65_536;

    /// <summary>The first api-version with Copy, Restore and <c>sourceResource</c>.</summary>
    private const string FirstVersionWithSources = "2024-03-01";

    /// <summary>Disks that could not be created: the request that lists them again makes them anew.</summary>
    private readonly List<Guid> _replaced = [];

    /// <param name="vm">Tracked, with its disks loaded.</param>
    /// <param name="profile">Of the new <c>properties</c>; lists every disk.</param>
    /// <returns>The disks that the machine's operation has to make.</returns>
    public async Task<IReadOnlyList<Guid>> ApplyAsync(VirtualMachine vm, VirtualMachineProfile profile, string apiVersion)
    {
        if (profile.StorageProfile is not { } storage)
            throw Missing("storageProfile");
        Dictionary<int, VirtualMachineDisk> wanted = new() { [OsDiskLun] = storage.OsDisk ?? throw Missing("storageProfile.osDisk") };
        foreach (VirtualMachineDisk entry in storage.DataDisks ?? [])
        {
            if (entry?.Lun is not (>= 0 and <= 63))
                throw ArmErrors.InvalidParameter("dataDisk.lun", "The lun of a data disk is a number from 0 to 63.").AsException();
            if (!wanted.TryAdd(entry.Lun.Value, entry))
                throw ArmErrors.InvalidParameter("dataDisk.lun", $"Cannot attach two data disks at lun {entry.Lun}: a lun is used once.").AsException();
        }

        RequireValid(storage);
        bool swapsOsDisk = vm.Disks.Find(disk => disk.Lun == OsDiskLun) is { } osDisk && !Means(wanted[OsDiskLun], osDisk);
        if (swapsOsDisk && vm.PowerState == PowerState.Running)
            throw ArmErrors.PropertyChangeNotAllowed("osDisk.managedDisk.id").AsException();
        foreach (Disk disk in vm.Disks.ToList())
        {
            if (!wanted.TryGetValue(disk.Lun!.Value, out VirtualMachineDisk? entry) || !Means(entry, disk))
                Detach(vm, disk);
            else if (disk.ProvisioningState == ProvisioningState.Failed && entry.ManagedDisk?.Id is null && !IsOption(entry, "Attach"))
                Discard(vm, disk);
            else if (entry.SourceResource?.Id is { } source && IsCopy(entry.CreateOption) && !source.Equals(disk.SourceResourceId, StringComparison.OrdinalIgnoreCase))
                throw ArmErrors.PropertyChangeNotAllowed("dataDisk.sourceResource.id").AsException();
        }
        // A swap names the new OS disk and keeps the createOption of the old one.
        if (swapsOsDisk)
            await AttachExistingAsync(vm, OsDiskLun, wanted[OsDiskLun], "osDisk");
        HashSet<Guid> known = [.. vm.Disks.Select(disk => disk.Id)];
        foreach ((int lun, VirtualMachineDisk entry) in wanted)
            if (entry.ToBeDetached != true && !vm.Disks.Exists(disk => disk.Lun == lun))
                await AttachAsync(vm, lun, entry, profile, apiVersion);
        return [.. vm.Disks.Where(disk => disk.ProvisioningState == ProvisioningState.Creating && !known.Contains(disk.Id)).Select(disk => disk.Id)];
    }

    /// <summary>Fills in what the service knows of the disks: names, ids, SKUs, sizes.</summary>
    /// <param name="vm">With its disks.</param>
    public static void FillIn(VirtualMachine vm, JsonObject properties)
    {
        JsonObject storage = properties["storageProfile"]!.AsObject();
        if (storage["dataDisks"] is not JsonArray)
            storage["dataDisks"] = new JsonArray();
        foreach (Disk disk in vm.Disks)
        {
            JsonObject entry = disk.Lun == OsDiskLun
                ? storage["osDisk"]!.AsObject()
                : storage["dataDisks"]!.AsArray().OfType<JsonObject>().First(known => (int?)known["lun"] == disk.Lun);
            if (disk.Lun == OsDiskLun)
                entry["osType"] = disk.OsType;
            entry["name"] = disk.Name;
            entry.TryAdd("createOption", disk.CreateOption.ToString());
            entry.TryAdd("caching", disk.Lun == OsDiskLun ? "ReadWrite" : "None");
            entry["managedDisk"] = ManagedDisk(disk, entry["managedDisk"] as JsonObject);
            entry.TryAdd("deleteOption", "Detach");
            entry["diskSizeGB"] = disk.SizeGB;
            if (disk.Lun != OsDiskLun)
                entry.TryAdd("toBeDetached", false);
            // A request of a version that does not know it leaves it out.
            if (IsCopy((string?)entry["createOption"]))
                entry.TryAdd("sourceResource", new JsonObject { ["id"] = disk.SourceResourceId });
        }
    }

    /// <summary>The reference to a disk that a machine or a restore point shows: SKU, encryption set, id, then what else the request had.</summary>
    public static JsonObject ManagedDisk(Disk disk, JsonObject? requested)
    {
        JsonObject reference = new() { ["storageAccountType"] = disk.SkuName };
        if (DiskModel.Kept(disk.Settings).Properties?.Encryption?.DiskEncryptionSetId is { } encryptionSet)
            reference["diskEncryptionSet"] = new JsonObject { ["id"] = encryptionSet };
        reference["id"] = ArmResourceId.Of(disk.SubscriptionId, disk.ResourceGroupName, "disks", disk.Name);
        foreach ((string name, JsonNode? value) in requested ?? [])
            reference.TryAdd(name, value?.DeepClone());
        return reference;
    }

    /// <summary>The disks that go with the machine when it is deleted.</summary>
    public static IEnumerable<Disk> DeletedWith(VirtualMachine vm)
    {
        JsonObject? storage = StorageProfileOf(vm);
        return vm.Disks.Where(disk => "Delete".Equals((string?)EntryOf(storage, disk)?["deleteOption"], StringComparison.OrdinalIgnoreCase));
    }

    public static JsonObject? StorageProfileOf(VirtualMachine vm) => JsonNode.Parse(vm.Body)!["properties"]?["storageProfile"] as JsonObject;

    /// <summary>What a storage profile says of an attached disk.</summary>
    public static JsonObject? EntryOf(JsonObject? storage, Disk disk) => disk.Lun == OsDiskLun
        ? storage?["osDisk"] as JsonObject
        : (storage?["dataDisks"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(entry => (int?)entry["lun"] == disk.Lun);

    private async Task AttachAsync(VirtualMachine vm, int lun, VirtualMachineDisk entry, VirtualMachineProfile profile, string apiVersion)
    {
        string path = lun == OsDiskLun ? "osDisk" : "dataDisk";
        switch (entry.CreateOption?.ToLowerInvariant())
        {
            case "attach":
                await AttachExistingAsync(vm, lun, entry, path);
                break;
            case "empty" when lun != OsDiskLun:
                if (entry.DiskSizeGB is not (>= 1 and <= MaxSizeGB))
                    throw ArmErrors.InvalidParameter("dataDisk.diskSizeGB", $"An empty data disk needs a diskSizeGB from 1 to {MaxSizeGB}.").AsException();
                await AddNewAsync(vm, lun, entry, DiskCreateOption.Empty, entry.DiskSizeGB);
                break;
            case "fromimage":
                string osType = "Windows".Equals(entry.OsType, StringComparison.OrdinalIgnoreCase) || profile.OsProfile?.WindowsConfiguration is not null ? "Windows" : "Linux";
                long imageSizeGB = DiskSize.OfImageGB(osType);
                if (entry.DiskSizeGB is { } requested && (requested < imageSizeGB || requested > MaxSizeGB))
                    throw ArmErrors.DiskSmallerThanSource(path, imageSizeGB, requested).AsException();
                await AddNewAsync(vm, lun, entry, DiskCreateOption.FromImage, entry.DiskSizeGB ?? imageSizeGB, lun == OsDiskLun ? osType : null);
                break;
            case "copy" when lun != OsDiskLun:
                ApiVersionMiddleware.RequireServed(apiVersion, FirstVersionWithSources);
                await AddCopyAsync(vm, lun, entry, DiskCreateOption.Copy, "disks", "snapshots");
                break;
            case "restore" when lun != OsDiskLun:
                ApiVersionMiddleware.RequireServed(apiVersion, FirstVersionWithSources);
                await AddCopyAsync(vm, lun, entry, DiskCreateOption.Restore, "restorePointCollections/restorePoints/diskRestorePoints");
                break;
            case null or "":
                throw Missing($"storageProfile.{path}.createOption");
            default:
                throw ArmErrors.InvalidParameter($"{path}.createOption",
                    $"The value '{entry.CreateOption}' of parameter '{path}.createOption' is not allowed. Allowed values are: {(lun == OsDiskLun ? "Attach, FromImage" : "Attach, FromImage, Empty, Copy, Restore")}.").AsException();
        }
    }

    private async Task AttachExistingAsync(VirtualMachine vm, int lun, VirtualMachineDisk entry, string path)
    {
        string? text = entry.ManagedDisk?.Id;
        if (!ArmResourceId.TryParse(text, out ArmResourceId? id) || !id.IsOfType("disks"))
            throw ArmErrors.InvalidParameter($"{path}.managedDisk.id", $"'{text}' is not the resource id of a Microsoft.Compute/disks.").AsException();
        Disk disk = await db.Disks.Include(disk => disk.VirtualMachine).SingleOrDefaultAsync(disk =>
            disk.SubscriptionId == id.SubscriptionId && disk.ResourceGroupName == id.ResourceGroup && disk.Name == id.Name)
            ?? throw ArmErrors.ResourceNotFound("disks", id.Name, id.ResourceGroup).AsException();
        if (disk.Location != vm.Location)
            throw ArmErrors.DiskResourceNotFound(disk.Name).AsException();
        if (disk.VirtualMachine is { } other && other.Id != vm.Id)
            throw ArmErrors.DiskIsAttached(disk.Name, other.Name).AsException();
        if (disk.VirtualMachine is not null)
            throw ArmErrors.InvalidParameter($"{path}.managedDisk.id", $"Disk {disk.Name} is listed twice.").AsException();
        if (disk.DiskState == DiskState.ReadyToUpload)
            throw ArmErrors.DiskUploadNotEnded(disk.Name).AsException();
        if (disk.ProvisioningState is ProvisioningState.Failed or ProvisioningState.Deleting)
            throw ArmErrors.DiskNotUsable(disk.Name, disk.ProvisioningState.ToString()).AsException();
        if (disk.SizeBytes == 0)
            throw ArmErrors.DiskBeingImported(disk.Name).AsException();
        if (await db.ActiveGrantAsync(disk.Id, time.GetUtcNow()) is not null)
            throw ArmErrors.ActiveSharedAccessSignature(disk.Name).AsException();
        if (lun == OsDiskLun)
            disk.OsType ??= "Windows".Equals(entry.OsType, StringComparison.OrdinalIgnoreCase) ? "Windows" : "Linux";
        disk.VirtualMachineId = vm.Id;
        disk.VirtualMachine = vm;
        disk.Lun = lun;
        if (!vm.Disks.Contains(disk))
            vm.Disks.Add(disk);
    }

    /// <param name="types">What <c>sourceResource</c> can be.</param>
    private async Task AddCopyAsync(VirtualMachine vm, int lun, VirtualMachineDisk entry, DiskCreateOption option, params string[] types)
    {
        string? source = entry.SourceResource?.Id;
        if (source is null)
            throw Missing("storageProfile.dataDisk.sourceResource.id");
        if (!ArmResourceId.TryParse(source, out ArmResourceId? id) || !types.Any(id.IsOfType))
            throw ArmErrors.InvalidParameter("dataDisk.sourceResource.id", $"'{source}' is not the resource id of a Microsoft.Compute/{string.Join(" or ", types)}.").AsException();
        if (entry.DiskSizeGB is { } size and not (>= 1 and <= MaxSizeGB))
            throw ArmErrors.InvalidParameter("dataDisk.diskSizeGB", $"The value '{size}' of diskSizeGB is out of range. It must be between 1 and {MaxSizeGB}.").AsException();
        await AddNewAsync(vm, lun, entry, option, entry.DiskSizeGB, sourceId: source);
    }

    /// <summary>Names follow the recorded ones: <c>{vm}_OsDisk_1_{32 hex}</c>, data disks <c>{vm}_disk{n}_{32 hex}</c> with n from 2.</summary>
    private async Task AddNewAsync(VirtualMachine vm, int lun, VirtualMachineDisk entry, DiskCreateOption option, long? sizeGB, string? osType = null, string? sourceId = null)
    {
        string name = entry.Name
            ?? (lun == OsDiskLun ? $"{vm.Name}_OsDisk_1_{Guid.NewGuid():N}" : $"{vm.Name}_disk{vm.Disks.Count(disk => disk.Lun != OsDiskLun) + 2}_{Guid.NewGuid():N}");
        ResourceNames.RequireValid("disk.name", name);
        if (await db.Disks.AnyAsync(disk => disk.SubscriptionId == vm.SubscriptionId && disk.ResourceGroupName == vm.ResourceGroupName && disk.Name == name && !_replaced.Contains(disk.Id))
            || vm.Disks.Exists(disk => disk.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
            throw ArmErrors.DiskAlreadyExists(name).AsException();
        Disk disk = await newDisks.ForVirtualMachineAsync(vm, name, option, entry.ManagedDisk, sizeGB, osType, sourceId);
        disk.VirtualMachineId = vm.Id;
        disk.VirtualMachine = vm;
        disk.Lun = lun;
        if (!vm.Disks.Contains(disk))
            vm.Disks.Add(disk);
    }

    /// <summary>Takes away the row of a disk that the machine brought along and that could not be created: it has no bytes.</summary>
    private void Discard(VirtualMachine vm, Disk disk)
    {
        _replaced.Add(disk.Id);
        db.Disks.Remove(disk);
        vm.Disks.Remove(disk);
    }

    /// <summary>Whether a data disk has a <c>sourceResource</c>.</summary>
    private static bool IsCopy(string? createOption) => createOption?.ToLowerInvariant() is "copy" or "restore";

    private static bool IsOption(VirtualMachineDisk entry, string option) => option.Equals(entry.CreateOption, StringComparison.OrdinalIgnoreCase);

    private static void Detach(VirtualMachine vm, Disk disk)
    {
        vm.Disks.Remove(disk);
        disk.VirtualMachineId = null;
        disk.VirtualMachine = null;
        disk.Lun = null;
    }

    /// <summary>Values that the disks of a machine may have, whatever happens to them.</summary>
    private static void RequireValid(StorageProfile storage)
    {
        if (storage.OsDisk!.ToBeDetached == true)
            throw ArmErrors.InvalidParameter("osDisk.toBeDetached", "The OS disk of a virtual machine cannot be detached.").AsException();
        foreach (VirtualMachineDisk disk in (storage.DataDisks ?? []).Prepend(storage.OsDisk))
        {
            if (disk.Vhd is not null)
                throw ArmErrors.NotImplementedByEmulator("An unmanaged disk (vhd) of a virtual machine").AsException();
            RequireOneOf("disk.deleteOption", disk.DeleteOption, "Delete", "Detach");
            RequireOneOf("disk.caching", disk.Caching, "None", "ReadOnly", "ReadWrite");
            RequireOneOf("disk.managedDisk.storageAccountType", disk.ManagedDisk?.StorageAccountType, DiskPerformance.SkuNames);
        }
    }

    private static void RequireOneOf(string parameter, string? value, params string[] allowed)
    {
        if (value is not null && !allowed.Contains(value, StringComparer.OrdinalIgnoreCase))
            throw ArmErrors.InvalidParameter(parameter,
                $"The value '{value}' of parameter '{parameter}' is not allowed. Allowed values are: {string.Join(", ", allowed)}.").AsException();
    }

    /// <summary>Whether an entry means this attached disk: by id, by name, or, when it says neither, by its place.</summary>
    private static bool Means(VirtualMachineDisk entry, Disk disk)
    {
        if (entry.ToBeDetached == true)
            return false;
        if (entry.ManagedDisk?.Id is { } id)
            return id.Equals(ArmResourceId.Of(disk.SubscriptionId, disk.ResourceGroupName, "disks", disk.Name), StringComparison.OrdinalIgnoreCase);
        return entry.Name is null || entry.Name.Equals(disk.Name, StringComparison.OrdinalIgnoreCase);
    }

    private static ArmException Missing(string property) =>
        ArmErrors.InvalidParameter(property, $"Required parameter '{property}' is missing (null).").AsException();
}
