using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.BadInput;

/// <summary>Whatever is thrown at a SAS is refused in the blob service's own words, and changes no byte.</summary>
public sealed class PageBlobBadInputTests(Canary canary) : IClassFixture<Canary>
{
    private const long Size = World.UploadBytes;

    [Theory]
    [InlineData("bytes=0-510", 511, 416, "InvalidPageRange")]
    [InlineData("bytes=1-512", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=100-611", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=20971520-20972031", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=20971008-20972031", 1024, 416, "InvalidPageRange")]
    [InlineData("bytes=9223372036854775296-9223372036854775807", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=99999999999999999999-99999999999999999999", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=1024-511", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=0-", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=-512", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=0-511,1024-1535", 1024, 416, "InvalidPageRange")]
    [InlineData("pages=0-511", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=a-b", 512, 416, "InvalidPageRange")]
    [InlineData("bytes=0-1023", 512, 400, "InvalidHeaderValue")]
    [InlineData("bytes=0-511", 1024, 400, "InvalidHeaderValue")]
    [InlineData("bytes=0-4194815", 4194816, 413, "RequestBodyTooLarge")]
    [InlineData(null, 512, 400, "MissingRequiredHeader")]
    public async Task A_page_range_that_cannot_be_written_is_refused(string? range, int length, int status, string code)
    {
        string before = await canary.Guest.ContentHashAsync(Size);
        (string, string)[] headers = range is null ? [("x-ms-page-write", "update")] : [("x-ms-page-write", "update"), ("x-ms-range", range)];
        using HttpResponseMessage answer = await canary.Guest.SendAsync(HttpMethod.Put, "page", new ByteArrayContent(World.Noise(61, length)), headers);
        await Canary.ShouldBeStorageErrorAsync(answer, status, code);
        (await canary.Guest.ContentHashAsync(Size)).ShouldBe(before);
    }

    [Theory]
    [InlineData("bytes=0-510")]
    [InlineData("bytes=256-767")]
    [InlineData("bytes=0-20972031")]
    [InlineData("bytes=20971520-20975615")]
    public async Task A_page_range_that_cannot_be_cleared_is_refused(string range)
    {
        string before = await canary.Guest.ContentHashAsync(Size);
        using HttpResponseMessage answer = await canary.Guest.SendAsync(HttpMethod.Put, "page", new ByteArrayContent([]), ("x-ms-page-write", "clear"), ("x-ms-range", range));
        await Canary.ShouldBeStorageErrorAsync(answer, 416, "InvalidPageRange");
        (await canary.Guest.ContentHashAsync(Size)).ShouldBe(before);
    }

    [Fact]
    public async Task A_wrong_checksum_leaves_the_page_as_it_was()
    {
        string before = await canary.Guest.ContentHashAsync(Size);
        foreach ((string name, string value, string code) in new[]
        {
            ("Content-MD5", Convert.ToBase64String(new byte[16]), "Md5Mismatch"), ("Content-MD5", "not base64!", "InvalidMd5"), ("Content-MD5", "AAAA", "InvalidMd5"),
            ("x-ms-content-crc64", Convert.ToBase64String(new byte[8]), "Crc64Mismatch"), ("x-ms-content-crc64", "AAAA", "InvalidCrc64"),
        })
        {
            var content = new ByteArrayContent(World.Noise(62, 512));
            if (name.StartsWith("Content", StringComparison.Ordinal))
                content.Headers.TryAddWithoutValidation(name, value);
            (string, string)[] headers = [("x-ms-page-write", "update"), ("x-ms-range", "bytes=0-511"), .. name.StartsWith("Content", StringComparison.Ordinal) ? Array.Empty<(string, string)>() : [(name, value)]];
            using HttpResponseMessage answer = await canary.Guest.SendAsync(HttpMethod.Put, "page", content, headers);
            await Canary.ShouldBeStorageErrorAsync(answer, 400, code);
        }
        (await canary.Guest.ContentHashAsync(Size)).ShouldBe(before);
    }

    [Fact]
    public async Task A_read_sas_does_not_write_and_a_snapshot_never_changes()
    {
        foreach ((RawBlob blob, int status, string code) in new[] { (canary.ReadOnly, 403, "AuthorizationPermissionMismatch") })
        {
            using HttpResponseMessage answer = await blob.SendAsync(HttpMethod.Put, "page", new ByteArrayContent(new byte[512]), ("x-ms-page-write", "update"), ("x-ms-range", "bytes=0-511"));
            await Canary.ShouldBeStorageErrorAsync(answer, status, code);
        }
        using HttpResponseMessage snapshot = await canary.Snapshot.SendAsync(HttpMethod.Put, "page", new ByteArrayContent(new byte[512]), ("x-ms-page-write", "update"), ("x-ms-range", "bytes=0-511"));
        await Canary.ShouldBeStorageErrorAsync(snapshot);
        await canary.ShouldBeUnchangedAsync();
    }

    [Theory]
    [InlineData("si", "00000000-0000-0000-0000-000000000000")]
    [InlineData("si", "")]
    [InlineData("sig", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D")]
    [InlineData("sig", "x")]
    [InlineData("sig", "")]
    [InlineData("sv", "1999-01-01")]
    [InlineData("sr", "c")]
    [InlineData("snapshot", "2020-01-01T00%3A00%3A00.0000000Z")]
    public async Task A_forged_sas_is_not_accepted(string field, string value)
    {
        string forged = string.Join('&', canary.Snapshot.Sas.Split('&').Select(part => part.Contains($"{field}=") ? $"{part[..(part.IndexOf($"{field}=", StringComparison.Ordinal) + field.Length + 1)]}{value}" : part));
        forged.ShouldNotBe(canary.Snapshot.Sas);
        using HttpResponseMessage get = await canary.World.Blob(forged).SendAsync(HttpMethod.Get, headers: ("x-ms-range", "bytes=0-511"));
        await Canary.ShouldBeStorageErrorAsync(get);
        ((int)get.StatusCode).ShouldBeOneOf(400, 403);
        using HttpResponseMessage head = await canary.World.Blob(forged).SendAsync(HttpMethod.Head);
        await Canary.ShouldBeStorageErrorAsync(head);
        head.Content.Headers.ContentType.ShouldBeNull("a client takes it for XML");
    }

    [Fact]
    public async Task No_sas_at_all_shows_nothing()
    {
        string bare = canary.Snapshot.Sas[..canary.Snapshot.Sas.IndexOf('?')];
        using HttpResponseMessage answer = await canary.World.Blob(bare).SendAsync(HttpMethod.Get);
        await Canary.ShouldBeStorageErrorAsync(answer);
    }

    [Theory]
    [InlineData("bytes=20972032-20972543", 416, "InvalidRange")]
    [InlineData("bytes=9223372036854775807-", 416, "InvalidRange")]
    public async Task Reading_behind_the_end_is_416_with_the_size(string range, int status, string code)
    {
        using HttpResponseMessage answer = await canary.Snapshot.SendAsync(HttpMethod.Get, headers: ("x-ms-range", range));
        await Canary.ShouldBeStorageErrorAsync(answer, status, code);
        answer.Content.Headers.ContentRange!.ToString().ShouldBe($"bytes */{Size + 512}");
    }

    [Theory]
    [InlineData("bytes=-512")]
    [InlineData("bytes=0-511,1024-1535")]
    [InlineData("lines=1-2")]
    [InlineData("bytes=z")]
    public async Task A_range_form_that_the_service_does_not_know_is_ignored(string range)
    {
        using HttpResponseMessage answer = await canary.Snapshot.SendAsync(HttpMethod.Get, headers: ("x-ms-range", range));
        ((int)answer.StatusCode).ShouldBe(200);
        answer.Content.Headers.ContentLength.ShouldBe(Size + 512);
    }

    [Theory]
    [InlineData("no url at all")]
    [InlineData("http://")]
    [InlineData("http://127.0.0.1:1/md-000000000000/000000000000/abcd?sv=2018-11-09&sr=bs&si=x&sig=y")]
    [InlineData("http://127.0.0.1:1/elsewhere")]
    public async Task A_diff_against_nothing_is_refused_and_never_a_full_list(string previous)
    {
        using HttpResponseMessage answer = await canary.Snapshot.SendAsync(HttpMethod.Get, "pagelist", null, ("x-ms-previous-snapshot-url", previous));
        await Canary.ShouldBeStorageErrorAsync(answer);
    }

    [Theory]
    [InlineData("&maxresults=0")]
    [InlineData("&maxresults=-1")]
    [InlineData("&maxresults=many")]
    [InlineData("&maxresults=1&marker=garbage")]
    [InlineData("&prevsnapshot=yesterday")]
    [InlineData("&prevsnapshot=http%3A%2F%2F127.0.0.1%2F")]
    public async Task A_bad_list_parameter_is_refused(string parameters)
    {
        using HttpResponseMessage answer = await canary.World.Blob(canary.Snapshot.Sas + parameters).SendAsync(HttpMethod.Get, "pagelist");
        await Canary.ShouldBeStorageErrorAsync(answer);
    }

    [Theory]
    [InlineData("PUT", null)]
    [InlineData("DELETE", null)]
    [InlineData("POST", null)]
    [InlineData("PATCH", null)]
    [InlineData("PUT", "snapshot")]
    [InlineData("PUT", "metadata")]
    [InlineData("PUT", "properties")]
    [InlineData("PUT", "lease")]
    [InlineData("PUT", "imaginary")]
    [InlineData("GET", "imaginary")]
    [InlineData("PUT", "incrementalcopy")]
    public async Task Operations_that_a_managed_disk_does_not_offer_are_refused(string method, string? comp)
    {
        using HttpResponseMessage answer = await canary.Guest.SendAsync(new HttpMethod(method), comp, method == "GET" ? null : new ByteArrayContent(new byte[512]));
        await Canary.ShouldBeStorageErrorAsync(answer);
        await canary.ShouldBeUnchangedAsync();
    }

    [Theory]
    [InlineData("x-ms-version", "tomorrow")]
    [InlineData("x-ms-page-write", "scribble")]
    public async Task A_malformed_header_is_refused(string name, string value)
    {
        (string, string)[] headers = [("x-ms-range", "bytes=0-511"), (name, value), .. name == "x-ms-page-write" ? Array.Empty<(string, string)>() : [("x-ms-page-write", "update")]];
        using HttpResponseMessage answer = await canary.Guest.SendAsync(HttpMethod.Put, "page", new ByteArrayContent(new byte[512]), headers);
        await Canary.ShouldBeStorageErrorAsync(answer, 400);
    }
}
