using System.Text.Json.Nodes;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>ARM reads property names without regard to case. What is stored as JSON gets its published spelling first, so that it can be found again.</summary>
public static class WireNames
{
    private static readonly string[] Properties =
        ["hardwareProfile", "storageProfile", "osProfile", "networkProfile", "securityProfile", "diagnosticsProfile", "licenseType", "userData", "provisioningState", "vmId", "instanceView", "timeCreated"];

    private static readonly string[] Storage =
    [
        "imageReference", "osDisk", "dataDisks", "diskControllerType", "lun", "name", "createOption", "osType", "caching", "writeAcceleratorEnabled", "diskSizeGB", "managedDisk", "sourceResource",
        "id", "storageAccountType", "diskEncryptionSet", "vhd", "deleteOption", "toBeDetached", "diffDiskSettings",
    ];

    private static readonly string[] Os =
    [
        "computerName", "adminUsername", "adminPassword", "customData", "windowsConfiguration", "linuxConfiguration", "secrets", "allowExtensionOperations", "requireGuestProvisionSignal",
    ];

    /// <summary>Spells the names that have a meaning here as published.</summary>
    /// <param name="properties"><c>properties</c> of a virtual machine.</param>
    public static void Normalize(JsonObject properties)
    {
        Rename(properties, Properties);
        if (properties["storageProfile"] is JsonObject storage)
            RenameDeep(storage, Storage);
        if (properties["osProfile"] is JsonObject os)
            Rename(os, Os);
    }

    private static void RenameDeep(JsonNode node, string[] names)
    {
        if (node is JsonArray array)
        {
            foreach (JsonNode element in array.OfType<JsonNode>())
                RenameDeep(element, names);
        }
        else if (node is JsonObject container)
        {
            Rename(container, names);
            foreach (JsonNode member in container.Select(member => member.Value).OfType<JsonNode>())
                RenameDeep(member, names);
        }
    }

    private static void Rename(JsonObject container, string[] names)
    {
        foreach (string sent in container.Select(member => member.Key).ToList())
        {
            string? name = Array.Find(names, name => name.Equals(sent, StringComparison.OrdinalIgnoreCase));
            if (name is null || name == sent)
                continue;
            if (container.ContainsKey(name))
                throw ArmErrors.InvalidRequestContent($"The property '{name}' is there twice.").AsException();
            int index = container.IndexOf(sent);
            JsonNode? value = container[sent];
            container.RemoveAt(index);
            container.Insert(index, name, value);
        }
    }
}
