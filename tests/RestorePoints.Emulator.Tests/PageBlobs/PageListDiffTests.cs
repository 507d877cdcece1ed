using System.Net;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;
using static RestorePoints.Emulator.Tests.PageBlobs.StorageReply;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class PageListDiffTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const int Size = 1 << 20;

    [Fact]
    public async Task The_difference_interleaves_what_was_written_and_cleared()
    {
        (Disk disk, DiskRestorePoint older) = await NewPointAsync();
        server.Engine.Clear(disk.Id, 8192, 4096);
        server.Engine.Write(disk.Id, 0, Bytes(4096, seed: 2));
        server.Engine.Write(disk.Id, 40960, new byte[4096]);
        server.Engine.Write(disk.Id, 65536, Bytes(4096, seed: 3));
        server.Engine.Clear(disk.Id, 100 * 4096, 4096);
        DiskRestorePoint newer = await server.NewPointAsync(disk);

        PageRange[] expected = [Data(0, 4096), Cleared(8192, 4096), Data(40960, 4096), Data(65536, 4096)];
        (await (await DiffByUrlAsync(newer, older)).PageListAsync()).ShouldSatisfyAllConditions(
            list => list.Ranges.ShouldBe(expected), list => list.Marker.ShouldBeNull());

        string byTime = $"{await server.GrantAsync(newer)}&comp=pagelist&prevsnapshot={older.SnapshotTime:yyyy-MM-ddTHH:mm:ss.fffffff}Z";
        (await (await server.GetAsync(byTime)).PageListAsync()).Ranges.ShouldBe(expected);
        (await (await server.GetAsync(byTime, ("x-ms-range", "bytes=8704-41471"))).PageListAsync()).Ranges
            .ShouldBe([Cleared(8704, 3584), Data(40960, 512)]);
        (List<PageRange> first, string? marker) = await (await server.GetAsync(byTime + "&maxresults=2")).PageListAsync();
        (List<PageRange> second, _) = await (await server.GetAsync($"{byTime}&marker={marker}")).PageListAsync();
        first.Concat(second).ShouldBe(expected);
    }

    [Fact]
    public async Task Nothing_written_is_an_empty_difference_and_so_is_a_point_with_itself()
    {
        (Disk disk, DiskRestorePoint older) = await NewPointAsync();
        DiskRestorePoint newer = await server.NewPointAsync(disk);
        (await (await DiffByUrlAsync(newer, older)).PageListAsync()).Ranges.ShouldBeEmpty();
        (await (await DiffByUrlAsync(newer, newer)).PageListAsync()).Ranges.ShouldBeEmpty();
    }

    [Fact]
    public async Task When_the_disk_has_grown_the_old_footer_is_cleared_and_the_new_one_listed()
    {
        (Disk disk, DiskRestorePoint older) = await NewPointAsync();
        server.Engine.Resize(disk.Id, 2 * Size);
        DiskRestorePoint grown = await server.NewPointAsync(disk);
        (await (await DiffByUrlAsync(grown, older)).PageListAsync()).Ranges.ShouldBe([Cleared(Size, 512), Data(2 * Size, 512)]);

        server.Engine.Write(disk.Id, Size, Bytes(4096, seed: 1));
        DiskRestorePoint written = await server.NewPointAsync(disk);
        (await (await DiffByUrlAsync(written, older)).PageListAsync()).Ranges.ShouldBe([Data(Size, 4096), Data(2 * Size, 512)]);
    }

    [Fact]
    public async Task The_live_disk_is_compared_with_one_of_its_points()
    {
        (Disk disk, DiskRestorePoint older) = await NewPointAsync();
        server.Engine.Write(disk.Id, 20480, Bytes(4096, seed: 2));
        string live = await server.GrantAsync(disk, AccessKind.Guest);
        HttpResponseMessage response = await server.GetAsync(live + "&comp=pagelist", ("x-ms-previous-snapshot-url", await server.GrantAsync(older)));
        (await response.PageListAsync()).Ranges.ShouldBe([Data(20480, 4096)]);
    }

    [Fact]
    public async Task The_previous_url_may_use_another_name_of_this_emulator()
    {
        (Disk disk, DiskRestorePoint older) = await NewPointAsync();
        DiskRestorePoint newer = await server.NewPointAsync(disk);
        var previous = new Uri(await server.GrantAsync(older));
        string[] segments = previous.AbsolutePath.Split('/');
        foreach (string other in new[]
        {
            $"http://localhost:{previous.Port}{previous.PathAndQuery}", $"https://127.0.0.1{previous.PathAndQuery}",
            $"https://{segments[1]}.z1.blob.storage.azure.net/{segments[2]}/{segments[3]}{previous.Query}",
        })
        {
            HttpResponseMessage response = await server.GetAsync(await server.GrantAsync(newer) + "&comp=pagelist", ("x-ms-previous-snapshot-url", other));
            response.StatusCode.ShouldBe(HttpStatusCode.OK, other);
        }
    }

    [Fact]
    public async Task A_previous_point_that_is_newer_is_refused()
    {
        (Disk disk, DiskRestorePoint older) = await NewPointAsync();
        DiskRestorePoint newer = await server.NewPointAsync(disk);
        await (await DiffByUrlAsync(older, newer)).ShouldFailAsync(400, "PreviousSnapshotCannotBeNewer");
    }

    [Fact]
    public async Task A_previous_point_of_another_disk_is_refused()
    {
        (_, DiskRestorePoint one) = await NewPointAsync();
        (_, DiskRestorePoint other) = await NewPointAsync();
        await (await DiffByUrlAsync(other, one)).ShouldFailAsync(409, "BlobOverwritten");
    }

    [Fact]
    public async Task A_previous_point_that_is_gone_is_not_found()
    {
        (Disk disk, DiskRestorePoint older) = await NewPointAsync();
        DiskRestorePoint newer = await server.NewPointAsync(disk);
        string previous = await server.GrantAsync(older);
        server.Engine.DeletePoint(disk.Id, older.RestorePointId);
        string url = await server.GrantAsync(newer) + "&comp=pagelist";
        await (await server.GetAsync(url, ("x-ms-previous-snapshot-url", previous))).ShouldFailAsync(409, "PreviousSnapshotNotFound");
        await (await server.GetAsync(url + "&prevsnapshot=2020-01-01T00:00:00.0000000Z")).ShouldFailAsync(409, "PreviousSnapshotNotFound");
        await (await server.GetAsync(url, ("x-ms-previous-snapshot-url", "https://example.com/md-a/c/abcd?sig=x"))).ShouldFailAsync(409, "PreviousSnapshotNotFound");
        await (await server.GetAsync(url, ("x-ms-previous-snapshot-url", server.BaseUrl + "/elsewhere"))).ShouldFailAsync(409, "PreviousSnapshotNotFound");
    }

    [Fact]
    public async Task The_previous_url_needs_a_sas_of_its_own_that_is_still_good()
    {
        (Disk disk, DiskRestorePoint older) = await NewPointAsync();
        DiskRestorePoint newer = await server.NewPointAsync(disk);
        string url = await server.GrantAsync(newer) + "&comp=pagelist";
        string previous = await server.GrantAsync(older, TimeSpan.FromHours(1));
        await (await server.GetAsync(url, ("x-ms-previous-snapshot-url", previous.Split('?')[0]))).ShouldFailAsync(403, "AuthenticationFailed");
        server.Clock.Advance(TimeSpan.FromHours(2));
        var expired = await (await server.GetAsync(url, ("x-ms-previous-snapshot-url", previous))).ShouldFailAsync(403, "AuthenticationFailed");
        expired.Element("AuthenticationErrorDetail")!.Value.ShouldStartWith("Signature not valid in the specified time frame");
        await server.RevokeAsync(older.Id);
        await (await server.GetAsync(url, ("x-ms-previous-snapshot-url", previous))).ShouldFailAsync(403, "AuthenticationFailed");
    }

    [Fact]
    public async Task A_previous_url_of_a_live_disk_cannot_be_compared()
    {
        (Disk disk, DiskRestorePoint older) = await NewPointAsync();
        string live = await server.GrantAsync(disk, AccessKind.Read);
        HttpResponseMessage response = await server.GetAsync(await server.GrantAsync(older) + "&comp=pagelist", ("x-ms-previous-snapshot-url", live));
        await response.ShouldFailAsync(409, "PreviousSnapshotOperationNotSupported");
    }

    [Fact]
    public async Task Names_of_the_previous_point_that_make_no_sense_are_refused()
    {
        (_, DiskRestorePoint point) = await NewPointAsync();
        string granted = await server.GrantAsync(point);
        string url = granted + "&comp=pagelist";
        await (await server.GetAsync(url, ("x-ms-previous-snapshot-url", "not a url"))).ShouldFailAsync(400, "InvalidHeaderValue");
        await (await server.GetAsync(url + "&prevsnapshot=2026", ("x-ms-previous-snapshot-url", granted))).ShouldFailAsync(400, "InvalidInput");
        var error = await (await server.GetAsync($"{url}&prevsnapshot={Uri.EscapeDataString(granted)}")).ShouldFailAsync(400, "InvalidQueryParameterValue");
        error.Element("QueryParameterName")!.Value.ShouldBe("prevsnapshot");
        error.Element("QueryParameterValue")!.Value.ShouldEndWith("sig=[removed]");
        await (await server.GetAsync(url, ("x-ms-previous-snapshot-url", granted), ("x-ms-version", "2018-11-09"))).ShouldFailAsync(409, "FeatureVersionMismatch");
    }

    /// <summary>A disk with data in pages 0, 2, 5 and 10, and a point of it.</summary>
    private async Task<(Disk Disk, DiskRestorePoint Point)> NewPointAsync()
    {
        Disk disk = await server.NewDiskAsync(Size);
        foreach (int page in new[] { 0, 2, 5, 10 })
            server.Engine.Write(disk.Id, page * 4096, Bytes(4096, seed: page));
        return (disk, await server.NewPointAsync(disk));
    }

    private async Task<HttpResponseMessage> DiffByUrlAsync(DiskRestorePoint target, DiskRestorePoint previous) =>
        await server.GetAsync(await server.GrantAsync(target) + "&comp=pagelist", ("x-ms-previous-snapshot-url", await server.GrantAsync(previous)));
}
