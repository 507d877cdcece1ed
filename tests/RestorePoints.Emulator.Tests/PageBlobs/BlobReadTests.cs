using System.Net;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class BlobReadTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const int Size = 2 << 20;
    private const int Length = Size + 512;

    [Fact]
    public async Task A_disk_reads_as_a_fixed_vhd()
    {
        (Disk disk, byte[] content, string url) = await NewBlobAsync();
        byte[] vhd = await (await server.GetAsync(url)).BytesAsync(HttpStatusCode.OK);
        vhd.ShouldBeBytes([.. content, .. VhdFooter.Build(Size, disk.Id)]);
        VhdFooter.FindFault(vhd.AsSpan(Size), Size, "").ShouldBeNull();
    }

    [Fact]
    public async Task Every_answer_has_the_headers_that_clients_need()
    {
        (_, _, string url) = await NewBlobAsync();
        foreach (HttpMethod method in new[] { HttpMethod.Head, HttpMethod.Get })
        {
            HttpResponseMessage response = await server.SendAsync(method, url, null, ("x-ms-client-request-id", "id-1"), ("x-ms-version", "2099-12-31"));
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            response.Header("Content-Length").ShouldBe(Length.ToString());
            response.Header("Content-Type").ShouldBe("application/octet-stream");
            response.Header("ETag")!.ShouldMatch("^\"0x8D[0-9A-F]{12}\"$");
            response.Header("Last-Modified").ShouldNotBeNull();
            response.Header("Accept-Ranges").ShouldBe("bytes");
            response.Header("x-ms-blob-type").ShouldBe("PageBlob");
            response.Header("x-ms-blob-sequence-number").ShouldBe("0");
            response.Header("x-ms-lease-state").ShouldBe("available");
            response.Header("x-ms-server-encrypted").ShouldBe("true");
            response.Header("x-ms-client-request-id").ShouldBe("id-1");
            response.Header("x-ms-version").ShouldBe("2099-12-31");
            Guid.TryParse(response.Header("x-ms-request-id"), out _).ShouldBeTrue();
            response.Header("Date").ShouldNotBeNull();
            response.Header("Server").ShouldNotBeNull();
            response.Header("Content-MD5").ShouldBeNull();
        }
    }

    [Theory]
    [InlineData("bytes=0-", 0, Length)]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=5-300004", 5, 300005)]
    [InlineData("bytes=2097151-2097152", Size - 1, Size + 1)]
    [InlineData("bytes=2097300-", 2097300, Length)]
    [InlineData("bytes=2097000-268435455", 2097000, Length)]
    public async Task A_range_gives_partial_content_of_any_alignment(string range, int start, int end)
    {
        (Disk disk, byte[] content, string url) = await NewBlobAsync();
        HttpResponseMessage response = await server.GetAsync(url, ("x-ms-range", range), ("Range", "bytes=1-2"));
        byte[] all = [.. content, .. VhdFooter.Build(Size, disk.Id)];
        (await response.BytesAsync(HttpStatusCode.PartialContent)).ShouldBeBytes(all[start..end]);
        response.Header("Content-Range").ShouldBe($"bytes {start}-{end - 1}/{Length}");
        response.Header("Content-Length").ShouldBe((end - start).ToString());
    }

    [Theory]
    [InlineData("bytes=-512")]
    [InlineData("bytes=0-1,5-6")]
    [InlineData("bytes=9-3")]
    [InlineData("bytes=x")]
    public async Task A_range_in_another_form_is_ignored(string range)
    {
        (_, _, string url) = await NewBlobAsync();
        HttpResponseMessage response = await server.GetAsync(url, ("x-ms-range", range));
        (await response.BytesAsync(HttpStatusCode.OK)).Length.ShouldBe(Length);
        response.Header("Content-Range").ShouldBeNull();
    }

    [Theory]
    [InlineData("bytes=2097664-")]
    [InlineData("bytes=99999999999999999999-")]
    public async Task A_range_behind_the_end_is_not_satisfiable(string range)
    {
        (_, _, string url) = await NewBlobAsync();
        HttpResponseMessage response = await server.GetAsync(url, ("Range", range));
        await response.ShouldFailAsync(416, "InvalidRange");
        response.Header("Content-Range").ShouldBe($"bytes */{Length}");
    }

    [Fact]
    public async Task A_range_comes_with_the_checksum_that_was_asked_for()
    {
        (_, byte[] content, string url) = await NewBlobAsync();
        HttpResponseMessage md5 = await server.GetAsync(url, ("x-ms-range", "bytes=100-9999"), ("x-ms-range-get-content-md5", "true"));
        byte[] data = await md5.BytesAsync(HttpStatusCode.PartialContent);
        data.ShouldBeBytes(content[100..10000]);
        md5.Header("Content-MD5").ShouldBe(ContentMd5.Compute(data));
        HttpResponseMessage crc = await server.GetAsync(url, ("x-ms-range", "bytes=100-9999"), ("x-ms-range-get-content-crc64", "true"));
        crc.Header("x-ms-content-crc64").ShouldBe(Crc64Nvme.ToBase64(Crc64Nvme.Compute(data)));
    }

    [Fact]
    public async Task A_checksum_needs_a_range_of_at_most_4_mebibytes()
    {
        string url = await server.GrantAsync(await server.NewDiskAsync(8 << 20), AccessKind.Read);
        (await server.GetAsync(url, ("x-ms-range", "bytes=0-4194303"), ("x-ms-range-get-content-md5", "true"))).StatusCode.ShouldBe(HttpStatusCode.PartialContent);
        var error = await (await server.GetAsync(url, ("x-ms-range", "bytes=0-4194304"), ("x-ms-range-get-content-crc64", "true"))).ShouldFailAsync(400, "InvalidHeaderValue");
        error.Element("HeaderName")!.Value.ShouldBe("x-ms-range-get-content-crc64");
        await (await server.GetAsync(url, ("x-ms-range-get-content-md5", "true"))).ShouldFailAsync(400, "InvalidHeaderValue");
        await (await server.GetAsync(url, ("x-ms-range", "bytes=0-1"), ("x-ms-range-get-content-md5", "true"), ("x-ms-range-get-content-crc64", "true")))
            .ShouldFailAsync(400, "BothCrc64AndMd5RangeHeaderPresent");
    }

    [Fact]
    public async Task A_structured_body_carries_the_bytes_and_their_checksums()
    {
        string url = await server.GrantAsync(await server.NewDiskAsync(8 << 20), AccessKind.Read);
        HttpResponseMessage response = await server.GetAsync(url, ("x-ms-range", "bytes=100-5000000"), ("x-ms-structured-body", "XSM/1.0; properties=crc64"));
        byte[] message = await response.BytesAsync(HttpStatusCode.PartialContent);
        response.Header("x-ms-structured-body").ShouldBe("XSM/1.0; properties=crc64");
        response.Header("x-ms-structured-content-length").ShouldBe("4999901");
        response.Header("Content-Range").ShouldBe($"bytes 100-5000000/{(8 << 20) + 512}");
        StructuredMessage.Decode(message).ShouldBe(4_999_901);
        await (await server.GetAsync(url, ("x-ms-structured-body", "XSM/9.0"))).ShouldFailAsync(400, "InvalidHeaderValue");
    }

    [Fact]
    public async Task Conditions_are_kept()
    {
        string url = await server.GrantAsync(await server.NewPointAsync(await server.NewDiskAsync(1 << 20)));
        HttpResponseMessage head = await server.SendAsync(HttpMethod.Head, url);
        string etag = head.Header("ETag")!;
        string modified = head.Header("Last-Modified")!;

        (await StatusAsync(("If-Match", etag))).ShouldBe(200);
        (await StatusAsync(("If-Match", "*"))).ShouldBe(200);
        (await StatusAsync(("If-Match", ""))).ShouldBe(200);
        (await StatusAsync(("If-Match", "\"0x0\""))).ShouldBe(412);
        (await StatusAsync(("If-None-Match", etag))).ShouldBe(304);
        (await StatusAsync(("If-None-Match", "\"0x0\""))).ShouldBe(200);
        (await StatusAsync(("If-None-Match", "*"))).ShouldBe(400);
        (await StatusAsync(("If-Modified-Since", modified))).ShouldBe(304);
        (await StatusAsync(("If-Modified-Since", "Mon, 01 Jan 2024 00:00:00 GMT"))).ShouldBe(200);
        (await StatusAsync(("If-Unmodified-Since", modified))).ShouldBe(200);
        (await StatusAsync(("If-Unmodified-Since", "Mon, 01 Jan 2024 00:00:00 GMT"))).ShouldBe(412);
        (await StatusAsync(("If-Unmodified-Since", "yesterday"))).ShouldBe(400);
        (await StatusAsync(("x-ms-lease-id", "x"))).ShouldBe(412);

        async Task<int> StatusAsync((string, string) header)
        {
            HttpResponseMessage get = await server.GetAsync(url, header);
            HttpResponseMessage head = await server.SendAsync(HttpMethod.Head, url, null, header);
            head.StatusCode.ShouldBe(get.StatusCode);
            if (get.StatusCode == HttpStatusCode.NotModified)
                (await get.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
            return (int)get.StatusCode;
        }
    }

    [Fact]
    public async Task A_head_that_fails_has_neither_body_nor_its_headers()
    {
        Disk disk = await server.NewDiskAsync(1 << 20);
        string url = await server.GrantAsync(disk, AccessKind.Read);
        server.Engine.DeleteHead(disk.Id);
        HttpResponseMessage response = await server.SendAsync(HttpMethod.Head, url);
        ((int)response.StatusCode, response.Header("x-ms-error-code")).ShouldBe((404, "BlobNotFound"));
        response.Content.Headers.ContentType.ShouldBeNull();
        response.Content.Headers.NonValidated.Contains("Content-Length").ShouldBeFalse();
        await (await server.GetAsync(url)).ShouldFailAsync(404, "BlobNotFound");
    }

    [Fact]
    public async Task A_point_keeps_its_bytes_and_its_etag_while_the_disk_goes_on()
    {
        (Disk disk, byte[] content, _) = await NewBlobAsync();
        string url = await server.GrantAsync(await server.NewPointAsync(disk));
        string? etag = (await server.GetAsync(url)).Header("ETag");
        string guest = await server.GrantAsync(disk, AccessKind.Guest);
        string? live = (await server.GetAsync(guest)).Header("ETag");
        (await server.PutPageAsync(guest, 0, StorageReply.Bytes(4096, seed: 9))).StatusCode.ShouldBe(HttpStatusCode.Created);

        HttpResponseMessage again = await server.GetAsync(url);
        again.Header("ETag").ShouldBe(etag);
        (await again.BytesAsync(HttpStatusCode.OK))[..Size].ShouldBeBytes(content);
        (await server.GetAsync(guest)).Header("ETag").ShouldNotBe(live);
    }

    [Theory]
    [InlineData("latest")]
    [InlineData("2026-13-01")]
    public async Task A_version_that_is_no_date_is_refused(string version)
    {
        (_, _, string url) = await NewBlobAsync();
        var error = await (await server.GetAsync(url, ("x-ms-version", version))).ShouldFailAsync(400, "InvalidHeaderValue");
        error.Element("HeaderName")!.Value.ShouldBe("x-ms-version");
    }

    [Fact]
    public async Task Two_versions_are_refused_and_none_is_the_newest()
    {
        (_, _, string url) = await NewBlobAsync();
        await (await server.GetAsync(url + "&api-version=2020-10-02", ("x-ms-version", "2020-10-02"))).ShouldFailAsync(400, "MultipleVersionsSpecified");
        (await server.GetAsync(url)).Header("x-ms-version").ShouldBe("2026-10-06");
    }

    private async Task<(Disk Disk, byte[] Content, string Url)> NewBlobAsync()
    {
        Disk disk = await server.NewDiskAsync(Size);
        byte[] content = StorageReply.Bytes(Size, seed: 7);
        content.AsSpan(500_000, 700_000).Clear();
        server.Engine.Write(disk.Id, 0, content.AsSpan(0, 122 * 4096));
        server.Engine.Write(disk.Id, 293 * 4096, content.AsSpan(293 * 4096));
        content.AsSpan(122 * 4096, 171 * 4096).Clear();
        return (disk, content, await server.GrantAsync(disk, AccessKind.Read));
    }
}
