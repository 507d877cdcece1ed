using System.Text.Json.Nodes;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>A subscription in which the sources that a request names are made before it is sent.</summary>
internal sealed class ContractWorld(RawArm arm)
{
    private readonly HashSet<string> _made = new(StringComparer.OrdinalIgnoreCase);

    public RawArm Arm { get; } = arm;

    /// <summary>Region of what is made.</summary>
    public string Location { get; set; } = World.Location;

    public async Task<string> GroupAsync(string name)
    {
        string group = $"{Arm.Subscription}/resourceGroups/{name}";
        if (_made.Add(group))
            (await Arm.PutAsync(group, $$"""{"location":"{{Location}}"}""")).Expect(200, 201);
        return group;
    }

    /// <summary>Makes a resource of Microsoft.Compute with what it needs, unless this world has made it already.</summary>
    public async Task EnsureAsync(string id)
    {
        ArmResourceId parsed = ArmResourceId.Parse(id);
        string compute = $"{await GroupAsync(parsed.ResourceGroup)}/providers/Microsoft.Compute";
        if (!_made.Add(id))
            return;
        switch (parsed.Type)
        {
            case "disks":
                await PutAsync(id, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":200,\"osType\":\"Windows\"", Location));
                break;
            case "snapshots":
                // Small: an example lets it grow.
                await PutAsync($"{compute}/disks/source-of-{parsed.Name}", World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":10,\"osType\":\"Windows\"", Location));
                await PutAsync(id, $$$"""{"location":"{{{Location}}}","properties":{"creationData":{"createOption":"Copy","sourceResourceId":"{{{compute}}}/disks/source-of-{{{parsed.Name}}}"},"incremental":true}}""");
                break;
            case "virtualMachines":
                // The disk that the examples exclude, once.
                string dataDisk = $"{compute}/disks/{(_made.Add($"{compute}/attached") ? "disk123" : $"data-of-{parsed.Name}")}";
                await EnsureAsync(dataDisk);
                await PutAsync(id, VmBody(parsed.Name, dataDisk));
                break;
            case "restorePointCollections":
                await EnsureAsync($"{compute}/virtualMachines/source-of-{parsed.Name}");
                await PutAsync(id, $$$"""{"location":"{{{Location}}}","properties":{"source":{"id":"{{{compute}}}/virtualMachines/source-of-{{{parsed.Name}}}"}} }""");
                break;
            case "restorePointCollections/restorePoints":
                await EnsureAsync($"{compute}/restorePointCollections/{parsed.Names[0]}");
                await PutAsync(id, "{}");
                break;
        }
    }

    public Task PutAsync(string id, string body) => Arm.SucceedAsync(Arm.PutAsync(id, body));

    /// <summary>An id of a disk restore point below a restore point: the service names it.</summary>
    public async Task<string> DiskRestorePointAsync(string restorePoint)
    {
        await EnsureAsync(restorePoint);
        return (await Arm.GetAsync($"{restorePoint}/diskRestorePoints")).Expect(200)["value.0.id"]!;
    }

    /// <summary>Every id of a resource of Microsoft.Compute that the emulator has in a body.</summary>
    public static IEnumerable<string> IdsIn(JsonNode? node) => node switch
    {
        JsonObject container => container.SelectMany(member => IdsIn(member.Value)),
        JsonArray array => array.SelectMany(IdsIn),
        JsonValue value when ArmResourceId.TryParse(value.ToString(), out ArmResourceId? id)
            && id.Type is "disks" or "snapshots" or "virtualMachines" or "restorePointCollections" or "restorePointCollections/restorePoints" => [value.ToString()],
        _ => [],
    };

    /// <summary>A Windows machine with an OS disk of its own and two data disks.</summary>
    private string VmBody(string name, string dataDisk) =>
        $$$"""
        {"location":"{{{Location}}}","properties":{
          "hardwareProfile":{"vmSize":"Standard_D2s_v3"},
          "storageProfile":{
            "osDisk":{"name":"{{{name}}}osdisk","createOption":"FromImage","managedDisk":{"storageAccountType":"Standard_LRS"}},
            "dataDisks":[{"lun":0,"createOption":"Attach","managedDisk":{"id":"{{{dataDisk}}}"}},{"lun":1,"createOption":"Empty","diskSizeGB":1}]},
          "osProfile":{"computerName":"myVM","adminUsername":"azureuser","adminPassword":"P@ssw0rd-1234","windowsConfiguration":{}},
          "networkProfile":{"networkInterfaces":[]},
          "userData":"RXhhbXBsZSBVc2VyRGF0YQ=="} }
        """;
}
