using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>The whole cycle by Azure CLI. A machine is made by <c>az rest</c>: Debian's package cannot load <c>az vm</c>.</summary>
public sealed class AzureCliTests(AzureCli az) : IClassFixture<AzureCli>
{
    private const int MiB = 1024 * 1024;
    private const string Group = "cli", Location = "westeurope", ComputeVersion = "api-version=2022-08-01", DiskVersion = "api-version=2022-07-02";
    private static readonly string Subscription = $"/subscriptions/{SubscriptionOptions.DefaultId}";
    private static readonly string Compute = $"{Subscription}/resourceGroups/{Group}/providers/Microsoft.Compute";
    private static readonly string Collection = $"{Compute}/restorePointCollections/daily";

    [Fact]
    public async Task A_machine_is_backed_up_and_restored()
    {
        SkipWithoutAz();
        byte[] content = World.Noise(61, (int)World.UploadBytes);
        await MakeMachineAsync(content);
        await az.FailAsync(3, "ResourceNotFound", "restore-point", "collection", "show", "-g", Group, "--collection-name", "daily");

        JsonNode daily = (await az.RunAsync("restore-point", "collection", "create", "-g", Group, "--collection-name", "daily", "-l", Location, "--source-id", $"{Compute}/virtualMachines/vm", "--tags", "plan=daily"))!;
        Text(daily["provisioningState"]).ShouldBe("Succeeded");
        Text(daily["source"]!["id"]).ShouldBe($"{Compute}/virtualMachines/vm", StringCompareShould.IgnoreCase);
        Text((await az.RunAsync("restore-point", "collection", "update", "-g", Group, "--collection-name", "daily", "--tags", "plan=hourly"))!["tags"]!["plan"]).ShouldBe("hourly");

        JsonNode first = (await az.RunAsync("restore-point", "create", "-g", Group, "--collection-name", "daily", "-n", "first"))!;
        (Text(first["provisioningState"]), Text(first["consistencyMode"])).ShouldBe(("Succeeded", "FileSystemConsistent"));
        byte[] changed = [.. content];
        byte[] written = World.Noise(62, 256 * 1024);
        written.CopyTo(changed, 7 * MiB);
        changed.AsSpan(2 * MiB, MiB).Clear();
        var guest = new RawBlob(az.Arm!.Http, await az.Arm.GuestAccessAsync($"{Compute}/disks/os"));
        await guest.WriteAsync(7 * MiB, written);
        await guest.ClearAsync(2 * MiB, MiB);
        JsonNode second = (await az.RunAsync("restore-point", "create", "-g", Group, "--collection-name", "daily", "-n", "second", "--exclude-disks", $"{Compute}/disks/data"))!;
        Text(second["excludeDisks"]![0]!["id"]).ShouldBe($"{Compute}/disks/data", StringCompareShould.IgnoreCase);

        JsonNode shown = (await az.RunAsync("restore-point", "show", "-g", Group, "--collection-name", "daily", "-n", "first", "--instance-view"))!;
        shown["instanceView"].ShouldNotBeNull();
        JsonNode expanded = (await az.RunAsync("restore-point", "collection", "show", "-g", Group, "--collection-name", "daily", "--restore-points"))!;
        expanded["restorePoints"]!.AsArray().Select(point => Text(point!["name"])).ShouldBe(["first", "second"]);
        Names(await az.RestAsync("get", $"{Compute}/restorePointCollections?{ComputeVersion}")).ShouldBe(["daily"]);
        Names(await az.RestAsync("get", $"{Subscription}/providers/Microsoft.Compute/restorePointCollections?{ComputeVersion}")).ShouldBe(["daily"]);
        Names(await az.RestAsync("get", $"{Collection}/restorePoints/first/diskRestorePoints?{DiskVersion}")).Count.ShouldBe(2);

        await SnapshotsKeepAndRestoreAsync(guest, changed);

        // Each point's bytes, through a disk made of it.
        string firstDisk = OsDiskPoint(first), secondDisk = OsDiskPoint(second);
        Text((await az.RestAsync("get", $"{firstDisk}?{DiskVersion}"))!["properties"]!["sourceResourceId"]).ShouldBe($"{Compute}/disks/os", StringCompareShould.IgnoreCase);
        (await RestoreAsync("restored-first", firstDisk)).AsSpan().SequenceEqual(content).ShouldBeTrue("the first point");
        (await RestoreAsync("restored-second", secondDisk)).AsSpan().SequenceEqual(changed).ShouldBeTrue("the second point");

        // A URL of the disk restore point keeps the point from being deleted.
        string sas = await az.Arm.GrantAsync(firstDisk);
        (await az.Arm.GrantAsync(firstDisk)).ShouldBe(sas);
        (await az.DownloadAsync(sas)).AsSpan(..^512).SequenceEqual(content).ShouldBeTrue("the first point, read directly");
        await az.FailAsync(1, "DiskRestorePointUsedByCustomer", "restore-point", "delete", "-g", Group, "--collection-name", "daily", "-n", "first", "--yes");
        await az.RestAsync("post", $"{firstDisk}/endGetAccess?{DiskVersion}");
        (await new RawBlob(az.Arm.Http, sas).SendAsync(HttpMethod.Head)).StatusCode.ShouldBe(System.Net.HttpStatusCode.Forbidden);

        await az.RunAsync("restore-point", "delete", "-g", Group, "--collection-name", "daily", "-n", "first", "--yes");
        await az.FailAsync(3, "NotFound", "restore-point", "show", "-g", Group, "--collection-name", "daily", "-n", "first");
        await az.RestAsync("delete", $"{Collection}?{ComputeVersion}");
        await az.FailAsync(3, "ResourceNotFound", "restore-point", "collection", "show", "-g", Group, "--collection-name", "daily");
        await az.RunAsync("disk", "delete", "-g", Group, "-n", "restored-second", "--yes");
        await az.FailAsync(3, "ResourceNotFound", "disk", "show", "-g", Group, "-n", "restored-second");
        await az.RunAsync("group", "delete", "-n", Group, "--yes");
        ((bool)(await az.RunAsync("group", "exists", "-n", Group))!).ShouldBeFalse();
    }

