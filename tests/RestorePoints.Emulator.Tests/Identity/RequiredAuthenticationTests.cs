using System.Net.Http.Json;
using System.Text.Json;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Identity;

/// <summary>With <c>Authentication=Required</c> no ARM route answers without a token of the subscription's tenant.</summary>
public sealed class RequiredAuthenticationTests(RequiredAuthenticationTests.Server server) : IClassFixture<RequiredAuthenticationTests.Server>
{
    private const string Tenant = "00000000-0000-0000-0000-00000000000a", Subscription = "/subscriptions/00000000-0000-0000-0000-000000000001";
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "/subscriptions")]
    [InlineData("GET", "/tenants")]
    [InlineData("GET", "/providers/Microsoft.Compute")]
    [InlineData("GET", "{s}")]
    [InlineData("GET", "{s}/locations")]
    [InlineData("GET", "{s}/providers")]
    [InlineData("POST", "{s}/providers/Microsoft.Compute/register")]
    [InlineData("GET", "{s}/resources")]
    [InlineData("GET", "{s}/resourceGroups")]
    [InlineData("PUT", "{s}/resourceGroups/g")]
    [InlineData("HEAD", "{s}/resourceGroups/g")]
    [InlineData("GET", "{s}/resourceGroups/g/resources")]
    [InlineData("GET", "{s}/operationresults/x")]
    [InlineData("GET", "{s}/providers/Microsoft.Authorization/locks")]
    [InlineData("PUT", "{s}/resourceGroups/g/providers/Microsoft.Authorization/locks/l")]
    [InlineData("DELETE", "{c}/disks/d/providers/Microsoft.Authorization/locks/l")]
    [InlineData("GET", "{s}/providers/Microsoft.Features/features")]
    [InlineData("POST", "{s}/providers/Microsoft.Features/providers/Microsoft.Compute/features/f/register")]
    [InlineData("GET", "{c}/disks")]
    [InlineData("PUT", "{c}/disks/d")]
    [InlineData("HEAD", "{c}/disks/d")]
    [InlineData("POST", "{c}/disks/d/beginGetAccess")]
    [InlineData("GET", "{s}/providers/Microsoft.Compute/snapshots")]
    [InlineData("GET", "{c}/snapshots")]
    [InlineData("GET", "{c}/snapshots/s")]
    [InlineData("PUT", "{c}/snapshots/s")]
    [InlineData("PATCH", "{c}/snapshots/s")]
    [InlineData("DELETE", "{c}/snapshots/s")]
    [InlineData("HEAD", "{c}/snapshots/s")]
    [InlineData("POST", "{c}/snapshots/s/beginGetAccess")]
    [InlineData("POST", "{c}/snapshots/s/endGetAccess")]
    [InlineData("GET", "{c}/virtualMachines")]
    [InlineData("DELETE", "{c}/restorePointCollections/c/restorePoints/p")]
    [InlineData("GET", "{c}/restorePointCollections/c/restorePoints/p/diskRestorePoints")]
    [InlineData("GET", "{s}/providers/Microsoft.Compute/locations/westeurope/operations/x")]
    [InlineData("GET", "{s}/nowhere")]
    [InlineData("PATCH", "{s}/providers")]
    public async Task Every_route_asks_for_a_token(string method, string path)
    {
        string target = path.Replace("{s}", Subscription).Replace("{c}", $"{Subscription}/resourceGroups/g/providers/Microsoft.Compute");
        ArmResponse answer = await SendAsync(method, target, null);
        answer.Status.ShouldBe(401, answer.Text);
        answer.Header("WWW-Authenticate").ShouldNotBeNull().ShouldStartWith($"Bearer authorization_uri=\"{server.Base}/{Tenant}\"");
        if (method == "HEAD")
            return;
        answer.ErrorCode.ShouldBe("AuthenticationFailed");
        answer["error.message"].ShouldBe("Authentication failed. The 'Authorization' header is missing.");
    }

    [Theory]
    [InlineData(Tenant + "/oauth2/v2.0", 200, null)]
    [InlineData("adfs/oauth2", 200, null)]
    [InlineData("11111111-2222-3333-4444-555555555555/oauth2/v2.0", 401, "InvalidAuthenticationTokenTenant")]
    public async Task A_token_of_another_tenant_is_from_the_wrong_issuer(string authority, int status, string? code)
    {
        string token = await TokenAsync(authority, $"{server.Base}/.default");
        ArmResponse answer = await SendAsync("GET", $"{Subscription}/resourceGroups", token);
        answer.Status.ShouldBe(status, answer.Text);
        answer.ErrorCode.ShouldBe(code);
        if (code is not null)
            answer["error.message"].ShouldNotBeNull().ShouldStartWith($"The access token is from the wrong issuer '{server.Base}/11111111-2222-3333-4444-555555555555/v2.0'. "
                + $"It must match the tenant '{server.Base}/{Tenant}/' associated with this subscription. Please use the authority (URL) '{server.Base}/{Tenant}' to get the token.");
        (await SendAsync("GET", "/subscriptions", token)).Status.ShouldBe(200, "no subscription, no tenant to match");
    }

    [Fact]
    public async Task A_token_for_something_else_names_the_allowed_audiences()
    {
        ArmResponse answer = await SendAsync("GET", Subscription, await TokenAsync($"{Tenant}/oauth2/v2.0", "https://storage.azure.com/.default"));
        answer.Status.ShouldBe(401);
        answer.ErrorCode.ShouldBe("InvalidAuthenticationTokenAudience");
        answer["error.message"].ShouldBe("The access token has been obtained for wrong audience or resource 'https://storage.azure.com'. It should exactly match with one of the allowed audiences "
            + $"'{server.Base}/','{server.Base}','https://management.azure.com/','https://management.azure.com','https://management.core.windows.net/','https://management.core.windows.net'.");
    }

    [Fact]
    public async Task Logging_in_and_the_emulators_own_endpoints_need_no_token()
    {
        foreach (string path in new[] { "/metadata/endpoints?api-version=2015-01-01", "/metadata/endpoints?api-version=2019-05-01", "/adfs/.well-known/openid-configuration",
            $"/{Tenant}/v2.0/.well-known/openid-configuration", "/emulator/health", "/emulator/tls/ca.pem" })
        {
            using HttpResponseMessage answer = await server.Http.GetAsync(new Uri(path, UriKind.Relative), Cancel);
            ((int)answer.StatusCode).ShouldBe(200, path);
        }
    }

    private Task<ArmResponse> SendAsync(string method, string path, string? token)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), $"{path}?api-version={RawArm.VersionOf(path)}");
        if (token is not null)
            request.Headers.Authorization = new("Bearer", token);
        return new RawArm(server.Http, Guid.Empty).SendAsync(request);
    }

    private async Task<string> TokenAsync(string authority, string scope)
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["client_id"] = "app", ["client_secret"] = "any", ["scope"] = scope });
        using HttpResponseMessage answer = await server.Http.PostAsync(new Uri($"/{authority}/token", UriKind.Relative), form, Cancel);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("access_token").GetString()!;
    }

    public sealed class Server : IAsyncLifetime
    {
        private readonly TemporaryDirectory _directory = new();
        private EmulatorProcess _emulator = null!;

        public HttpClient Http { get; private set; } = null!;

        public string Base => _emulator.Http.GetLeftPart(UriPartial.Authority);

        public async ValueTask InitializeAsync()
        {
            _emulator = await EmulatorProcess.StartAsync(_directory.Path, "--Emulator:Authentication=Required");
            Http = EmulatorFixture.NewClient(_emulator);
        }

        public async ValueTask DisposeAsync()
        {
            Http?.Dispose();
            if (_emulator is not null)
                await _emulator.DisposeAsync();
            _directory.Dispose();
        }
    }
}
