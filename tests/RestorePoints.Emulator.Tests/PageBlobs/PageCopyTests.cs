using System.Net;
using System.Xml.Linq;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;
using static RestorePoints.Emulator.Tests.PageBlobs.StorageReply;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>Put Page From URL.</summary>
public sealed class PageCopyTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const int Size = 8 << 20;
    private static readonly byte[] s_content = Bytes(Size, seed: 11);

    [Theory]
    [InlineData("disk")]
    [InlineData("point")]
    [InlineData("guest")]
    [InlineData("upload")]
    public async Task Pages_come_from_every_kind_of_url_and_are_acknowledged_as_written(string kind)
    {
        Disk disk = await NewSourceAsync(upload: kind == "upload");
        string source = kind switch
        {
            "disk" => await server.GrantAsync(disk, AccessKind.Read),
            "point" => await server.GrantAsync(await server.NewPointAsync(disk)),
            "guest" => await server.GrantAsync(disk, AccessKind.Guest),
            _ => await server.GrantAsync(disk, AccessKind.Upload),
        };
        string target = await NewTargetAsync();
        string? before = (await server.GetAsync(target)).Header("ETag");
        HttpResponseMessage response = await CopyAsync(target, source, 4096, 512, 1024);
        (await response.BytesAsync(HttpStatusCode.Created)).ShouldBeEmpty();
        response.Header("x-ms-content-crc64").ShouldBe(Crc64Nvme.ToBase64(Crc64Nvme.Compute(s_content.AsSpan(4096, 1024))));
        response.Header("Content-MD5").ShouldBeNull();
        response.Header("x-ms-blob-sequence-number").ShouldBe("0");
        response.Header("x-ms-request-server-encrypted").ShouldBe("true");
        response.Header("Last-Modified").ShouldNotBeNull();
        response.Header("ETag").ShouldNotBe(before);
        (await ReadAsync(target, 0, 2048)).ShouldBeBytes([.. new byte[512], .. s_content[4096..5120], .. new byte[512]]);
    }

    [Theory]
    [InlineData(0, 4096)]
    [InlineData(4096, 0)]
    public async Task A_blob_is_copied_over_itself_as_it_was_before(int from, int to)
    {
        const int length = 4 << 20;
        string url = await server.GrantAsync(await NewSourceAsync(), AccessKind.Guest);
        (await CopyAsync(url, url, from, to, length)).StatusCode.ShouldBe(HttpStatusCode.Created);
        byte[] expected = [.. s_content];
        s_content.AsSpan(from, length).CopyTo(expected.AsSpan(to));
        (await ReadAsync(url, 0, Size)).ShouldBeBytes(expected);
    }

    [Fact]
    public async Task The_footer_of_a_point_ends_an_upload()
    {
        string source = await server.GrantAsync(await server.NewPointAsync(await NewSourceAsync()));
        string target = await server.GrantAsync(await server.NewDiskAsync(Size, upload: true), AccessKind.Upload);
        (await CopyAsync(target, source, Size - 512, Size - 512, 1024)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await ReadAsync(target, Size - 512, 1024)).ShouldBeBytes(await ReadAsync(source, Size - 512, 1024));
    }

    [Fact]
    public async Task A_checksum_of_the_source_is_compared()
    {
        byte[] data = s_content[..512];
        string md5 = ContentMd5.Compute(data), crc64 = Crc64Nvme.ToBase64(Crc64Nvme.Compute(data));
        string source = await server.GrantAsync(await NewSourceAsync(), AccessKind.Read);
        string target = await NewTargetAsync();
        await (await WithAsync(("x-ms-source-content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="))).ShouldFailAsync(400, "Md5Mismatch");
        await (await WithAsync(("x-ms-source-content-md5", "AAAA"))).ShouldFailAsync(400, "InvalidMd5");
        await (await WithAsync(("x-ms-source-content-crc64", "AAAAAAAAAAA="))).ShouldFailAsync(400, "Crc64Mismatch");
        await (await WithAsync(("x-ms-source-content-crc64", "!"))).ShouldFailAsync(400, "InvalidCrc64");
        await (await WithAsync(("x-ms-source-content-md5", md5), ("x-ms-source-content-crc64", crc64))).ShouldFailAsync(400, "BothCrc64AndMd5HeaderPresent");
        await ShouldBeEmptyAsync(target);
        (await WithAsync(("x-ms-source-content-md5", md5))).Header("Content-MD5").ShouldBe(md5);
        (await WithAsync(("x-ms-source-content-crc64", crc64))).Header("x-ms-content-crc64").ShouldBe(crc64);
        (await WithAsync(("x-ms-version", "2018-11-09"))).Header("Content-MD5").ShouldBe(md5);

        Task<HttpResponseMessage> WithAsync(params (string, string)[] headers) => CopyAsync(target, source, 0, 0, 512, headers);
    }

    [Fact]
    public async Task Conditions_of_source_and_target_are_kept()
    {
        Disk disk = await NewSourceAsync();
        string source = await server.GrantAsync(await server.NewPointAsync(disk));
        string target = await NewTargetAsync();
        string etag = (await server.GetAsync(source)).Header("ETag")!, targetTag = (await server.GetAsync(target)).Header("ETag")!;
        (string, string)[] refused =
        [
            ("x-ms-source-if-match", "\"0x0\""), ("x-ms-source-if-none-match", etag), ("x-ms-source-if-none-match", "*"),
            ("x-ms-source-if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"), ("x-ms-source-if-unmodified-since", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ];
        foreach ((string, string) header in refused)
            await (await WithAsync(header)).ShouldFailAsync(412, "SourceConditionNotMet");
        await (await WithAsync(("If-Match", "\"0x0\""))).ShouldFailAsync(412, "ConditionNotMet");
        await (await WithAsync(("x-ms-if-sequence-number-lt", "0"))).ShouldFailAsync(412, "SequenceNumberConditionNotMet");
        await ShouldBeEmptyAsync(target);
        (await WithAsync(("x-ms-source-if-match", etag), ("If-Match", targetTag), ("x-ms-source-if-unmodified-since", "Fri, 01 Jan 2100 00:00:00 GMT")))
            .StatusCode.ShouldBe(HttpStatusCode.Created);

        Task<HttpResponseMessage> WithAsync(params (string, string)[] headers) => CopyAsync(target, source, 0, 0, 512, headers);
    }

    [Theory]
    [InlineData("bytes=0-511", null, 400, "MissingRequiredHeader")]
    [InlineData(null, "bytes=0-511", 400, "MissingRequiredHeader")]
    [InlineData("bytes=0-511", "bytes=0-1023", 400, "InvalidHeaderValue")]
    [InlineData("bytes=0-511", "bytes=0-", 400, "InvalidHeaderValue")]
    [InlineData("bytes=0-511", "bytes=100-611", 400, "InvalidHeaderValue")]
    [InlineData("bytes=0-511", "0-511", 400, "InvalidHeaderValue")]
    [InlineData("bytes=100-611", "bytes=0-511", 416, "InvalidPageRange")]
    [InlineData("bytes=8388608-8389119", "bytes=0-511", 416, "InvalidPageRange")]
    [InlineData("bytes=0-511", "bytes=8389120-8389631", 416, "InvalidRange")]
    [InlineData("bytes=0-1023", "bytes=8388608-8389631", 416, "InvalidRange")]
    [InlineData("bytes=0-4194815", "bytes=0-4194815", 413, "RequestBodyTooLarge")]
    [InlineData("bytes=0-4194303", "bytes=4194304-8388607", 201, null)]
    public async Task Ranges_are_whole_sectors_of_one_length_up_to_4_mib(string? range, string? sourceRange, int status, string? code)
    {
        string source = await server.GrantAsync(await NewSourceAsync(), AccessKind.Read);
        string target = await NewTargetAsync();
        (string, string)[] headers = [("x-ms-page-write", "update"), ("x-ms-copy-source", source)];
        HttpResponseMessage response = await server.SendAsync(HttpMethod.Put, target + "&comp=page", [],
            [.. headers, .. range is null ? Array.Empty<(string, string)>() : [("x-ms-range", range)], .. sourceRange is null ? Array.Empty<(string, string)>() : [("x-ms-source-range", sourceRange)]]);
        ((int)response.StatusCode, response.Header("x-ms-error-code")).ShouldBe((status, code));
        if (code is not null)
            await ShouldBeEmptyAsync(target);
    }

    [Fact]
    public async Task A_copy_is_an_update_without_a_body_of_a_version_that_knows_it()
    {
        string source = await server.GrantAsync(await NewSourceAsync(), AccessKind.Read);
        string target = await NewTargetAsync();
        (string, string)[] headers = [("x-ms-range", "bytes=0-511"), ("x-ms-source-range", "bytes=0-511"), ("x-ms-copy-source", source)];
        await (await PutAsync([], headers)).ShouldFailAsync(400, "MissingRequiredHeader");
        await (await PutAsync([], [.. headers, ("x-ms-page-write", "clear")])).ShouldFailAsync(400, "InvalidHeaderValue");
        await (await PutAsync(new byte[512], [.. headers, ("x-ms-page-write", "update")])).ShouldFailAsync(400, "InvalidHeaderValue");
        await (await CopyAsync(target, source, 0, 0, 512, ("x-ms-version", "2018-03-28"))).ShouldFailAsync(409, "FeatureVersionMismatch");
        string readOnly = await server.GrantAsync(await NewSourceAsync(), AccessKind.Read);
        await (await CopyAsync(readOnly, source, 0, 0, 512)).ShouldFailAsync(403, "AuthorizationPermissionMismatch");
        await ShouldBeEmptyAsync(target);

        Task<HttpResponseMessage> PutAsync(byte[] body, (string, string)[] more) => server.SendAsync(HttpMethod.Put, target + "&comp=page", body, more);
    }

    [Fact]
    public async Task A_source_that_its_sas_does_not_open_is_refused_with_the_answer_that_its_reader_gets()
    {
        Disk disk = await NewSourceAsync();
        string source = await server.GrantAsync(disk, AccessKind.Read, TimeSpan.FromHours(1));
        string target = await NewTargetAsync();

        XElement anonymous = await (await CopyAsync(target, source.Split('?')[0], 0, 0, 512)).ShouldFailAsync(404, "CannotVerifyCopySource");
        anonymous.Element("Message")!.Value.ShouldStartWith("The specified resource does not exist.\n");
        anonymous.Element("CopySourceErrorCode")!.Value.ShouldBe("ResourceNotFound");
        await (await CopyAsync(target, await NewTargetAsync() + "&snapshot=2026-05-16T20:11:11.0777366Z", 0, 0, 512)).ShouldFailAsync(404, "CannotVerifyCopySource");
        await (await CopyAsync(target, server.BaseUrl + "/elsewhere?sig=x&sv=2018-11-09", 0, 0, 512)).ShouldFailAsync(404, "CannotVerifyCopySource");

        server.Clock.Advance(TimeSpan.FromHours(2));
        HttpResponseMessage response = await CopyAsync(target, source, 0, 0, 512);
        XElement expired = await response.ShouldFailAsync(403, "CannotVerifyCopySource");
        expired.Element("Message")!.Value.ShouldStartWith("Server failed to authenticate the request.");
        expired.Element("CopySourceStatusCode")!.Value.ShouldBe("403");
        expired.Element("CopySourceErrorCode")!.Value.ShouldBe("AuthenticationFailed");
        expired.Element("CopySourceErrorMessage")!.Value.ShouldStartWith("Server failed to authenticate the request.");
        expired.Element("AuthenticationErrorDetail")!.Value.ShouldStartWith("Signature not valid in the specified time frame");
        (response.Header("x-ms-copy-source-status-code"), response.Header("x-ms-copy-source-error-code")).ShouldBe(("403", "AuthenticationFailed"));

        string gone = await server.GrantAsync(disk, AccessKind.Guest);
        server.Engine.DeleteHead(disk.Id);
        XElement missing = await (await CopyAsync(target, gone, 0, 0, 512)).ShouldFailAsync(404, "CannotVerifyCopySource");
        missing.Element("CopySourceErrorCode")!.Value.ShouldBe("BlobNotFound");
        await ShouldBeEmptyAsync(target);
    }

    /// <summary>The port is one that this test listens on: a request of the emulator would be seen.</summary>
    [Fact]
    public async Task A_source_elsewhere_is_refused_and_never_asked()
    {
        using var other = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;
        string target = await NewTargetAsync();
        string[] sources =
        [
            "https://account.blob.core.windows.net/c/b.vhd?sv=2018-11-09&sr=b&sig=secret", "http://169.254.169.254/metadata", $"http://emulator.invalid:{port}/md-a/c/abcd?sig=secret",
        ];
        foreach (string source in sources)
            ShouldTellNoSecret(await (await CopyAsync(target, source, 0, 0, 512)).ShouldFailAsync(400, "CannotVerifyCopySource"));
        await (await CopyAsync(target, $"http://127.0.0.1:{port}/md-a/c/abcd?sv=2018-11-09&sr=b&si=x&sig=secret", 0, 0, 512)).ShouldFailAsync(403, "CannotVerifyCopySource");
        foreach (string source in (string[])["/md-a/c/abcd?sig=secret", "file:///etc/passwd?sig=secret", "no url sig=secret"])
            ShouldTellNoSecret(await (await CopyAsync(target, source, 0, 0, 512)).ShouldFailAsync(400, "InvalidHeaderValue"));
        other.Pending().ShouldBeFalse();
        await ShouldBeEmptyAsync(target);

        static void ShouldTellNoSecret(XElement error) => error.ToString().ShouldNotContain("secret");
    }

    [Fact]
    public async Task A_wrong_token_for_the_source_is_refused_without_being_repeated_even_when_none_is_needed()
    {
        string source = await server.GrantAsync(await NewSourceAsync(), AccessKind.Read);
        XElement error = await (await CopyAsync(await NewTargetAsync(), source, 0, 0, 512, ("x-ms-copy-source-authorization", "Bearer secret"))).ShouldFailAsync(401, "CannotVerifyCopySource");
        error.Element("CopySourceErrorCode")!.Value.ShouldBe("InvalidAuthenticationInfo");
        error.ToString().ShouldNotContain("secret");
    }

    private async Task<Disk> NewSourceAsync(bool upload = false)
    {
        Disk disk = await server.NewDiskAsync(Size, upload);
        server.Engine.Write(disk.Id, 0, s_content);
        return disk;
    }

    private async Task<string> NewTargetAsync() => await server.GrantAsync(await server.NewDiskAsync(Size), AccessKind.Guest);

    private Task<HttpResponseMessage> CopyAsync(string target, string source, long from, long to, int length, params (string, string)[] more) =>
        server.SendAsync(HttpMethod.Put, target + "&comp=page", [],
            [("x-ms-page-write", "update"), ("x-ms-copy-source", source), ("x-ms-source-range", $"bytes={from}-{from + length - 1}"), ("x-ms-range", $"bytes={to}-{to + length - 1}"), .. more]);

    private async Task<byte[]> ReadAsync(string url, long from, int length) =>
        await (await server.GetAsync(url, ("x-ms-range", $"bytes={from}-{from + length - 1}"))).BytesAsync(HttpStatusCode.PartialContent);

    private async Task ShouldBeEmptyAsync(string url) => (await (await server.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.ShouldBeEmpty();
}
