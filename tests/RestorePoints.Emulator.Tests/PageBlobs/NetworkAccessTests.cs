using System.Net;
using System.Xml.Linq;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>networkAccessPolicy and publicNetworkAccess where the bytes are, against the running server. The tests call it from 127.0.0.1.</summary>
public sealed class NetworkAccessTests(EmulatorFixture fixture)
{
    private const string Detail = "The specified signed resource is not allowed for this resource level";
    private const string Private = """ "networkAccessPolicy":"AllowPrivate","diskAccessId":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/diskAccesses/a" """;

    [Theory]
    [InlineData("disk")]
    [InlineData("snapshot")]
    public async Task DenyAll_stops_the_urls_that_exist_and_AllowAll_opens_them_again(string kind)
    {
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("d");
        string path = kind == "disk" ? disk : await world.SnapshotAsync("s", disk, incremental: true);
        RawBlob blob = world.Blob(await world.Arm.GrantAsync(path)), guest = await world.GuestAsync(disk);
        (await HeadAsync(blob)).ShouldBe(HttpStatusCode.OK);
        await ChangeAsync(world, path, """ "networkAccessPolicy":"DenyAll" """);
        await ShouldBeRefusedAsync(blob);
        (await HeadAsync(guest)).ShouldBe(HttpStatusCode.OK);
        await ChangeAsync(world, path, """ "networkAccessPolicy":"AllowAll" """);
        (await HeadAsync(blob)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Without_public_access_only_a_private_endpoint_is_left_and_only_AllowPrivate_has_one()
    {
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("d");
        RawBlob blob = world.Blob(await world.Arm.GrantAsync(disk)), guest = await world.GuestAsync(disk);
        await ChangeAsync(world, disk, """ "publicNetworkAccess":"Disabled" """);
        await ShouldBeRefusedAsync(blob);
        await ChangeAsync(world, disk, Private);
        (await HeadAsync(blob)).ShouldBe(HttpStatusCode.OK);
        (await HeadAsync(guest)).ShouldBe(HttpStatusCode.OK);
        await ChangeAsync(world, disk, """ "networkAccessPolicy":"DenyAll","publicNetworkAccess":"Enabled" """);
        await ShouldBeRefusedAsync(blob);
    }

    [Fact]
    public async Task A_disk_that_allows_no_export_still_takes_its_upload()
    {
        World world = await World.CreateAsync(fixture);
        string disk = world.Disk("d");
        await world.Arm.SucceedAsync(world.Arm.PutAsync(disk, World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{World.UploadBytes + 512}", ",\"networkAccessPolicy\":\"DenyAll\"")));
        (await HeadAsync(world.Blob(await world.Arm.GrantAsync(disk, "Write")))).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_url_in_a_header_obeys_the_rules_of_its_own_resource()
    {
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("d");
        string olderPath = await world.SnapshotAsync("s1", disk, incremental: true);
        string older = await world.Arm.GrantAsync(olderPath);
        RawBlob newer = world.Blob(await world.Arm.GrantAsync(await world.SnapshotAsync("s2", disk, incremental: true))), guest = await world.GuestAsync(disk);
        (await DiffAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        await ChangeAsync(world, olderPath, """ "networkAccessPolicy":"DenyAll" """);
        await (await DiffAsync()).ShouldFailAsync(403, "AuthenticationFailed");
        using var nothing = new ByteArrayContent([]);
        XElement error = await (await guest.SendAsync(HttpMethod.Put, "page", nothing,
            ("x-ms-page-write", "update"), ("x-ms-range", "bytes=0-511"), ("x-ms-source-range", "bytes=0-511"), ("x-ms-copy-source", older))).ShouldFailAsync(403, "CannotVerifyCopySource");
        error.Element("AuthenticationErrorDetail")!.Value.ShouldBe(Detail);

        Task<HttpResponseMessage> DiffAsync() => newer.SendAsync(HttpMethod.Get, "pagelist", null, ("x-ms-previous-snapshot-url", older));
    }

    [Fact]
    public async Task Of_two_changes_at_once_the_one_that_the_disk_shows_is_in_force()
    {
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("d");
        RawBlob blob = world.Blob(await world.Arm.GrantAsync(disk));
        for (int round = 0; round < 10; round++)
        {
            await Task.WhenAll(ChangeAsync(world, disk, """ "networkAccessPolicy":"DenyAll" """), ChangeAsync(world, disk, """ "networkAccessPolicy":"AllowAll" """));
            bool open = (await world.Arm.GetAsync(disk))["properties.networkAccessPolicy"] == "AllowAll";
            (await HeadAsync(blob)).ShouldBe(open ? HttpStatusCode.OK : HttpStatusCode.Forbidden);
        }
    }

    [Fact]
    public async Task The_settings_say_who_comes_through_a_private_endpoint_and_a_kill_changes_nothing()
    {
        using var directory = new TemporaryDirectory();
        string open, closed, point, upload, guest, denied, disk, deniedPath;
        await using (EmulatorProcess everyonePublic = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:PrivateNetworks="))
        {
            using HttpClient http = EmulatorFixture.NewClient(everyonePublic);
            World world = await World.CreateAsync(new RawArm(http, Guid.NewGuid()));
            disk = await world.EmptyDiskAsync("d");
            string vm = await world.VmAsync("vm", disk);
            await ChangeAsync(world, disk, Private);
            point = await world.Arm.GrantAsync(World.OsDiskPoint(await world.PointAsync(await world.CollectionAsync("c", vm), "p")));
            string uploadPath = world.Disk("u");
            await world.Arm.SucceedAsync(world.Arm.PutAsync(uploadPath, World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{World.UploadBytes + 512}", "," + Private)));
            upload = await world.Arm.GrantAsync(uploadPath, "Write");
            open = await world.Arm.GrantAsync(await world.EmptyDiskAsync("o"));
            string snapshot = await world.SnapshotAsync("s", disk);
            await ChangeAsync(world, snapshot, Private);
            closed = await world.Arm.GrantAsync(snapshot);
            deniedPath = await world.EmptyDiskAsync("n");
            denied = await world.Arm.GrantAsync(deniedPath);
            await ChangeAsync(world, deniedPath, """ "networkAccessPolicy":"DenyAll" """);
            guest = await world.Arm.GuestAccessAsync(disk);
            foreach (string refused in (string[])[point, upload, closed, denied])
                await ShouldBeRefusedAsync(world.Blob(refused));
            foreach (string served in (string[])[open, guest])
                (await HeadAsync(world.Blob(served))).ShouldBe(HttpStatusCode.OK);
            await everyonePublic.KillAsync();
        }

        await using EmulatorProcess oneNetwork = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:PrivateNetworks:0=127.0.0.1/32");
        using HttpClient client = EmulatorFixture.NewClient(oneNetwork);
        foreach (string served in (string[])[point, upload, closed, open, guest])
            (await HeadAsync(new RawBlob(client, At(oneNetwork, served)))).ShouldBe(HttpStatusCode.OK);
        await ShouldBeRefusedAsync(new RawBlob(client, At(oneNetwork, denied)));

        static string At(EmulatorProcess emulator, string url) => new Uri(emulator.Http, new Uri(url).PathAndQuery).AbsoluteUri;
    }

    private static Task<ArmResponse> ChangeAsync(World world, string path, string properties) => world.Arm.SucceedAsync(world.Arm.PatchAsync(path, $$$"""{"properties":{{{{properties}}}}}"""));

    private static async Task<HttpStatusCode> HeadAsync(RawBlob blob)
    {
        using HttpResponseMessage response = await blob.SendAsync(HttpMethod.Head);
        return response.StatusCode;
    }

    private static async Task ShouldBeRefusedAsync(RawBlob blob)
    {
        XElement error = await (await blob.SendAsync(HttpMethod.Get)).ShouldFailAsync(403, "AuthenticationFailed");
        error.Element("AuthenticationErrorDetail")!.Value.ShouldBe(Detail);
    }
}
