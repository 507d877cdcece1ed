using System.Text.Json;
using System.Text.Json.Nodes;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// The keys that a request asks for: <c>diskRestorePoint.encryption</c> of the disks in its <c>sourceMetadata</c>, from 2023-03-01. A data disk is named by
/// <c>managedDisk.id</c>, in a copy also by <c>diskRestorePoint.sourceDiskRestorePoint.id</c>, or by lun or name as a GET shows them. What was asked for is kept in
/// <see cref="RestorePoint.SourceMetadata"/>, in the same place, for the operation that makes the disk restore points.
/// </summary>
public static class RestorePointEncryption
{
    /// <summary>Length of the GUID behind the disk's name in the name of a disk restore point, with its underscore.</summary>
    private const int SuffixLength = 37;

    /// <summary>Puts what a request asks for into the source metadata of its new restore point.</summary>
    /// <param name="sent"><c>properties.sourceMetadata</c> of the request.</param>
    /// <param name="metadata">Of the new restore point, without any encryption.</param>
    /// <param name="included">LUNs of the disks of the new restore point.</param>
    /// <exception cref="ArmException">400: an unknown disk or type, or a type and an encryption set that do not go together.</exception>
    public static void Put(JsonObject? sent, JsonObject metadata, IReadOnlyCollection<int> included, string apiVersion)
    {
        HashSet<int> named = [];
        foreach ((int? lun, string path, DiskEncryptionModel encryption) in Read(sent, metadata, apiVersion))
        {
            if (lun is not { } known || !included.Contains(known))
                throw ArmErrors.InvalidParameter(path, $"The encryption in '{path}' is for no disk of the restore point: name a disk that it includes by managedDisk.id.").AsException();
            if (!named.Add(known))
                throw ArmErrors.InvalidParameter(path, $"The encryption in '{path}' is for a disk that another one names already.").AsException();
            RequireValid(encryption, path);
            EntryOf(metadata, known)!["diskRestorePoint"] = new JsonObject { ["encryption"] = Model(encryption) };
        }
    }

    /// <summary>Whether a repeated PUT asks for the same as the first, or for what the restore point shows.</summary>
    /// <param name="point">Loaded with its disk restore points.</param>
    public static bool IsSame(JsonObject? sent, RestorePoint point, string apiVersion)
    {
        JsonObject metadata = JsonNode.Parse(point.SourceMetadata)!.AsObject();
        int[] asked = [.. Luns(metadata).Where(lun => Asked(metadata, lun) is not null)];
        List<(int? Lun, string, DiskEncryptionModel Encryption)> again = Read(sent, metadata, apiVersion);
        return asked.All(lun => again.Exists(entry => entry.Lun == lun))
            && again.TrueForAll(entry => entry.Lun is { } lun && (IsEqual(entry.Encryption, Asked(metadata, lun)) || IsEqual(entry.Encryption, Shown(point, lun))));
    }

    /// <summary>What a restore point was asked for; null: nothing.</summary>
    /// <param name="metadata">Its source metadata.</param>
    /// <param name="lun">-1 for the OS disk.</param>
    public static DiskEncryptionModel? Asked(JsonObject metadata, int lun) => EntryOf(metadata, lun)?["diskRestorePoint"]?["encryption"] is not JsonObject encryption ? null : new DiskEncryptionModel
    {
        Type = (string?)encryption["type"],
        DiskEncryptionSetId = (string?)encryption["diskEncryptionSet"]?["id"],
    };

    /// <summary>The source metadata of a copy: that of its source, without what was asked for there.</summary>
    public static JsonObject WithoutAsked(string sourceMetadata)
    {
        JsonObject metadata = JsonNode.Parse(sourceMetadata)!.AsObject();
        foreach (int lun in Luns(metadata))
            EntryOf(metadata, lun)!.Remove("diskRestorePoint");
        return metadata;
    }

    /// <summary><see cref="Disk.Settings"/> with another encryption.</summary>
    /// <param name="encryption">null: the settings stay as they are.</param>
    public static string? Encrypted(string? settings, DiskEncryptionModel? encryption)
    {
        if (encryption is null)
            return settings;
        DiskModel kept = DiskModel.Kept(settings);
        return NewDisks.Settings(kept with { Properties = (kept.Properties ?? new DiskPropertiesModel()) with { Encryption = encryption } }, new DiskModel());
    }

    /// <summary>As a restore point shows it.</summary>
    public static JsonObject Model(DiskEncryptionModel encryption)
    {
        JsonObject model = [];
        if (encryption.DiskEncryptionSetId is { } encryptionSet)
            model["diskEncryptionSet"] = new JsonObject { ["id"] = encryptionSet };
        model["type"] = encryption.Type;
        return model;
    }

    /// <summary>What the request has of encryption: LUN of the disk, null when it is none of the metadata; path in the body; type and set as they go together.</summary>
    private static List<(int? Lun, string Path, DiskEncryptionModel Encryption)> Read(JsonObject? sent, JsonObject metadata, string apiVersion)
    {
        const string path = "properties.sourceMetadata";
        if (sent is null)
            return [];
        JsonObject known = sent.DeepClone().AsObject();
        PropertyVersions.SourceMetadata.RemoveUnknown(known, apiVersion);
        SentProfile? storage;
        try
        {
            storage = known.Deserialize<SentMetadata>(ArmJson.OptionsFor(""))!.StorageProfile;
        }
        catch (JsonException fault)
        {
            throw ArmErrors.InvalidRequestContent(ArmJson.Describe(fault, path)).AsException();
        }
        List<(int?, string, DiskEncryptionModel)> found = [];
        if (EncryptionOf(storage?.OsDisk) is { } ofOsDisk)
            found.Add((VirtualMachineDisks.OsDiskLun, $"{path}.storageProfile.osDisk.diskRestorePoint.encryption", ofOsDisk));
        for (int i = 0; i < storage?.DataDisks?.Count; i++)
            if (EncryptionOf(storage.DataDisks[i]) is { } encryption)
                found.Add((LunOf(storage.DataDisks[i]!, metadata), $"{path}.storageProfile.dataDisks[{i}].diskRestorePoint.encryption", encryption));
        return found;
    }

