using System.Net;
using System.Text.Json;
using System.Xml.Linq;
using Azure.Storage.Blobs.Models;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.Tests.Clients;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>dataAccessAuthMode AzureActiveDirectory: a token of this emulator beside the SAS.</summary>
public sealed class DiskTokenTests(EmulatorFixture fixture)
{
    private const string Tenant = "00000000-0000-0000-0000-00000000000a";
    private const string Scope = "https://disk.azure.com//.default";

    [Theory]
    [InlineData("disk")]
    [InlineData("snapshot")]
    public async Task A_url_opens_with_a_token_for_disks_and_without_one_tells_where_to_get_it(string kind)
    {
        World world = await World.CreateAsync(fixture);
        (string path, RawBlob blob) = await NewProtectedAsync(world, kind);
        HttpResponseMessage response = await blob.SendAsync(HttpMethod.Get);
        XElement error = await response.ShouldFailAsync(401, "NoAuthenticationInformation");
        error.Element("Message")!.Value.ShouldStartWith("Server failed to authenticate the request. Please refer to the information in the www-authenticate header.\n");
        response.Header("WWW-Authenticate").ShouldBe($"Bearer authorization_uri={Authority()}/{Tenant}/oauth2/authorize resource_id=https://disk.azure.com/");
        HttpResponseMessage head = await blob.SendAsync(HttpMethod.Head);
        (head.StatusCode, head.Header("x-ms-error-code"), head.Header("Content-Type")).ShouldBe((HttpStatusCode.Unauthorized, "NoAuthenticationInformation", null));
        head.Header("WWW-Authenticate").ShouldBe(response.Header("WWW-Authenticate"));

        (await blob.SendAsync(HttpMethod.Head, headers: ("Authorization", $"Bearer {await TokenAsync(Scope)}"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        await world.Arm.SucceedAsync(world.Arm.PatchAsync(path, """{"properties":{"dataAccessAuthMode":"None"}}"""));
        (await blob.SendAsync(HttpMethod.Head)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await (await world.GuestAsync(world.Disk("d"))).SendAsync(HttpMethod.Head)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Another_token_is_refused_with_what_is_wrong_with_it()
    {
        RawBlob blob = (await NewProtectedAsync(await World.CreateAsync(fixture), "disk")).Blob;
        string token = await TokenAsync(Scope);
        await ShouldBeRefusedAsync($"Bearer {await TokenAsync("https://storage.azure.com/.default")}", "Audience validation failed. Audience did not match.");
        await ShouldBeRefusedAsync($"Bearer {await TokenAsync("https://management.azure.com/.default")}", "Audience validation failed. Audience did not match.");
        await ShouldBeRefusedAsync($"Bearer {await TokenAsync(Scope, Guid.NewGuid().ToString())}", "Issuer validation failed. Issuer did not match.");
        await ShouldBeRefusedAsync($"Bearer {token[..^8]}AAAAAAAA", "Signature validation failed.");
        await ShouldBeRefusedAsync("Bearer secret", "Signature validation failed.");
        await (await blob.SendAsync(HttpMethod.Get, headers: ("Authorization", "Bearer "))).ShouldFailAsync(401, "NoAuthenticationInformation");
        await (await blob.SendAsync(HttpMethod.Get, headers: ("Authorization", "SharedKey account:secret"))).ShouldFailAsync(401, "NoAuthenticationInformation");

        async Task ShouldBeRefusedAsync(string authorization, string detail)
        {
            HttpResponseMessage response = await blob.SendAsync(HttpMethod.Get, headers: ("Authorization", authorization));
            XElement error = await response.ShouldFailAsync(401, "InvalidAuthenticationInfo");
            error.Element("AuthenticationErrorDetail")!.Value.ShouldBe(detail);
            error.ToString().ShouldNotContain("secret");
            response.Header("WWW-Authenticate")!.ShouldContain("resource_id=https://disk.azure.com/");
        }
    }

    [Fact]
    public async Task An_expired_token_is_refused()
    {
        await using var server = new PageBlobServer();
        await server.InitializeAsync();
        Disk disk = await server.NewDiskAsync(1 << 20);
        string url = await server.GrantAsync(disk, AccessKind.Read);
        server.Grants.Change(disk.Id, new AccessRules(null, null, NeedsToken: true));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        (await server.GetAsync(url, ("Authorization", $"Bearer {await server.TokenAsync("https://disk.azure.com/", now.AddMinutes(-1))}"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        HttpResponseMessage response = await server.GetAsync(url, ("Authorization", $"Bearer {await server.TokenAsync("https://disk.azure.com/", now.AddHours(-2))}"));
        XElement error = await response.ShouldFailAsync(401, "InvalidAuthenticationInfo");
        error.Element("AuthenticationErrorDetail")!.Value.ShouldBe("Lifetime validation failed. The token is expired.");
    }

    [Fact]
    public async Task A_url_in_a_header_needs_the_token_of_its_own_resource()
    {
        World world = await World.CreateAsync(fixture);
        (string snapshot, RawBlob older) = await NewProtectedAsync(world, "snapshot");
        RawBlob newer = world.Blob(await world.Arm.GrantAsync(await world.SnapshotAsync("s2", world.Disk("d"), incremental: true))), guest = await world.GuestAsync(world.Disk("d"));
        string token = $"Bearer {await TokenAsync(Scope)}";
        (string, string) previous = ("x-ms-previous-snapshot-url", older.Sas);
        await (await newer.SendAsync(HttpMethod.Get, "pagelist", null, previous)).ShouldFailAsync(401, "NoAuthenticationInformation");
        (await newer.SendAsync(HttpMethod.Get, "pagelist", null, previous, ("Authorization", token))).StatusCode.ShouldBe(HttpStatusCode.OK);

        (string, string)[] copy = [("x-ms-page-write", "update"), ("x-ms-range", "bytes=0-511"), ("x-ms-source-range", "bytes=0-511"), ("x-ms-copy-source", older.Sas)];
        using var nothing = new ByteArrayContent([]);
        await (await guest.SendAsync(HttpMethod.Put, "page", nothing, copy)).ShouldFailAsync(401, "CannotVerifyCopySource");
        using var again = new ByteArrayContent([]);
        (await guest.SendAsync(HttpMethod.Put, "page", again, [.. copy, ("x-ms-copy-source-authorization", token)])).StatusCode.ShouldBe(HttpStatusCode.Created);
        await world.Arm.RevokeAsync(snapshot);
    }

    /// <summary>Without an audience of its own, the client first sends a token for storage and then follows the challenge.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("https://disk.azure.com/")]
    public async Task The_vendors_client_reads_a_protected_disk_over_https(string? audience)
    {
        World world = await World.CreateAsync(fixture);
        RawBlob blob = (await NewProtectedAsync(world, "disk")).Blob;
        AzureClients clients = await AzureClients.CreateAsync(fixture.Emulator);
        var url = new Uri(fixture.Emulator.Https!, new Uri(blob.Sas).PathAndQuery);
        BlobProperties properties = await clients.PageBlobWithToken(url, audience is null ? default(BlobAudience?) : new BlobAudience(audience)).GetPropertiesAsync(cancellationToken: TestContext.Current.CancellationToken);
        properties.ContentLength.ShouldBe((1L << 30) + 512);
    }

    /// <summary>A disk "d", or an incremental snapshot of one, that needs a token.</summary>
    private static async Task<(string Path, RawBlob Blob)> NewProtectedAsync(World world, string kind)
    {
        const string mode = ",\"dataAccessAuthMode\":\"AzureActiveDirectory\"";
        string path = world.Disk("d");
        await world.Arm.SucceedAsync(world.Arm.PutAsync(path, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1" + (kind == "disk" ? mode : ""))));
        if (kind == "snapshot")
            await world.Arm.SucceedAsync(world.Arm.PutAsync(world.Snapshot("s"), World.SnapshotBody(path, ",\"incremental\":true" + mode)));
        path = kind == "disk" ? path : world.Snapshot("s");
        return (path, world.Blob(await world.Arm.GrantAsync(path)));
    }

    private string Authority() => fixture.Emulator.Http.GetLeftPart(UriPartial.Authority);

    private async Task<string> TokenAsync(string scope, string tenant = Tenant)
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["client_id"] = "a", ["client_secret"] = "b", ["scope"] = scope });
        using HttpResponseMessage response = await fixture.Http.PostAsync(new Uri($"/{tenant}/oauth2/v2.0/token", UriKind.Relative), form);
        using JsonDocument body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return body.RootElement.GetProperty("access_token").GetString()!;
    }
}
