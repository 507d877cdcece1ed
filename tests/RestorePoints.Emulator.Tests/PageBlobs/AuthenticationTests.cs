using System.Net;
using System.Xml.Linq;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class AuthenticationTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const string Message = "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.";

    [Fact]
    public async Task A_granted_url_opens_the_disk()
    {
        string url = await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Read);
        (await (await server.GetAsync(url)).BytesAsync(HttpStatusCode.OK)).Length.ShouldBe((1 << 20) + 512);
    }

    [Fact]
    public async Task The_order_of_the_query_does_not_matter_and_unknown_items_are_ignored()
    {
        string url = await server.GrantAsync(await server.NewPointAsync(await server.NewDiskAsync(1 << 20)));
        string[] parts = url.Split('?');
        string reordered = $"{parts[0]}?timeout=30&_=1&{string.Join('&', parts[1].Split('&').Reverse())}";
        (await server.GetAsync(reordered)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_revoked_url_fails_at_once()
    {
        Disk disk = await server.NewDiskAsync(1 << 20);
        string url = await server.GrantAsync(disk, AccessKind.Read);
        await server.RevokeAsync(disk.Id);
        await ShouldBeRefusedAsync(url, "SAS identifier cannot be found for specified signed identifier");
    }

    [Fact]
    public async Task An_expired_url_tells_its_time_frame()
    {
        DateTimeOffset start = server.Clock.GetUtcNow();
        string url = await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Read, TimeSpan.FromHours(1));
        (await server.GetAsync(url)).StatusCode.ShouldBe(HttpStatusCode.OK);
        server.Clock.Advance(TimeSpan.FromHours(2));
        string detail = await ShouldBeRefusedAsync(url, "Signature not valid in the specified time frame: Start [");
        detail.ShouldContain($" - Expiry [{start.AddHours(1):R}] - Current [");
    }

    [Fact]
    public async Task A_changed_signature_tells_what_to_sign_but_not_the_signature()
    {
        string url = await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Read);
        string wrong = url[..(url.IndexOf("sig=", StringComparison.Ordinal) + 4)] + Uri.EscapeDataString(Convert.ToBase64String(new byte[32]));
        string detail = await ShouldBeRefusedAsync(wrong, "Signature did not match. String to sign used was \n\n\n/blob/md-");
        detail.ShouldEndWith("\n\n\n2018-03-28\n\n\n\n\n");
    }

    [Theory]
    [InlineData("&sp=r", "Access policy fields can be associated with signature or SAS identifier but not both")]
    [InlineData("&se=2030-01-01", "Access policy fields can be associated with signature or SAS identifier but not both")]
    [InlineData("&sip=", "sip is optional but cannot be empty")]
    [InlineData("&spr=https", "Signature did not match.")]
    public async Task Fields_that_were_not_issued_spoil_the_url(string more, string detail)
    {
        string url = await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Read);
        await ShouldBeRefusedAsync(url + more, detail);
    }

    [Theory]
    [InlineData("sig", "sig is mandatory. Cannot be empty")]
    [InlineData("sv", "sv is mandatory. Cannot be empty")]
    [InlineData("sr", "sr is mandatory. Cannot be empty")]
    [InlineData("si", "Signature fields not well formed.")]
    [InlineData("snapshot", "Signature did not match.")]
    public async Task A_field_that_is_missing_is_named(string field, string detail)
    {
        string url = await server.GrantAsync(await server.NewPointAsync(await server.NewDiskAsync(1 << 20)));
        string[] parts = url.Split('?');
        await ShouldBeRefusedAsync($"{parts[0]}?{string.Join('&', parts[1].Split('&').Where(item => !item.StartsWith($"{field}=", StringComparison.Ordinal)))}", detail);
    }

    [Fact]
    public async Task A_signature_of_another_size_is_named()
    {
        string url = await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Read);
        await ShouldBeRefusedAsync(url[..(url.IndexOf("sig=", StringComparison.Ordinal) + 4)] + "AAAA", "Signature size is invalid");
    }

    [Fact]
    public async Task A_url_does_not_open_another_blob()
    {
        Disk disk = await server.NewDiskAsync(1 << 20);
        string older = await server.GrantAsync(await server.NewPointAsync(disk));
        string newer = await server.GrantAsync(await server.NewPointAsync(disk));
        string other = await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Read);
        await ShouldBeRefusedAsync(older.Replace(SnapshotOf(older), SnapshotOf(newer)), "Signature did not match.");
        await ShouldBeRefusedAsync($"{other.Split('?')[0]}?{older.Split('?')[1]}", "Signature did not match.");
        await ShouldBeRefusedAsync(older.Replace("/abcd?", "/abce?"), "Signature did not match.");

        static string SnapshotOf(string url) => url.Split("snapshot=")[1].Split('&')[0];
    }

    [Fact]
    public async Task Without_a_sas_the_blob_does_not_exist()
    {
        string url = (await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Read)).Split('?')[0];
        await (await server.GetAsync(url)).ShouldFailAsync(404, "ResourceNotFound");
    }

    [Fact]
    public async Task A_read_sas_permits_no_write()
    {
        string url = await server.GrantAsync(await server.NewPointAsync(await server.NewDiskAsync(1 << 20)));
        await (await server.PutPageAsync(url, 0, new byte[512])).ShouldFailAsync(403, "AuthorizationPermissionMismatch");
        await (await server.SendAsync(HttpMethod.Delete, url)).ShouldFailAsync(403, "AuthorizationPermissionMismatch");
    }

    [Fact]
    public async Task The_same_snapshot_twice_counts_once_and_two_snapshots_are_refused()
    {
        string url = await server.GrantAsync(await server.NewPointAsync(await server.NewDiskAsync(1 << 20)));
        string snapshot = url.Split('?')[1].Split('&')[0];
        (await server.GetAsync($"{url}&{Uri.UnescapeDataString(snapshot)}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        XElement error = await (await server.GetAsync($"{url}&snapshot=2020-01-01T00:00:00.0000000Z")).ShouldFailAsync(400, "InvalidQueryParameterValue");
        error.Element("QueryParameterName")!.Value.ShouldBe("snapshot");
    }

    [Fact]
    public async Task The_host_may_name_the_account_instead_of_the_path()
    {
        var url = new Uri(await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Read));
        string[] segments = url.AbsolutePath.Split('/');
        HttpResponseMessage response = await server.GetAsync($"{server.BaseUrl}/{segments[2]}/{segments[3]}{url.Query}", ("Host", $"{segments[1]}.z31.blob.storage.localhost"));
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Grants_and_revocations_survive_a_restart()
    {
        await using var own = new PageBlobServer();
        await own.InitializeAsync();
        Disk disk = await own.NewDiskAsync(1 << 20);
        DiskRestorePoint point = await own.NewPointAsync(disk);
        string kept = await own.GrantAsync(point);
        string revoked = await own.GrantAsync(disk, AccessKind.Read);
        string? etag = (await own.GetAsync(kept)).Header("ETag");
        await own.RevokeAsync(disk.Id);

        await own.RestartAsync();
        HttpResponseMessage response = await own.GetAsync(kept);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Header("ETag").ShouldBe(etag);
        own.Grants.UrlOf(own.Grants.FindByResource(point.Id).Single()).ShouldBe(kept);
        await (await own.GetAsync(revoked)).ShouldFailAsync(403, "AuthenticationFailed");
    }

    private async Task<string> ShouldBeRefusedAsync(string url, string detail)
    {
        XElement error = await (await server.GetAsync(url)).ShouldFailAsync(403, "AuthenticationFailed");
        error.Element("Message")!.Value.ShouldStartWith(Message);
        string actual = error.Element("AuthenticationErrorDetail")!.Value;
        actual.ShouldStartWith(detail);
        return actual;
    }
}