    private static DiskEncryptionModel? EncryptionOf(SentDisk? disk)
    {
        if (disk?.DiskRestorePoint?.Encryption is not { } sent || (sent.Type ?? sent.DiskEncryptionSet?.Id) is null)
            return null;
        DiskEncryptionModel encryption = DiskEncryptionModel.Of(new DiskEncryptionModel { Type = sent.Type, DiskEncryptionSetId = sent.DiskEncryptionSet?.Id });
        return encryption with { Type = DiskEncryptionModel.Types.FirstOrDefault(type => type.Equals(encryption.Type, StringComparison.OrdinalIgnoreCase)) ?? encryption.Type };
    }

    private static int? LunOf(SentDisk disk, JsonObject metadata)
    {
        string? id = disk.ManagedDisk?.Id;
        // The disk's name, then a GUID.
        string? name = disk.DiskRestorePoint!.SourceDiskRestorePoint?.Id?.Split('/')[^1] is { Length: > SuffixLength } point ? point[..^SuffixLength] : disk.Name;
        foreach (int lun in Luns(metadata).Where(lun => lun != VirtualMachineDisks.OsDiskLun))
        {
            JsonObject entry = EntryOf(metadata, lun)!;
            bool isMeant = id is not null ? Is(id, (string?)entry["managedDisk"]?["id"]) : name is not null ? Is(name, (string?)entry["name"]) : disk.Lun == lun;
            if (isMeant)
                return lun;
        }
        return null;

        static bool Is(string sent, string? known) => sent.Equals(known, StringComparison.OrdinalIgnoreCase);
    }

    private static void RequireValid(DiskEncryptionModel encryption, string path)
    {
        if (!DiskEncryptionModel.Types.Contains(encryption.Type))
            throw ArmErrors.InvalidParameter($"{path}.type", $"The value '{encryption.Type}' is not allowed. Allowed values are: {string.Join(", ", DiskEncryptionModel.Types)}.").AsException();
        string set = $"{path}.diskEncryptionSet.id";
        if (encryption.Type == DiskEncryptionModel.PlatformKey)
        {
            if (encryption.DiskEncryptionSetId is not null)
                throw ArmErrors.InvalidParameter(set, $"'{set}' goes with customer keys, not with the type {encryption.Type}.").AsException();
        }
        else if (encryption.DiskEncryptionSetId is not { } id)
        {
            throw ArmErrors.InvalidParameter(set, $"Required parameter '{set}' is missing (null): the type is {encryption.Type}.").AsException();
        }
        else if (!ArmResourceId.TryParse(id, out ArmResourceId? parsed) || !parsed.IsOfType("diskEncryptionSets"))
        {
            throw ArmErrors.InvalidParameter(set, $"'{id}' is not the resource id of a Microsoft.Compute/diskEncryptionSets.").AsException();
        }
    }

    private static DiskEncryptionModel? Shown(RestorePoint point, int lun) => point.DiskRestorePoints.Find(disk => disk.Lun == lun) is { } disk
        ? DiskEncryptionModel.Of(DiskModel.Kept(disk.DiskSettings).Properties?.Encryption)
        : null;

    private static bool IsEqual(DiskEncryptionModel left, DiskEncryptionModel? right) => left.Type == right?.Type
        && string.Equals(left.DiskEncryptionSetId, right?.DiskEncryptionSetId, StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<int> Luns(JsonObject metadata)
    {
        JsonNode? storage = metadata["storageProfile"];
        if (storage?["osDisk"] is JsonObject)
            yield return VirtualMachineDisks.OsDiskLun;
        foreach (JsonObject entry in (storage?["dataDisks"] as JsonArray)?.OfType<JsonObject>() ?? [])
            yield return (int)entry["lun"]!;
    }

    private static JsonObject? EntryOf(JsonObject metadata, int lun) => lun == VirtualMachineDisks.OsDiskLun
        ? metadata["storageProfile"]?["osDisk"] as JsonObject
        : (metadata["storageProfile"]?["dataDisks"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(entry => (int?)entry["lun"] == lun);

    private sealed record SentMetadata
    {
        public SentProfile? StorageProfile { get; init; }
    }

    private sealed record SentProfile
    {
        public SentDisk? OsDisk { get; init; }
        public IReadOnlyList<SentDisk?>? DataDisks { get; init; }
    }

    private sealed record SentDisk
    {
        public int? Lun { get; init; }
        public string? Name { get; init; }
        public ApiEntityReference? ManagedDisk { get; init; }
        public SentPoint? DiskRestorePoint { get; init; }
    }

    private sealed record SentPoint
    {
        public ApiEntityReference? SourceDiskRestorePoint { get; init; }
        public SentEncryption? Encryption { get; init; }
    }

    private sealed record SentEncryption
    {
        public string? Type { get; init; }
        public ApiEntityReference? DiskEncryptionSet { get; init; }
    }
}
