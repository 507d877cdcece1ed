using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.Extensions.DependencyInjection;
using RestorePoints.Emulator.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class TlsEndpointTests : IDisposable
{
    private readonly TemporaryDirectory _temp = new();
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    public async Task A_client_with_the_authority_from_plain_http_accepts_every_name(string host)
    {
        await using FrontDoor door = await FrontDoor.StartAsync(_temp.Path);
        using var plain = new HttpClient { BaseAddress = door.Http };
        using HttpResponseMessage authority = await plain.GetAsync(new Uri("/emulator/tls/ca.pem", UriKind.Relative), Cancel);
        authority.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = FrontDoor.Trusting(await authority.Content.ReadAsStringAsync(Cancel)) },
        };
        using var client = new HttpClient(handler);

        using HttpResponseMessage answer = await client.GetAsync(new Uri($"https://{host}:{door.Https.Port}/emulator/health"), Cancel);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.Contains("Server").ShouldBeFalse();
    }

    [Fact]
    public async Task A_client_without_it_does_not()
    {
        await using FrontDoor door = await FrontDoor.StartAsync(_temp.Path);
        using var client = new HttpClient();

        HttpRequestException failure = await Should.ThrowAsync<HttpRequestException>(() => client.GetAsync(new Uri(door.Https, "/emulator/health"), Cancel));

        failure.InnerException.ShouldBeOfType<AuthenticationException>();
    }

    [Fact]
    public async Task With_an_own_certificate_there_is_no_authority_to_fetch()
    {
        TlsCertificates.Open(_temp.Path, new EmulatorOptions(), TimeProvider.System).Dispose();
        await using FrontDoor door = await FrontDoor.StartAsync(_temp.File("data"),
            $"--Emulator:Tls:CertificatePath={_temp.File("tls", "server.pem")}", $"--Emulator:Tls:KeyPath={_temp.File("tls", "server.key.pem")}");
        using var plain = new HttpClient { BaseAddress = door.Http };

        using HttpResponseMessage answer = await plain.GetAsync(new Uri("/emulator/tls/ca.pem", UriKind.Relative), Cancel);

        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        door.Services.GetRequiredService<TlsCertificates>().AuthorityPem.ShouldBeNull();
    }

    public void Dispose() => _temp.Dispose();
}
