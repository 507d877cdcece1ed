using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using RestorePoints.Emulator.Tests.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Identity;

public sealed class IdentityDocumentTests(SharedFrontDoor shared) : IClassFixture<SharedFrontDoor>, IDisposable
{
    private readonly FrontDoor _door = shared.Door;
    private readonly HttpClient _client = shared.Door.TrustingClient();

    private string Base => _door.Https.GetLeftPart(UriPartial.Authority);
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Metadata_of_2015_is_one_object() =>
        (await _client.GetStringAsync(new Uri("/metadata/endpoints?api-version=2015-01-01", UriKind.Relative), Cancel)).ShouldBe(
            $$$"""{"galleryEndpoint":"{{{Base}}}/","graphEndpoint":"{{{Base}}}/","portalEndpoint":"{{{Base}}}/","authentication":{"loginEndpoint":"{{{Base}}}/adfs","audiences":["{{{Base}}}/"]}}""");

    [Theory]
    [InlineData("2018-05-01")]
    [InlineData("2019-05-01")]
    [InlineData("2022-09-01-preview")]
    public async Task Metadata_from_2018_on_is_an_array_of_clouds(string version)
    {
        JsonElement cloud = (await GetAsync($"/metadata/endpoints?api-version={version}")).EnumerateArray().ShouldHaveSingleItem();

        foreach (string name in (string[])["portal", "resourceManager", "graph", "graphAudience"])
            cloud.GetProperty(name).GetString().ShouldBe($"{Base}/");
        cloud.GetProperty("name").GetString().ShouldNotBeNullOrEmpty();
        JsonElement authentication = cloud.GetProperty("authentication");
        authentication.GetProperty("loginEndpoint").GetString().ShouldBe($"{Base}/adfs");
        authentication.GetProperty("audiences")[0].GetString().ShouldBe($"{Base}/");
        authentication.GetProperty("tenant").GetString().ShouldBe("common");
        authentication.GetProperty("identityProvider").GetString().ShouldBe("ADFS");
        cloud.GetProperty("suffixes").ValueKind.ShouldBe(JsonValueKind.Object);
    }

    [Theory]
    [InlineData("/metadata/endpoints", "MissingApiVersionParameter")]
    [InlineData("/metadata/endpoints?api-version=new", "InvalidApiVersionParameter")]
    public async Task Metadata_needs_an_api_version(string path, string code)
    {
        using HttpResponseMessage answer = await _client.GetAsync(new Uri(path, UriKind.Relative), Cancel);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("error").GetProperty("code").GetString().ShouldBe(code);
    }

    [Theory]
    [InlineData("/adfs", "/adfs", "/adfs/oauth2/token", "/adfs/discovery/keys")]
    [InlineData("/11111111-2222-3333-4444-555555555555/v2.0", "/11111111-2222-3333-4444-555555555555/v2.0",
        "/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token", "/11111111-2222-3333-4444-555555555555/discovery/v2.0/keys")]
    public async Task The_openid_configuration_leads_to_token_and_keys(string authority, string issuer, string token, string keys)
    {
        JsonElement document = await GetAsync($"{authority}/.well-known/openid-configuration");

        document.GetProperty("issuer").GetString().ShouldBe(Base + issuer);
        document.GetProperty("token_endpoint").GetString().ShouldBe(Base + token);
        document.GetProperty("jwks_uri").GetString().ShouldBe(Base + keys);
        (await GetAsync(keys)).GetProperty("keys")[0].GetProperty("kty").GetString().ShouldBe("RSA");
    }

    [Fact]
    public async Task Urls_are_those_of_the_request()
    {
        using var plain = new HttpClient { BaseAddress = new Uri($"http://localhost:{_door.Http.Port}") };

        JsonElement document = await plain.GetFromJsonAsync<JsonElement>("/adfs/.well-known/openid-configuration", Cancel);

        document.GetProperty("issuer").GetString().ShouldBe($"http://localhost:{_door.Http.Port}/adfs");
    }

    private async Task<JsonElement> GetAsync(string path) => await _client.GetFromJsonAsync<JsonElement>(path, Cancel);

    public void Dispose() => _client.Dispose();
}