    private async Task SnapshotsKeepAndRestoreAsync(RawBlob guest, byte[] content)
    {
        // Source by name: az looks for a snapshot of this name first, then for a disk.
        await az.RunAsync("snapshot", "create", "-g", Group, "-n", "full", "--source", "os");
        JsonNode older = (await az.RunAsync("snapshot", "create", "-g", Group, "-n", "older", "--source", $"{Compute}/disks/os", "--incremental", "true"))!;
        byte[] live = [.. content], written = World.Noise(63, 64 * 1024);
        written.CopyTo(live, 12 * MiB);
        await guest.WriteAsync(12 * MiB, written);
        JsonNode newer = (await az.RunAsync("snapshot", "create", "-g", Group, "-n", "newer", "--source", $"{Compute}/disks/os", "--incremental", "true"))!;
        (Text(older["provisioningState"]), Text(newer["provisioningState"])).ShouldBe(("Succeeded", "Succeeded"));
        ((bool)(await az.RunAsync("snapshot", "show", "-g", Group, "-n", "newer"))!["incremental"]!).ShouldBeTrue();
        (await az.RunAsync("snapshot", "list", "-g", Group))!.AsArray().Select(snapshot => Text(snapshot!["name"])).Order().ShouldBe(["full", "newer", "older"]);

        foreach ((string name, byte[] expected) in ((string, byte[])[])[("full", content), ("newer", live)])
        {
            string sas = Text((await az.RunAsync("snapshot", "grant-access", "-g", Group, "-n", name, "--duration-in-seconds", "3600"))!["accessSas"]);
            (await az.DownloadAsync(sas)).AsSpan(..^512).SequenceEqual(expected).ShouldBeTrue($"snapshot {name}");
            await az.RunAsync("snapshot", "revoke-access", "-g", Group, "-n", name);
        }
        Text((await az.RunAsync("disk", "create", "-g", Group, "-n", "from-snapshot", "--source", "newer"))!["creationData"]!["sourceResourceId"]).ShouldBe(Text(newer["id"]));
        await az.RunAsync("snapshot", "delete", "-g", Group, "-n", "newer");
        await az.FailAsync(3, "ResourceNotFound", "snapshot", "show", "-g", Group, "-n", "newer");
    }

