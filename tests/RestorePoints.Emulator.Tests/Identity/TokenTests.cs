using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using RestorePoints.Emulator.Tests.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Identity;

public sealed class TokenTests(SharedFrontDoor shared) : IClassFixture<SharedFrontDoor>, IDisposable
{
    private const string Tenant = "11111111-2222-3333-4444-555555555555";

    private readonly TemporaryDirectory _temp = new();
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData($"/{Tenant}/oauth2/v2.0/token", "scope", "https://localhost:1/.default", "https://localhost:1", $"/{Tenant}/v2.0", Tenant)]
    [InlineData("/adfs/oauth2/token?client-request-id=1", "scope", "https://localhost:1//.default", "https://localhost:1/", "/adfs", "00000000-0000-0000-0000-00000000000a")]
    [InlineData("/common/oauth2/token", "resource", "https://management.azure.com/", "https://management.azure.com/", "/common/v2.0", "00000000-0000-0000-0000-00000000000a")]
    public async Task A_token_has_the_claims_of_an_application_and_a_signature_of_the_published_key(
        string path, string parameter, string value, string audience, string issuer, string tenant)
    {
        FrontDoor door = shared.Door;
        using var client = new HttpClient { BaseAddress = door.Http };
        DateTime before = TimeProvider.System.GetUtcNow().UtcDateTime;

        (HttpStatusCode status, JsonElement body) = await PostAsync(client, path, new() { ["client_id"] = "app-1", ["client_secret"] = "any", ["grant_type"] = "client_credentials", [parameter] = value });

        status.ShouldBe(HttpStatusCode.OK);
        body.GetProperty("token_type").GetString().ShouldBe("Bearer");
        body.GetProperty("expires_in").GetInt32().ShouldBe(3599);
        body.GetProperty("ext_expires_in").GetInt32().ShouldBe(3599);
        string raw = body.GetProperty("access_token").GetString()!;
        var token = new JsonWebToken(raw);
        token.Issuer.ShouldBe(door.Http.GetLeftPart(UriPartial.Authority) + issuer);
        token.Audiences.ShouldBe([audience]);
        token.GetClaim("appid").Value.ShouldBe("app-1");
        token.GetClaim("tid").Value.ShouldBe(tenant);
        Guid.TryParse(token.GetClaim("oid").Value, out _).ShouldBeTrue();
        token.ValidTo.ShouldBeInRange(before.AddSeconds(3590), before.AddSeconds(3630));

        var keys = new JsonWebKeySet(await client.GetStringAsync(new Uri("/discovery/v2.0/keys", UriKind.Relative), Cancel));
        TokenValidationResult result = await new JsonWebTokenHandler().ValidateTokenAsync(raw,
            new TokenValidationParameters { IssuerSigningKeys = keys.GetSigningKeys(), ValidIssuer = token.Issuer, ValidAudience = audience });
        result.IsValid.ShouldBeTrue();
    }

    [Theory]
    [InlineData("password", "x", "unsupported_grant_type")]
    [InlineData(null, "x", "invalid_request")]
    [InlineData("client_credentials", null, "invalid_request")]
    public async Task What_is_not_supported_is_refused_in_the_form_of_OAuth(string? grantType, string? clientId, string error)
    {
        FrontDoor door = shared.Door;
        using var client = new HttpClient { BaseAddress = door.Http };
        Dictionary<string, string> form = [];
        if (grantType is not null)
            form["grant_type"] = grantType;
        if (clientId is not null)
            form["client_id"] = clientId;

        (HttpStatusCode status, JsonElement body) = await PostAsync(client, "/adfs/oauth2/token", form);

        status.ShouldBe(HttpStatusCode.BadRequest);
        body.GetProperty("error").GetString().ShouldBe(error);
        body.GetProperty("error_description").GetString().ShouldNotBeNull().ShouldStartWith("AADSTS");
    }

    [Fact]
    public async Task The_key_survives_a_restart()
    {
        string first, second;
        await using (FrontDoor door = await FrontDoor.StartAsync(_temp.Path))
            first = await KeysAsync(door);
        await using (FrontDoor door = await FrontDoor.StartAsync(_temp.Path))
            second = await KeysAsync(door);

        second.ShouldBe(first);
    }

    [Fact]
    public async Task Azure_Identity_gets_a_token_over_https_that_the_emulator_accepts()
    {
        await using FrontDoor door = await FrontDoor.StartAsync(_temp.Path, "--Emulator:Authentication=Required");
        using HttpClient client = door.TrustingClient();
        var credential = new ClientSecretCredential(Tenant, "app-1", "any", new ClientSecretCredentialOptions
        {
            AuthorityHost = door.Https,
            DisableInstanceDiscovery = true,
            Transport = new HttpClientTransport(client),
        });

        AccessToken token = await credential.GetTokenAsync(new TokenRequestContext([$"{door.Https}.default"]), Cancel);

        token.ExpiresOn.ShouldBeGreaterThan(TimeProvider.System.GetUtcNow().AddMinutes(50));
        client.DefaultRequestHeaders.Authorization = new("Bearer", token.Token);
        (await client.GetStringAsync(new Uri("/subscriptions", UriKind.Relative), Cancel)).ShouldBe("listed");
    }

    private static async Task<string> KeysAsync(FrontDoor door)
    {
        using var client = new HttpClient { BaseAddress = door.Http };
        return await client.GetStringAsync(new Uri("/discovery/v2.0/keys", UriKind.Relative), Cancel);
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(HttpClient client, string path, Dictionary<string, string> form)
    {
        using var content = new FormUrlEncodedContent(form);
        using HttpResponseMessage answer = await client.PostAsync(new Uri(path, UriKind.Relative), content, Cancel);
        return (answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    public void Dispose() => _temp.Dispose();
}
