using System.Net;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;
using static RestorePoints.Emulator.Tests.PageBlobs.StorageReply;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class PageListTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const int Size = 1 << 20;

    [Fact]
    public async Task The_list_has_the_data_and_the_footer()
    {
        Disk disk = await server.NewDiskAsync(Size);
        server.Engine.Write(disk.Id, 8192, new byte[4096]);
        server.Engine.Write(disk.Id, 65536, Bytes(8192, seed: 1));
        HttpResponseMessage response = await server.GetAsync(await server.GrantAsync(disk, AccessKind.Read) + "&comp=pagelist");
        response.Header("x-ms-blob-content-length").ShouldBe((Size + 512).ToString());
        response.Header("ETag").ShouldNotBeNull();
        response.Header("Last-Modified").ShouldNotBeNull();
        (await response.PageListAsync()).ShouldSatisfyAllConditions(
            list => list.Ranges.ShouldBe([Data(8192, 4096), Data(65536, 8192), Data(Size, 512)]),
            list => list.Marker.ShouldBeNull());
    }

    [Fact]
    public async Task The_guest_of_an_empty_disk_sees_no_range()
    {
        string url = await server.GrantAsync(await server.NewDiskAsync(Size), AccessKind.Guest);
        (await (await server.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("bytes=0-4095", new long[] { })]
    [InlineData("bytes=10000-70000", new long[] { 9728, 2560, 65536, 4608 })]
    [InlineData("bytes=70000-", new long[] { 69632, 4096, Size, 512 })]
    [InlineData("bytes=1048576-", new long[] { Size, 512 })]
    public async Task A_range_cuts_the_list(string range, long[] expected)
    {
        Disk disk = await server.NewDiskAsync(Size);
        server.Engine.Write(disk.Id, 8192, Bytes(4096, seed: 1));
        server.Engine.Write(disk.Id, 65536, Bytes(8192, seed: 1));
        string url = await server.GrantAsync(disk, AccessKind.Read) + "&comp=pagelist";
        (await (await server.GetAsync(url, ("x-ms-range", range))).PageListAsync()).Ranges
            .ShouldBe(expected.Chunk(2).Select(pair => Data(pair[0], pair[1])));
    }

    [Fact]
    public async Task A_range_behind_the_end_or_in_another_form_is_refused()
    {
        string url = await server.GrantAsync(await server.NewDiskAsync(Size), AccessKind.Read) + "&comp=pagelist";
        await (await server.GetAsync(url, ("x-ms-range", "bytes=1049088-"))).ShouldFailAsync(416, "InvalidRange");
        await (await server.GetAsync(url, ("x-ms-range", "bytes=-512"))).ShouldFailAsync(400, "InvalidHeaderValue");
    }

    [Fact]
    public async Task Without_maxresults_more_than_ten_thousand_ranges_come_at_once()
    {
        const int count = 10_050;
        Disk disk = await server.NewDiskAsync(count * 8192L);
        byte[] page = Bytes(4096, seed: 1);
        for (int i = 0; i < count; i++)
            server.Engine.Write(disk.Id, i * 8192L, page);
        string url = await server.GrantAsync(disk, AccessKind.Read) + "&comp=pagelist";

        (List<PageRange> all, string? none) = await (await server.GetAsync(url)).PageListAsync();
        all.Count.ShouldBe(count + 1);
        none.ShouldBeNull();

        (List<PageRange> capped, string? marker) = await (await server.GetAsync(url + "&maxresults=50000")).PageListAsync();
        capped.Count.ShouldBe(10_000);
        (List<PageRange> rest, string? end) = await (await server.GetAsync($"{url}&maxresults=50000&marker={marker}")).PageListAsync();
        capped.Concat(rest).ShouldBe(all);
        end.ShouldBe("");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Pages_of_a_list_add_up_to_the_whole(int pageSize)
    {
        Disk disk = await server.NewDiskAsync(Size);
        foreach (int offset in new[] { 0, 16384, 32768 })
            server.Engine.Write(disk.Id, offset, Bytes(4096, seed: 1));
        string url = await server.GrantAsync(disk, AccessKind.Read) + "&comp=pagelist";
        List<PageRange> all = (await (await server.GetAsync(url)).PageListAsync()).Ranges;

        List<PageRange> collected = [];
        string? marker = "";
        do
        {
            (List<PageRange> ranges, marker) = await (await server.GetAsync($"{url}&maxresults={pageSize}&marker={marker}")).PageListAsync();
            ranges.Count.ShouldBeLessThanOrEqualTo(pageSize);
            collected.AddRange(ranges);
        }
        while (!string.IsNullOrEmpty(marker));
        collected.ShouldBe(all);
    }

    [Theory]
    [InlineData("maxresults=0", "OutOfRangeQueryParameterValue")]
    [InlineData("maxresults=-1", "OutOfRangeQueryParameterValue")]
    [InlineData("maxresults=many", "InvalidQueryParameterValue")]
    [InlineData("maxresults=99999999999999999999", "InvalidQueryParameterValue")]
    [InlineData("marker=made-up", "InvalidQueryParameterValue")]
    [InlineData("marker=1!8000000000000000", "InvalidQueryParameterValue")]
    public async Task Paging_that_makes_no_sense_is_refused(string query, string code)
    {
        string url = await server.GrantAsync(await server.NewDiskAsync(Size), AccessKind.Read);
        await (await server.GetAsync($"{url}&comp=pagelist&{query}")).ShouldFailAsync(400, code);
    }

    [Fact]
    public async Task A_version_without_paging_gets_the_whole_list()
    {
        Disk disk = await server.NewDiskAsync(Size);
        server.Engine.Write(disk.Id, 0, Bytes(4096, seed: 1));
        string url = await server.GrantAsync(disk, AccessKind.Read);
        HttpResponseMessage response = await server.GetAsync(url + "&comp=pagelist&maxresults=1", ("x-ms-version", "2018-03-28"));
        (await response.PageListAsync()).Ranges.Count.ShouldBe(2);
    }

    [Fact]
    public async Task The_list_of_a_point_that_is_gone_is_not_found()
    {
        Disk disk = await server.NewDiskAsync(Size);
        DiskRestorePoint point = await server.NewPointAsync(disk);
        string url = await server.GrantAsync(point);
        server.Engine.DeletePoint(disk.Id, point.RestorePointId);
        await (await server.GetAsync(url + "&comp=pagelist")).ShouldFailAsync(404, "BlobNotFound");
        (await server.GetAsync(url)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }
}