    private async Task MakeMachineAsync(byte[] content)
    {
        ((bool)(await az.RunAsync("group", "exists", "-n", Group))!).ShouldBeFalse();
        await az.FailAsync(3, "ResourceGroupNotFound", "group", "show", "-n", Group);
        await az.RunAsync("group", "create", "-n", Group, "-l", Location);
        Text((await az.RunAsync("group", "show", "-n", Group))!["properties"]!["provisioningState"]).ShouldBe("Succeeded");

        // The location is left out: az takes the group's.
        JsonNode os = (await az.RunAsync("disk", "create", "-g", Group, "-n", "os", "--os-type", "Linux", "--upload-type", "Upload", "--upload-size-bytes", $"{content.Length + 512}"))!;
        (Text(os["diskState"]), Text(os["location"])).ShouldBe(("ReadyToUpload", Location));
        string sas = Text((await az.RunAsync("disk", "grant-access", "-g", Group, "-n", "os", "--access-level", "Write", "--duration-in-seconds", "3600"))!["accessSas"]);
        sas.ShouldStartWith($"https://127.0.0.1:{az.Emulator!.Https!.Port}/");
        var upload = new RawBlob(az.Arm!.Http, sas.Replace(az.Emulator.Https.GetLeftPart(UriPartial.Authority).Replace("localhost", "127.0.0.1"), az.Emulator.Http.GetLeftPart(UriPartial.Authority)));
        await upload.WriteAsync(0, content);
        await upload.WriteAsync(content.Length, UploadedVhd.CreateFooter(content.Length));
        await az.RunAsync("disk", "revoke-access", "-g", Group, "-n", "os");
        await az.RunAsync("disk", "create", "-g", Group, "-n", "data", "-l", Location, "--size-gb", "4", "--sku", "StandardSSD_LRS");
        Text((await az.RunAsync("disk", "update", "-g", Group, "-n", "data", "--set", "tags.role=data"))!["tags"]!["role"]).ShouldBe("data");
        (await az.RunAsync("disk", "list", "-g", Group))!.AsArray().Select(disk => Text(disk!["name"])).Order().ShouldBe(["data", "os"]);

        await az.RestAsync("put", $"{Compute}/virtualMachines/vm?{ComputeVersion}", $$$"""
            {"location":"{{{Location}}}","properties":{"hardwareProfile":{"vmSize":"Standard_D2s_v5"},"storageProfile":{
              "osDisk":{"osType":"Linux","createOption":"Attach","managedDisk":{"id":"{{{Compute}}}/disks/os"}},
              "dataDisks":[{"lun":0,"createOption":"Attach","managedDisk":{"id":"{{{Compute}}}/disks/data"}}]}} }
            """);
        Text((await az.RunAsync("disk", "show", "-g", Group, "-n", "os"))!["managedBy"]).ShouldBe($"{Compute}/virtualMachines/vm", StringCompareShould.IgnoreCase);
    }

    private async Task<byte[]> RestoreAsync(string name, string diskRestorePoint)
    {
        JsonNode disk = (await az.RunAsync("disk", "create", "-g", Group, "-n", name, "-l", Location, "--source", diskRestorePoint))!;
        (Text(disk["creationData"]!["createOption"]), Text(disk["creationData"]!["sourceResourceId"])).ShouldBe(("Restore", diskRestorePoint));
        string sas = Text((await az.RunAsync("disk", "grant-access", "-g", Group, "-n", name, "--duration-in-seconds", "3600"))!["accessSas"]);
        byte[] vhd = await az.DownloadAsync(sas);
        await az.RunAsync("disk", "revoke-access", "-g", Group, "-n", name);
        return vhd[..^512];
    }

    private void SkipWithoutAz() => Assert.SkipWhen(az.Arm is null, "az is missing: apt-get install azure-cli (Debian)");

    private static string OsDiskPoint(JsonNode point) => Text(point["sourceMetadata"]!["storageProfile"]!["osDisk"]!["diskRestorePoint"]!["id"]);

    private static string Text(JsonNode? node) => node.ShouldNotBeNull().GetValue<string>();

    private static List<string> Names(JsonNode? list) => [.. list!["value"]!.AsArray().Select(item => Text(item!["name"]))];
}
