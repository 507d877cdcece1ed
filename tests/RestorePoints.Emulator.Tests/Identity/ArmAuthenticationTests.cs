using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using RestorePoints.Emulator.Identity;
using RestorePoints.Emulator.TestControl;
using RestorePoints.Emulator.Tests.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Identity;

public sealed class ArmAuthenticationTests(ArmAuthenticationTests.RequiringTokens required) : IClassFixture<ArmAuthenticationTests.RequiringTokens>, IDisposable
{
    private readonly TemporaryDirectory _temp = new();
    private readonly FrontDoor _door = required.Door;
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Optional_does_not_look_at_tokens()
    {
        await using FrontDoor door = await FrontDoor.StartAsync(_temp.Path);

        (await GetAsync(door, new AuthenticationHeaderValue("Bearer", "nonsense"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Required_asks_for_a_token_and_says_where_to_get_one()
    {

        (HttpStatusCode status, string? code, string challenge) = await GetAsync(_door, null);

        status.ShouldBe(HttpStatusCode.Unauthorized);
        code.ShouldBe("AuthenticationFailed");
        challenge.ShouldStartWith($"Bearer authorization_uri=\"{_door.Http.GetLeftPart(UriPartial.Authority)}/00000000-0000-0000-0000-00000000000a\"");
    }

    [Theory]
    [InlineData("https://localhost:11001/", "AuthenticationFailed", "Basic")]
    [InlineData("https://storage.azure.com/", "InvalidAuthenticationTokenAudience", "Bearer")]
    [InlineData("x\ny", "InvalidAuthenticationTokenAudience", "Bearer")]
    [InlineData("https://127.0.0.1:11001/", null, "Bearer")]
    [InlineData("https://management.azure.com", null, "Bearer")]
    [InlineData("https://management.core.windows.net/", null, "bearer")]
    public async Task The_audience_must_be_this_emulator_or_ARM(string audience, string? fault, string scheme)
    {
        string token = await IssueAsync(_door, audience, TimeProvider.System);

        (HttpStatusCode status, string? code, _) = await GetAsync(_door, new AuthenticationHeaderValue(scheme, token));

        code.ShouldBe(fault);
        status.ShouldBe(fault is null ? HttpStatusCode.OK : HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task An_expired_token_is_told_from_an_invalid_one()
    {
        string old = await IssueAsync(_door, "https://management.azure.com/", new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddHours(-2)));
        string good = await IssueAsync(_door, "https://management.azure.com/", TimeProvider.System);

        (await GetAsync(_door, new AuthenticationHeaderValue("Bearer", old))).Code.ShouldBe("ExpiredAuthenticationToken");
        (await GetAsync(_door, new AuthenticationHeaderValue("Bearer", good[..^8] + "AAAAAAAA"))).Code.ShouldBe("InvalidAuthenticationToken");
        (await GetAsync(_door, new AuthenticationHeaderValue("Bearer", "nonsense"))).Code.ShouldBe("InvalidAuthenticationToken");
    }

    [Fact]
    public async Task A_token_of_another_data_directory_is_invalid()
    {
        await using FrontDoor other = await FrontDoor.StartAsync(_temp.Path);
        string token = await IssueAsync(other, "https://management.azure.com/", TimeProvider.System);

        (await GetAsync(_door, new AuthenticationHeaderValue("Bearer", token))).Code.ShouldBe("InvalidAuthenticationToken");
    }

    [Fact]
    public async Task Moving_the_clock_does_not_end_tokens()
    {
        string token = await IssueAsync(_door, "https://management.azure.com/", TimeProvider.System);

        await _door.Services.GetRequiredService<ClockControl>().AdvanceAsync(TimeSpan.FromDays(60), Cancel);

        (await GetAsync(_door, new AuthenticationHeaderValue("Bearer", token))).Status.ShouldBe(HttpStatusCode.OK);
    }

    private static Task<string> IssueAsync(FrontDoor door, string audience, TimeProvider time) =>
        new TokenIssuer(door.Services.GetRequiredService<TokenSigningKey>(), door.Services.GetRequiredService<IOptions<EmulatorOptions>>(), time)
            .IssueAsync("https://localhost/adfs", "adfs", "app-1", audience, Cancel);

    private static async Task<(HttpStatusCode Status, string? Code, string Challenge)> GetAsync(FrontDoor door, AuthenticationHeaderValue? authorization)
    {
        using var client = new HttpClient { BaseAddress = door.Http };
        client.DefaultRequestHeaders.Authorization = authorization;
        using HttpResponseMessage answer = await client.GetAsync(new Uri("/subscriptions", UriKind.Relative), Cancel);
        string? code = answer.IsSuccessStatusCode ? null : (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("error").GetProperty("code").GetString();
        return (answer.StatusCode, code, answer.Headers.WwwAuthenticate.ToString());
    }

    public void Dispose() => _temp.Dispose();

    public sealed class RequiringTokens : IAsyncLifetime
    {
        private readonly TemporaryDirectory _temp = new();

        internal FrontDoor Door { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Door = await FrontDoor.StartAsync(_temp.Path, "--Emulator:Authentication=Required");

        public async ValueTask DisposeAsync()
        {
            await Door.DisposeAsync();
            _temp.Dispose();
        }
    }
}
