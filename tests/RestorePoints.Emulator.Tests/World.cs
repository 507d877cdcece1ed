namespace RestorePoints.Emulator.Tests;

/// <summary>A resource group of a fresh subscription, with the bodies that most tests need.</summary>
public sealed class World
{
    public const long UploadBytes = 20 * 1024 * 1024;
    public const string Location = "westeurope";

    private World(RawArm arm)
    {
        Arm = arm;
        Group = $"{arm.Subscription}/resourceGroups/backup-test";
    }

    public RawArm Arm { get; }
    public string Group { get; }
    public string Compute => $"{Group}/providers/Microsoft.Compute";

    public static async Task<World> CreateAsync(RawArm arm)
    {
        var world = new World(arm);
        (await arm.PutAsync(world.Group, $$"""{"location":"{{Location}}"}""")).Expect(201);
        return world;
    }

    /// <summary>The resource group of a subscription, which may be there already.</summary>
    public static async Task<World> OfAsync(RawArm arm)
    {
        var world = new World(arm);
        (await arm.PutAsync(world.Group, $$"""{"location":"{{Location}}"}""")).Expect(200, 201);
        return world;
    }

    public static Task<World> CreateAsync(EmulatorFixture fixture) => CreateAsync(fixture.NewSubscription());

    public string Disk(string name) => $"{Compute}/disks/{name}";

    public string Snapshot(string name) => $"{Compute}/snapshots/{name}";

    public string Vm(string name) => $"{Compute}/virtualMachines/{name}";

    public string Collection(string name) => $"{Compute}/restorePointCollections/{name}";

    public RawBlob Blob(string sas) => new(Arm.Http, sas);

    public async Task<RawBlob> GuestAsync(string disk) => Blob(await Arm.GuestAccessAsync(disk));

    public static string DiskBody(string creationData, string more = "", string location = Location) =>
        $$$"""{"location":"{{{location}}}","sku":{"name":"Premium_LRS"},"properties":{"creationData":{{{{creationData}}}}{{{more}}}}}""";

    /// <summary>An empty disk of 1 GiB unless told otherwise.</summary>
    public async Task<string> EmptyDiskAsync(string name, int gib = 1, string location = Location)
    {
        await Arm.SucceedAsync(Arm.PutAsync(Disk(name), DiskBody("\"createOption\":\"Empty\"", $",\"diskSizeGB\":{gib}", location)));
        return Disk(name);
    }

