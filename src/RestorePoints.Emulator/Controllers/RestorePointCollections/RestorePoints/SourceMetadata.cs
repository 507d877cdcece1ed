using System.Text.Json.Nodes;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// <c>sourceMetadata</c> of a restore point: what the virtual machine was like when the point was taken. Made once, when the PUT is accepted,
/// and never changed; the disk restore points are put in when it is shown.
/// </summary>
public static class SourceMetadata
{
    /// <param name="vm">Loaded with its disks.</param>
    /// <param name="included">The disks that the point freezes.</param>
    public static JsonObject Of(VirtualMachine vm, IReadOnlyCollection<Disk> included)
    {
        JsonObject body = JsonNode.Parse(vm.Body)!.AsObject();
        JsonObject properties = body["properties"]?.AsObject() ?? [];
        JsonObject? storage = properties["storageProfile"] as JsonObject;
        Disk? osDisk = vm.Disks.Find(disk => disk.Lun == VirtualMachineDisks.OsDiskLun);
        JsonObject metadata = new()
        {
            ["vmId"] = vm.Id.ToString(),
            ["location"] = vm.Location,
            ["hardwareProfile"] = properties["hardwareProfile"]?.DeepClone(),
            ["storageProfile"] = new JsonObject
            {
                ["osDisk"] = osDisk is null ? null : DiskOf(osDisk, storage?["osDisk"] as JsonObject),
                ["dataDisks"] = new JsonArray([.. included.Where(disk => disk != osDisk).OrderBy(disk => disk.Lun).Select(disk => DiskOf(disk, EntryOfLun(storage, disk.Lun)))]),
                ["diskControllerType"] = storage?["diskControllerType"]?.DeepClone(),
            },
            ["osProfile"] = properties["osProfile"]?.DeepClone(),
            ["diagnosticsProfile"] = properties["diagnosticsProfile"]?.DeepClone(),
            ["licenseType"] = properties["licenseType"]?.DeepClone(),
            ["securityProfile"] = properties["securityProfile"]?.DeepClone(),
            ["userData"] = properties["userData"]?.DeepClone(),
            ["hyperVGeneration"] = osDisk?.HyperVGeneration ?? "V1",
        };
        ArmJson.RemoveNulls(metadata);
        return metadata;
    }

    /// <summary>The metadata with <c>diskRestorePoint</c> after each disk's <c>managedDisk</c>, without what the api-version does not know.</summary>
    public static JsonObject WithDiskRestorePoints(RestorePoint point, string restorePointId, string apiVersion)
    {
        JsonObject metadata = JsonNode.Parse(point.SourceMetadata)!.AsObject();
        JsonObject storage = metadata["storageProfile"]!.AsObject();
        foreach (DiskRestorePoint diskPoint in point.DiskRestorePoints)
        {
            JsonObject? entry = diskPoint.Lun == VirtualMachineDisks.OsDiskLun ? storage["osDisk"] as JsonObject : EntryOfLun(storage, diskPoint.Lun);
            JsonObject reference = new()
            {
                ["sourceDiskRestorePoint"] = diskPoint.SourceDiskRestorePointId is { } source ? new JsonObject { ["id"] = source } : null,
                ["encryption"] = RestorePointEncryption.Model(DiskEncryptionModel.Of(DiskModel.Kept(diskPoint.DiskSettings).Properties?.Encryption)),
                ["id"] = $"{restorePointId}/diskRestorePoints/{diskPoint.Name}",
            };
            ArmJson.RemoveNulls(reference);
            if (entry is null)
                continue;
            // A disk may have grown between the request and the freeze.
            entry["diskSizeGB"] = DiskSize.WholeGB(diskPoint.SizeBytes);
            entry.Remove("diskRestorePoint");
            entry.Insert(entry.IndexOf("managedDisk") + 1, "diskRestorePoint", reference);
        }
        PropertyVersions.SourceMetadata.RemoveUnknown(metadata, apiVersion);
        return metadata;
    }

    private static JsonObject DiskOf(Disk disk, JsonObject? entry) => new()
    {
        ["lun"] = disk.Lun == VirtualMachineDisks.OsDiskLun ? null : disk.Lun,
        ["osType"] = disk.Lun == VirtualMachineDisks.OsDiskLun ? entry?["osType"]?.DeepClone() ?? disk.OsType : null,
        ["name"] = disk.Name,
        ["diskSizeGB"] = disk.SizeGB,
        ["caching"] = entry?["caching"]?.DeepClone() ?? "None",
        ["managedDisk"] = VirtualMachineDisks.ManagedDisk(disk, entry?["managedDisk"] as JsonObject),
        ["writeAcceleratorEnabled"] = disk.Lun == VirtualMachineDisks.OsDiskLun ? null : (bool?)entry?["writeAcceleratorEnabled"] ?? false,
    };

    private static JsonObject? EntryOfLun(JsonObject? storage, int? lun) =>
        (storage?["dataDisks"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(entry => (int?)entry["lun"] == lun);
}
