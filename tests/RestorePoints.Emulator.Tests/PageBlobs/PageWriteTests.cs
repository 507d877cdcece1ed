using System.Net;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;
using static RestorePoints.Emulator.Tests.PageBlobs.StorageReply;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class PageWriteTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const int Size = 8 << 20;

    [Fact]
    public async Task A_page_is_written_and_acknowledged()
    {
        string url = await NewGuestAsync();
        string? before = (await server.GetAsync(url)).Header("ETag");
        byte[] data = Bytes(1024, seed: 1);
        HttpResponseMessage response = await server.PutPageAsync(url, 512, data, ("Content-MD5", ContentMd5.Compute(data)));
        (await response.BytesAsync(HttpStatusCode.Created)).ShouldBeEmpty();
        response.Header("Content-MD5").ShouldBe(ContentMd5.Compute(data));
        response.Header("x-ms-blob-sequence-number").ShouldBe("0");
        response.Header("x-ms-request-server-encrypted").ShouldBe("true");
        response.Header("Last-Modified").ShouldNotBeNull();
        response.Header("ETag").ShouldNotBe(before);
        HttpResponseMessage read = await server.GetAsync(url, ("x-ms-range", "bytes=0-2047"));
        (await read.BytesAsync(HttpStatusCode.PartialContent)).ShouldBeBytes([.. new byte[512], .. data, .. new byte[512]]);
        read.Header("ETag").ShouldBe(response.Header("ETag"));
    }

    [Fact]
    public async Task Without_md5_the_answer_has_the_crc64_as_versions_since_2019_have()
    {
        string url = await NewGuestAsync();
        byte[] data = Bytes(512, seed: 1);
        string crc = Crc64Nvme.ToBase64(Crc64Nvme.Compute(data));
        (await server.PutPageAsync(url, 0, data)).Header("x-ms-content-crc64").ShouldBe(crc);
        (await server.PutPageAsync(url, 0, data, ("x-ms-content-crc64", crc))).Header("x-ms-content-crc64").ShouldBe(crc);
        (await server.PutPageAsync(url, 0, data, ("x-ms-version", "2018-03-28"))).Header("Content-MD5").ShouldBe(ContentMd5.Compute(data));
    }

    [Theory]
    [InlineData("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==", "Md5Mismatch")]
    [InlineData("Content-MD5", "AAAA", "InvalidMd5")]
    [InlineData("Content-MD5", "!", "InvalidMd5")]
    [InlineData("x-ms-content-crc64", "AAAAAAAAAAA=", "Crc64Mismatch")]
    [InlineData("x-ms-content-crc64", "AAAA", "InvalidCrc64")]
    public async Task A_checksum_that_does_not_fit_leaves_the_bytes_alone(string header, string value, string code)
    {
        string url = await NewGuestAsync();
        await (await server.PutPageAsync(url, 0, Bytes(512, seed: 1), (header, value))).ShouldFailAsync(400, code);
        (await (await server.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_kinds_of_checksum_at_once_are_refused()
    {
        byte[] data = Bytes(512, seed: 1);
        HttpResponseMessage response = await server.PutPageAsync(await NewGuestAsync(), 0, data,
            ("Content-MD5", ContentMd5.Compute(data)), ("x-ms-content-crc64", Crc64Nvme.ToBase64(Crc64Nvme.Compute(data))));
        await response.ShouldFailAsync(400, "BothCrc64AndMd5HeaderPresent");
    }

    [Theory]
    [InlineData("bytes=0-511", 512, 201, null)]
    [InlineData("bytes=0-510", 511, 416, "InvalidPageRange")]
    [InlineData("bytes=100-611", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=512-", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=8388608-8389119", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=8388096-8389119", 1024, 416, "InvalidPageRange")]
    [InlineData("bytes=0-511", 1024, 400, "InvalidHeaderValue")]
    [InlineData("bytes=0-1023", 512, 400, "InvalidHeaderValue")]
    [InlineData("bytes=0-4194303", 4194304, 201, null)]
    [InlineData("bytes=0-4194815", 4194816, 413, "RequestBodyTooLarge")]
    [InlineData("", 512, 400, "MissingRequiredHeader")]
    public async Task Limits_of_a_write_are_kept_by_the_server(string range, int length, int status, string? code)
    {
        string url = await NewGuestAsync();
        HttpResponseMessage response = await server.SendAsync(HttpMethod.Put, url + "&comp=page", new byte[length], ("x-ms-page-write", "update"), ("x-ms-range", range));
        ((int)response.StatusCode, response.Header("x-ms-error-code")).ShouldBe((status, code));
    }

    [Fact]
    public async Task A_structured_body_is_checked_by_its_content_and_acknowledged()
    {
        string url = await NewGuestAsync();
        byte[] data = Bytes(4 << 20, seed: 2);
        byte[] message = StructuredMessages.Encode(data, 1 << 20);
        HttpResponseMessage response = await PutStructuredAsync(message, data.Length);
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        response.Header("x-ms-structured-body").ShouldBe("XSM/1.0; properties=crc64");
        (await (await server.GetAsync(url, ("x-ms-range", "bytes=0-4194303"))).BytesAsync(HttpStatusCode.PartialContent)).ShouldBeBytes(data);

        message[500_000] ^= 1;
        await (await PutStructuredAsync(message, data.Length)).ShouldFailAsync(400, "Crc64Mismatch");
        (await (await server.GetAsync(url, ("x-ms-range", "bytes=0-4194303"))).BytesAsync(HttpStatusCode.PartialContent)).ShouldBeBytes(data);
        await (await PutStructuredAsync(message[..1000], data.Length)).ShouldFailAsync(400, "InvalidInput");
        await (await PutStructuredAsync(message, 512)).ShouldFailAsync(413, "RequestBodyTooLarge");

        Task<HttpResponseMessage> PutStructuredAsync(byte[] body, int contentLength) => server.SendAsync(HttpMethod.Put, url + "&comp=page", body,
            ("x-ms-page-write", "update"), ("x-ms-range", $"bytes=0-{contentLength - 1}"),
            ("x-ms-structured-body", "XSM/1.0; properties=crc64"), ("x-ms-structured-content-length", contentLength.ToString()));
    }

    [Fact]
    public async Task Clearing_takes_pages_out_of_the_list_up_to_the_whole_disk()
    {
        string url = await NewGuestAsync();
        await server.PutPageAsync(url, 4096, Bytes(8192, seed: 1));
        (await ClearAsync("bytes=4096-8191")).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await (await server.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.ShouldBe([Data(8192, 4096)]);
        (await ClearAsync($"bytes=0-{Size - 1}")).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await (await server.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.ShouldBeEmpty();
        await (await ClearAsync($"bytes=0-{Size + 511}")).ShouldFailAsync(416, "InvalidPageRange");
        await (await ClearAsync("bytes=0-511", 512)).ShouldFailAsync(400, "InvalidHeaderValue");

        Task<HttpResponseMessage> ClearAsync(string range, int body = 0) =>
            server.SendAsync(HttpMethod.Put, url + "&comp=page", new byte[body], ("x-ms-page-write", "clear"), ("x-ms-range", range));
    }

    [Fact]
    public async Task Conditions_of_a_write_are_kept()
    {
        string url = await NewGuestAsync();
        string etag = (await server.GetAsync(url)).Header("ETag")!;
        (await StatusAsync(("If-Match", "\"0x0\""))).ShouldBe((412, "ConditionNotMet"));
        (await StatusAsync(("If-None-Match", etag))).ShouldBe((412, "ConditionNotMet"));
        (await StatusAsync(("If-Unmodified-Since", "Mon, 01 Jan 2024 00:00:00 GMT"))).ShouldBe((412, "ConditionNotMet"));
        (await StatusAsync(("x-ms-if-sequence-number-lt", "0"))).ShouldBe((412, "SequenceNumberConditionNotMet"));
        (await StatusAsync(("x-ms-if-sequence-number-eq", "5"))).ShouldBe((412, "SequenceNumberConditionNotMet"));
        (await StatusAsync(("x-ms-if-sequence-number-eq", "five"))).ShouldBe((400, "InvalidHeaderValue"));
        (await StatusAsync(("x-ms-lease-id", "x"))).ShouldBe((412, "LeaseNotPresentWithBlobOperation"));
        (await StatusAsync(("x-ms-if-sequence-number-le", "0"))).ShouldBe((201, null));
        (await StatusAsync(("If-Match", etag))).ShouldBe((412, "ConditionNotMet"));
        (await StatusAsync(("If-Match", "*"))).ShouldBe((201, null));

        async Task<(int, string?)> StatusAsync((string, string) header)
        {
            HttpResponseMessage response = await server.PutPageAsync(url, 0, new byte[512], header);
            return ((int)response.StatusCode, response.Header("x-ms-error-code"));
        }
    }

    [Fact]
    public async Task Of_writers_that_name_the_same_etag_only_one_succeeds()
    {
        string url = await NewGuestAsync();
        string etag = (await server.GetAsync(url)).Header("ETag")!;
        HttpResponseMessage[] responses = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => server.PutPageAsync(url, i * 512, new byte[512], ("If-Match", etag))));
        responses.Count(response => response.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        responses.Count(response => response.StatusCode == HttpStatusCode.PreconditionFailed).ShouldBe(15);
    }

    [Fact]
    public async Task The_end_of_an_upload_is_kept_with_the_disk_over_a_restart()
    {
        await using var own = new PageBlobServer();
        await own.InitializeAsync();
        Disk disk = await own.NewDiskAsync(1 << 20, upload: true);
        string url = await own.GrantAsync(disk, AccessKind.Upload);
        (await (await own.GetAsync(url, ("x-ms-range", "bytes=1048576-"))).BytesAsync(HttpStatusCode.PartialContent)).ShouldBeBytes(new byte[512]);
        (await (await own.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.ShouldBeEmpty();

        byte[] end = Bytes(1024, seed: 1);
        (await own.PutPageAsync(url, (1 << 20) - 512, end)).StatusCode.ShouldBe(HttpStatusCode.Created);
        await own.RestartAsync();
        (await (await own.GetAsync(url, ("x-ms-range", "bytes=1048064-"))).BytesAsync(HttpStatusCode.PartialContent)).ShouldBeBytes(end);
        (await (await own.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.Last().ShouldBe(Data(1 << 20, 512));

        await own.SendAsync(HttpMethod.Put, url + "&comp=page", [], ("x-ms-page-write", "clear"), ("x-ms-range", $"bytes=0-{(1 << 20) + 511}"));
        (await (await own.GetAsync(url)).BytesAsync(HttpStatusCode.OK)).ShouldBeBytes(new byte[(1 << 20) + 512]);
        (await (await own.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.ShouldBeEmpty();
    }

    [Fact]
    public async Task Put_blob_of_the_same_length_empties_the_blob_and_of_another_is_refused()
    {
        Disk disk = await server.NewDiskAsync(1 << 20, upload: true);
        string url = await server.GrantAsync(disk, AccessKind.Upload);
        const int length = (1 << 20) + 512;
        byte[] written = Bytes(1024, seed: 1);
        await server.PutPageAsync(url, length - 1024, written);
        await (await PutBlobAsync("PageBlob", length + 512)).ShouldFailAsync(400, "InvalidHeaderValue");
        await (await PutBlobAsync("BlockBlob", length)).ShouldFailAsync(409, "InvalidBlobType");
        await (await PutBlobAsync("PageBlob", length, ("If-None-Match", "*"))).ShouldFailAsync(409, "BlobAlreadyExists");
        await (await PutBlobAsync("PageBlob", length, ("If-Match", "\"0x0\""))).ShouldFailAsync(412, "ConditionNotMet");
        await (await server.SendAsync(HttpMethod.Put, url, new byte[512], ("x-ms-blob-type", "PageBlob"), ("x-ms-blob-content-length", $"{length}"))).ShouldFailAsync(400, "InvalidHeaderValue");
        (await (await server.GetAsync(url, ("x-ms-range", $"bytes={length - 1024}-"))).BytesAsync(HttpStatusCode.PartialContent)).ShouldBeBytes(written);

        (await PutBlobAsync("PageBlob", length)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await (await server.GetAsync(url)).BytesAsync(HttpStatusCode.OK)).ShouldBeBytes(new byte[length]);
        (await (await server.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.ShouldBeEmpty();

        Task<HttpResponseMessage> PutBlobAsync(string type, long blobLength, params (string, string)[] more) =>
            server.SendAsync(HttpMethod.Put, url, [], [("x-ms-blob-type", type), ("x-ms-blob-content-length", blobLength.ToString()), .. more]);
    }

    [Fact]
    public async Task Content_headers_may_be_set_but_are_those_of_a_disk()
    {
        string url = await NewGuestAsync();
        HttpResponseMessage set = await server.SendAsync(HttpMethod.Put, url + "&comp=properties", [], ("x-ms-blob-content-type", "text/x-vhdl"), ("x-ms-blob-content-md5", ""));
        set.StatusCode.ShouldBe(HttpStatusCode.OK);
        HttpResponseMessage head = await server.SendAsync(HttpMethod.Head, url);
        (head.Content.Headers.ContentType!.ToString(), head.Headers.ETag).ShouldBe(("application/octet-stream", set.Headers.ETag));
        string read = await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Read);
        await (await server.SendAsync(HttpMethod.Put, read + "&comp=properties", [], ("x-ms-blob-content-type", "text/x-vhdl"))).ShouldFailAsync(403, "AuthorizationPermissionMismatch");
    }

    [Theory]
    [InlineData("PUT", "", "x-ms-copy-source", "http://127.0.0.1/x")]
    [InlineData("PUT", "&comp=copy&copyid=1", "x-ms-copy-action", "abort")]
    [InlineData("PUT", "&comp=incrementalcopy", "x-ms-copy-source", "http://127.0.0.1/x")]
    [InlineData("PUT", "&comp=snapshot", "x-ms-a", "b")]
    [InlineData("PUT", "&comp=metadata", "x-ms-a", "b")]
    [InlineData("PUT", "&comp=properties", "x-ms-blob-content-length", "512")]
    [InlineData("PUT", "&comp=properties", "x-ms-blob-content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("PUT", "&comp=properties", "x-ms-sequence-number-action", "increment")]
    [InlineData("PUT", "&comp=lease", "x-ms-lease-action", "acquire")]
    [InlineData("PUT", "&comp=tier", "x-ms-access-tier", "P10")]
    [InlineData("PUT", "&comp=tags", "x-ms-a", "b")]
    [InlineData("GET", "&comp=tags", "x-ms-a", "b")]
    [InlineData("PUT", "&comp=undelete", "x-ms-a", "b")]
    [InlineData("PUT", "&comp=expiry", "x-ms-expiry-option", "NeverExpire")]
    [InlineData("PUT", "&comp=immutabilityPolicies", "x-ms-a", "b")]
    [InlineData("PUT", "&comp=legalhold", "x-ms-legal-hold", "true")]
    [InlineData("PUT", "&comp=appendblock", "x-ms-a", "b")]
    [InlineData("PUT", "&comp=seal", "x-ms-a", "b")]
    [InlineData("PUT", "&comp=block&blockid=AAAA", "x-ms-a", "b")]
    [InlineData("PUT", "&comp=blocklist", "x-ms-a", "b")]
    [InlineData("GET", "&comp=blocklist", "x-ms-a", "b")]
    [InlineData("GET", "&comp=metadata", "x-ms-a", "b")]
    [InlineData("POST", "&comp=query", "x-ms-a", "b")]
    [InlineData("POST", "&comp=batch", "x-ms-a", "b")]
    [InlineData("POST", "", "x-ms-a", "b")]
    [InlineData("PATCH", "", "x-ms-a", "b")]
    [InlineData("DELETE", "", "x-ms-a", "b")]
    [InlineData("DELETE", "&deletetype=permanent", "x-ms-a", "b")]
    [InlineData("PUT", "&restype=container", "x-ms-a", "b")]
    [InlineData("DELETE", "&restype=container", "x-ms-a", "b")]
    [InlineData("GET", "&restype=container", "x-ms-a", "b")]
    [InlineData("GET", "&restype=container&comp=acl", "x-ms-a", "b")]
    [InlineData("GET", "&restype=container&comp=list", "x-ms-a", "b")]
    [InlineData("GET", "&restype=service&comp=properties", "x-ms-a", "b")]
    [InlineData("GET", "&restype=account&comp=properties", "x-ms-a", "b")]
    public async Task What_a_managed_disk_does_not_offer_is_refused(string method, string query, string header, string value)
    {
        string url = await NewGuestAsync();
        HttpResponseMessage response = await server.SendAsync(new HttpMethod(method), url + query, [], (header, value), ("x-ms-page-write", "update"), ("x-ms-range", "bytes=0-511"));
        await response.ShouldFailAsync(405, "UnsupportedHttpVerb");
    }

    [Fact]
    public async Task A_write_to_a_snapshot_of_a_writable_blob_is_refused()
    {
        string url = await NewGuestAsync() + "&snapshot=2026-05-16T20:11:11.0777366Z";
        await (await server.PutPageAsync(url, 0, new byte[512])).ShouldFailAsync(400, "InvalidOperation");
        await (await server.GetAsync(url)).ShouldFailAsync(404, "BlobNotFound");
    }

    [Fact]
    public async Task A_write_without_its_kind_is_refused()
    {
        string url = await NewGuestAsync() + "&comp=page";
        await (await server.SendAsync(HttpMethod.Put, url, new byte[512], ("x-ms-range", "bytes=0-511"))).ShouldFailAsync(400, "MissingRequiredHeader");
        await (await server.SendAsync(HttpMethod.Put, url, new byte[512], ("x-ms-range", "bytes=0-511"), ("x-ms-page-write", "erase"))).ShouldFailAsync(400, "InvalidHeaderValue");
    }

    private async Task<string> NewGuestAsync() => await server.GrantAsync(await server.NewDiskAsync(Size), AccessKind.Guest);
}
