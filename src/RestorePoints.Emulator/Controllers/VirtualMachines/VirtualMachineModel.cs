using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using FluentValidation;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// Body of a virtual machine PUT or PATCH. Restore points need its disks; the rest of the profile (zones, identity, network …) is stored and echoed as sent,
/// but for what the api-version does not know.
/// </summary>
public sealed record VirtualMachineRequest : IResourceBody
{
    public string? Location { get; init; }
    public Dictionary<string, string>? Tags { get; init; }
    public JsonElement? Properties { get; init; }

    /// <summary>zones, identity, plan, extendedLocation …; also what the service sets, which is dropped.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; init; }

    string? IResourceBody.Id => Sent("id");
    string? IResourceBody.Name => Sent("name");
    string? IResourceBody.Type => Sent("type");

    /// <summary><c>properties.provisioningState</c> as sent.</summary>
    internal string? SentProvisioningState => Properties is { ValueKind: JsonValueKind.Object } properties && properties.TryGetProperty("provisioningState", out JsonElement state) ? Text(state) : null;

    private string? Sent(string name) => Others?.FirstOrDefault(member => member.Key.Equals(name, StringComparison.OrdinalIgnoreCase)) is { Key: not null } member ? Text(member.Value) : null;

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => value.GetString(),
        _ => value.GetRawText(),
    };
}

public sealed class VirtualMachineValidator : AbstractValidator<VirtualMachineRequest>
{
    public VirtualMachineValidator() => RuleFor(vm => vm.Tags).ValidTags();
}

/// <summary>Makes the JSON of a virtual machine.</summary>
public static class VirtualMachineModel
{
    private static readonly string[] SetByService = ["id", "name", "type", "location", "tags", "properties", "etag", "systemData", "resources", "managedBy"];

    private static readonly string[] ReadOnlyProperties = ["provisioningState", "vmId", "instanceView", "timeCreated"];

    /// <summary>What is stored of a request: without what the service sets and without secrets.</summary>
    public static JsonObject BodyOf(VirtualMachineRequest request, string apiVersion)
    {
        JsonObject body = [];
        foreach ((string name, JsonElement value) in request.Others ?? [])
            if (!SetByService.Contains(name, StringComparer.OrdinalIgnoreCase))
                body[name] = ArmJson.ParseNode(value, name);
        JsonObject properties = request.Properties switch
        {
            null or { ValueKind: JsonValueKind.Null } => [],
            { ValueKind: JsonValueKind.Object } sent => ArmJson.ParseNode(sent, "properties")!.AsObject(),
            _ => throw ArmErrors.InvalidRequestContent("The value of 'properties' must be a JSON object.").AsException(),
        };
        WireNames.Normalize(properties);
        foreach (string name in ReadOnlyProperties)
            properties.Remove(name);
        if (properties["osProfile"] is JsonObject osProfile)
        {
            osProfile.Remove("adminPassword");
            osProfile.Remove("customData");
            osProfile.TryAdd("secrets", new JsonArray());
            osProfile.TryAdd("allowExtensionOperations", true);
            osProfile.TryAdd("requireGuestProvisionSignal", true);
        }
        body["properties"] = properties;
        ArmJson.RemoveNulls(body);
        PropertyVersions.VirtualMachine.RemoveUnknown(body, apiVersion);
        return body;
    }

