using System.Net;
using System.Text.Json;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;
using static RestorePoints.Emulator.Tests.PageBlobs.StorageReply;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>Guest access and raw content under <c>/emulator</c>.</summary>
public sealed class DiskEndpointTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const int Size = 4 << 20;

    [Fact]
    public async Task A_guest_writes_and_reads_the_live_disk()
    {
        Disk disk = await server.NewDiskAsync(Size);
        string url = await GuestUrlAsync(server, disk);
        (await server.PutPageAsync(url, 4096, Bytes(512, seed: 1))).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await (await server.GetAsync(url)).BytesAsync(HttpStatusCode.OK)).ShouldBeBytes([.. new byte[4096], .. Bytes(512, seed: 1), .. new byte[Size - 4608]]);
    }

    [Fact]
    public async Task Guest_access_is_one_per_disk_until_it_is_deleted()
    {
        Disk disk = await server.NewDiskAsync(Size);
        string url = await GuestUrlAsync(server, disk);
        (await GuestUrlAsync(server, disk)).ShouldBe(url);
        (await server.SendAsync(HttpMethod.Delete, Path(server, disk, "guestAccess"))).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await (await server.GetAsync(url)).ShouldFailAsync(403, "AuthenticationFailed");
        (await server.SendAsync(HttpMethod.Delete, Path(server, disk, "guestAccess"))).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await GuestUrlAsync(server, disk)).ShouldNotBe(url);
    }

    [Fact]
    public async Task Guest_access_survives_a_restart_and_does_not_expire()
    {
        await using var own = new PageBlobServer();
        await own.InitializeAsync();
        Disk disk = await own.NewDiskAsync(Size);
        string url = await GuestUrlAsync(own, disk);
        await own.RestartAsync();
        own.Clock.Advance(TimeSpan.FromDays(10_000));
        (await own.GetAsync(url)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await GuestUrlAsync(own, disk)).ShouldBe(url);
    }

    [Theory]
    [InlineData("00000000-0000-0000-0000-000000000001", "rg", "absent", "ResourceNotFound")]
    [InlineData("00000000-0000-0000-0000-000000000001", "other", "absent", "ResourceGroupNotFound")]
    [InlineData("00000000-0000-0000-0000-000000000002", "rg", "absent", "ResourceGroupNotFound")]
    [InlineData("mine", "rg", "absent", "InvalidSubscriptionId")]
    public async Task An_unknown_disk_is_reported_as_arm_does(string subscription, string group, string disk, string code)
    {
        string path = $"{server.BaseUrl}/emulator/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/disks/{disk}/";
        foreach (HttpResponseMessage response in new[]
        {
            await server.SendAsync(HttpMethod.Post, path + "guestAccess"), await server.SendAsync(HttpMethod.Delete, path + "guestAccess"),
            await server.GetAsync(path + "content"), await server.SendAsync(HttpMethod.Put, path + "content", [1]),
        })
            (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe(code);
    }

    [Fact]
    public async Task Content_goes_in_and_out_without_a_footer()
    {
        Disk disk = await server.NewDiskAsync(Size);
        byte[] image = Bytes(Size, seed: 1);
        (await PutContentAsync(disk, image)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await (await server.GetAsync(Path(server, disk, "content").ToUpperInvariant().Replace("HTTP://", "http://"))).BytesAsync(HttpStatusCode.OK)).ShouldBeBytes(image);
    }

    [Fact]
    public async Task Content_replaces_the_disk_and_zeros_take_no_space()
    {
        Disk disk = await server.NewDiskAsync(Size);
        server.Engine.Write(disk.Id, 0, Bytes(Size, seed: 1));
        var image = new byte[(2 << 20) + 100];
        Bytes(4096, seed: 2).CopyTo(image, 8192);
        image[^1] = 7;
        (await PutContentAsync(disk, image)).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        (await (await server.GetAsync(Path(server, disk, "content"))).BytesAsync(HttpStatusCode.OK)).ShouldBeBytes([.. image, .. new byte[Size - image.Length]]);
        using VolumeView view = server.Engine.OpenHead(disk.Id);
        view.GetPageRanges(0, Size).ShouldBe([Data(8192, 4096), Data(2 << 20, 4096)]);
    }

    [Fact]
    public async Task Content_that_is_longer_than_the_disk_is_refused()
    {
        Disk disk = await server.NewDiskAsync(Size);
        HttpResponseMessage response = await PutContentAsync(disk, new byte[Size + 1]);
        (await response.BytesAsync(HttpStatusCode.BadRequest)).ShouldBe("InvalidParameter"u8.ToArray());
    }

    [Fact]
    public async Task An_empty_image_clears_the_disk_and_changes_the_etag()
    {
        Disk disk = await server.NewDiskAsync(Size);
        server.Engine.Write(disk.Id, 0, Bytes(4096, seed: 1));
        string url = await GuestUrlAsync(server, disk);
        string? etag = (await server.GetAsync(url)).Header("ETag");
        (await PutContentAsync(disk, [])).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await (await server.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.ShouldBeEmpty();
        (await server.GetAsync(url)).Header("ETag").ShouldNotBe(etag);
    }

    [Fact]
    public async Task The_content_of_a_disk_restore_point_is_that_of_its_moment()
    {
        Disk disk = await server.NewDiskAsync(Size);
        byte[] image = Bytes(Size, seed: 1);
        await PutContentAsync(disk, image);
        DiskRestorePoint point = await server.NewPointAsync(disk);
        await PutContentAsync(disk, []);
        string restorePoint = await server.NameOfRestorePointAsync(point);
        string path = $"{server.BaseUrl}/emulator/subscriptions/{PageBlobServer.Subscription}/resourceGroups/rg/providers/Microsoft.Compute/restorePointCollections/rpc/restorePoints/{restorePoint}/diskRestorePoints/";
        (await (await server.GetAsync($"{path}{point.Name}/content")).BytesAsync(HttpStatusCode.OK)).ShouldBeBytes(image);
        (await (await server.GetAsync($"{path}absent/content")).BytesAsync(HttpStatusCode.NotFound)).ShouldBe("NotFound"u8.ToArray());
    }

    private Task<HttpResponseMessage> PutContentAsync(Disk disk, byte[] image) => server.SendAsync(HttpMethod.Put, Path(server, disk, "content"), image);

    private static async Task<string> GuestUrlAsync(PageBlobServer server, Disk disk)
    {
        HttpResponseMessage response = await server.SendAsync(HttpMethod.Post, Path(server, disk, "guestAccess"));
        return JsonDocument.Parse(await response.BytesAsync(HttpStatusCode.OK)).RootElement.GetProperty("accessSAS").GetString()!;
    }

    private static string Path(PageBlobServer server, Disk disk, string leaf) =>
        $"{server.BaseUrl}/emulator/subscriptions/{PageBlobServer.Subscription}/resourceGroups/{PageBlobServer.ResourceGroup}/providers/Microsoft.Compute/disks/{disk.Name}/{leaf}";
}