    /// <summary>A small disk whose whole content the test knows: uploaded through a write SAS.</summary>
    public async Task<string> UploadDiskAsync(string name, byte[] content)
    {
        string disk = Disk(name);
        await Arm.SucceedAsync(Arm.PutAsync(disk, DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{content.Length + 512}", ",\"osType\":\"Linux\"")));
        RawBlob blob = Blob(await Arm.GrantAsync(disk, "Write"));
        await blob.WriteAsync(0, content);
        await blob.WriteAsync(content.Length, UploadedVhd.CreateFooter(content.Length));
        await Arm.RevokeAsync(disk);
        return disk;
    }

    public async Task<string> RestoredDiskAsync(string name, string diskRestorePoint, string more = "")
    {
        await Arm.SucceedAsync(Arm.PutAsync(Disk(name), DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{diskRestorePoint}\"", more)));
        return Disk(name);
    }

    /// <param name="more">Further properties, with a comma before each.</param>
    public static string SnapshotBody(string source, string more = "", string location = Location) =>
        $$$"""{"location":"{{{location}}}","properties":{"creationData":{"createOption":"Copy","sourceResourceId":"{{{source}}}"}{{{more}}}} }""";

    /// <summary>A snapshot of a disk or of another snapshot, followed until it succeeded.</summary>
    public async Task<string> SnapshotAsync(string name, string source, bool incremental = false)
    {
        await Arm.SucceedAsync(Arm.PutAsync(Snapshot(name), SnapshotBody(source, incremental ? ",\"incremental\":true" : "")));
        return Snapshot(name);
    }

    public async Task<string> CopiedDiskAsync(string name, string source, string more = "")
    {
        await Arm.SucceedAsync(Arm.PutAsync(Disk(name), DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{source}\"", more)));
        return Disk(name);
    }

    /// <summary>A running virtual machine with the given disks attached.</summary>
    public async Task<string> VmAsync(string name, string osDisk, params string[] dataDisks)
    {
        await Arm.SucceedAsync(Arm.PutAsync(Vm(name), VmBody(osDisk, dataDisks)));
        return Vm(name);
    }

    public string VmBody(string osDisk, params string[] dataDisks) =>
        $$$"""
        {"location":"{{{Location}}}","properties":{
          "hardwareProfile":{"vmSize":"Standard_D2s_v5"},
          "storageProfile":{
            "osDisk":{"osType":"Linux","createOption":"Attach","caching":"ReadWrite","managedDisk":{"id":"{{{osDisk}}}"}},
            "dataDisks":[{{{string.Join(',', dataDisks.Select((disk, lun) => $$$"""{"lun":{{{lun}}},"createOption":"Attach","caching":"None","managedDisk":{"id":"{{{disk}}}"}}"""))}}}]},
          "networkProfile":{"networkInterfaces":[{"id":"{{{Group}}}/providers/Microsoft.Network/networkInterfaces/nic"}]}} }
        """;

    /// <summary>A running virtual machine made from an image: the service makes its OS disk.</summary>
    public string ImageVmBody(string name, string dataDisks = "") =>
        $$$"""
        {"location":"{{{Location}}}","properties":{
          "hardwareProfile":{"vmSize":"Standard_D2s_v5"},
          "storageProfile":{
            "imageReference":{"publisher":"Canonical","offer":"ubuntu-24_04-lts","sku":"server","version":"latest"},
            "osDisk":{"createOption":"FromImage","caching":"ReadWrite","managedDisk":{"storageAccountType":"Premium_LRS"}},
            "dataDisks":[{{{dataDisks}}}]},
          "osProfile":{"computerName":"{{{name}}}","adminUsername":"azureuser","adminPassword":"P@ssw0rd-1234","linuxConfiguration":{"disablePasswordAuthentication":false}},
          "networkProfile":{"networkInterfaces":[{"id":"{{{Group}}}/providers/Microsoft.Network/networkInterfaces/nic"}]}} }
        """;

    public async Task<string> CollectionAsync(string name, string vm)
    {
        (await Arm.PutAsync(Collection(name), $$$"""{"location":"{{{Location}}}","properties":{"source":{"id":"{{{vm}}}"}} }""")).Expect(201);
        return Collection(name);
    }

    /// <summary>A restore point, followed until it succeeded.</summary>
    /// <returns>Its resource as GET gives it.</returns>
    public async Task<ArmResponse> PointAsync(string collection, string name, string body = "{}")
    {
        await Arm.SucceedAsync(Arm.PutAsync(Point(collection, name), body));
        ArmResponse point = (await Arm.GetAsync(Point(collection, name))).Expect(200);
        return point["properties.provisioningState"] == "Succeeded" ? point : throw new InvalidOperationException(point.Text);
    }

    public static string Point(string collection, string name) => $"{collection}/restorePoints/{name}";

    public static string OsDiskPoint(ArmResponse point) => point["properties.sourceMetadata.storageProfile.osDisk.diskRestorePoint.id"]!;

    public static string DataDiskPoint(ArmResponse point, int index) => point[$"properties.sourceMetadata.storageProfile.dataDisks.{index}.diskRestorePoint.id"]!;

    /// <summary>Reads a resource whole through a read SAS that is taken back afterwards; without the footer.</summary>
    public async Task<byte[]> DownloadAsync(string path)
    {
        byte[] vhd = await Blob(await Arm.GrantAsync(path)).ReadAllAsync();
        await Arm.RevokeAsync(path);
        return vhd[..^512];
    }

    /// <summary>Bytes that no compression or zero detection can shorten.</summary>
    public static byte[] Noise(int seed, int length)
    {
        byte[] data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }
}