    /// <param name="withInstanceView">Whether <c>$expand=instanceView</c> was asked for.</param>
    public static JsonObject From(VirtualMachine vm, string apiVersion, bool withInstanceView = false, bool withUserData = false)
    {
        JsonObject body = JsonNode.Parse(vm.Body)!.AsObject();
        JsonObject stored = body["properties"]!.AsObject();
        body.Remove("properties");
        if (!withUserData)
            stored.Remove("userData");

        JsonObject properties = [];
        Move("hardwareProfile");
        properties["provisioningState"] = vm.ProvisioningState.ToString();
        properties["vmId"] = vm.Id.ToString();
        foreach (string name in (string[])["storageProfile", "osProfile", "securityProfile", "networkProfile"])
            Move(name);
        foreach (string name in stored.Select(member => member.Key).ToList())
            Move(name);
        if (withInstanceView)
            properties["instanceView"] = InstanceView(vm, apiVersion);
        properties["timeCreated"] = ArmJson.Format(vm.TimeCreated);

        JsonObject model = new()
        {
            ["name"] = vm.Name,
            ["id"] = ArmResourceId.Of(vm.SubscriptionId, vm.ResourceGroupName, "virtualMachines", vm.Name),
            ["type"] = "Microsoft.Compute/virtualMachines",
            ["location"] = vm.Location,
        };
        if (vm.Tags is { } tags)
            model["tags"] = new JsonObject(tags.Pairs.Select(tag => KeyValuePair.Create(tag.Key, (JsonNode?)tag.Value)));
        foreach (string name in body.Select(member => member.Key).ToList())
        {
            JsonNode? value = body[name];
            body.Remove(name);
            model[name] = value;
        }
        model["properties"] = properties;
        model["etag"] = $"\"{vm.Etag}\"";
        PropertyVersions.VirtualMachine.RemoveUnknown(model, apiVersion);
        return model;

        void Move(string name)
        {
            if (stored.Remove(name, out JsonNode? value))
                properties[name] = value;
        }
    }

    public static JsonObject InstanceView(VirtualMachine vm, string apiVersion)
    {
        bool running = vm.PowerState == PowerState.Running;
        JsonObject view = [];
        if (running)
        {
            JsonObject? osProfile = JsonNode.Parse(vm.Body)!["properties"]?["osProfile"] as JsonObject;
            view["computerName"] = (string?)osProfile?["computerName"] ?? vm.Name;
            view["vmAgent"] = new JsonObject
            {
                ["vmAgentVersion"] = vm.GuestAgent == GuestAgent.Missing ? "Unknown" : "2.11.1.4",
                ["statuses"] = new JsonArray(vm.GuestAgent == GuestAgent.Ready
                    ? Status("ProvisioningState/succeeded", "Ready", vm.PowerStateTime)
                    : Status("ProvisioningState/Unavailable", "Not Ready", vm.PowerStateTime, "Warning")),
            };
        }
        view["disks"] = new JsonArray([.. vm.Disks.OrderBy(disk => disk.Lun).Select(disk => new JsonObject
        {
            ["name"] = disk.Name,
            ["statuses"] = new JsonArray(Status("ProvisioningState/succeeded", "Provisioning succeeded", disk.TimeCreated)),
        })]);
        view["hyperVGeneration"] = vm.Disks.Find(disk => disk.Lun == VirtualMachineDisks.OsDiskLun)?.HyperVGeneration ?? "V1";
        string power = vm.PowerState.ToString().ToLowerInvariant();
        JsonObject powerStatus = Status($"PowerState/{power}", $"VM {power}", null);
        view["statuses"] = new JsonArray(
            vm.ProvisioningState == ProvisioningState.Succeeded
                ? Status("ProvisioningState/succeeded", "Provisioning succeeded", vm.PowerStateTime)
                : Status($"ProvisioningState/{vm.ProvisioningState.ToString().ToLowerInvariant()}", vm.ProvisioningState.ToString(), vm.PowerStateTime),
            powerStatus);
        PropertyVersions.VirtualMachine.RemoveUnknown(view, apiVersion, "properties.instanceView");
        return view;
    }

    private static JsonObject Status(string code, string display, DateTimeOffset? time, string level = "Info")
    {
        JsonObject status = new() { ["code"] = code, ["level"] = level, ["displayStatus"] = display };
        if (time is { } instant)
            status["time"] = ArmJson.Format(instant);
        return status;
    }
}
