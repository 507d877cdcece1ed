using System.Net;
using System.Security.Cryptography.X509Certificates;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>curl and others agree with a TLS port on HTTP/2, where the requests of a connection are side by side.</summary>
public sealed class Http2Tests(EmulatorFixture fixture)
{
    private const int Requests = 64;

    [Fact]
    public async Task Requests_side_by_side_on_one_connection_each_get_their_own_answer()
    {
        World world = await World.CreateAsync(fixture);
        string[] paths = [.. await Task.WhenAll(new[] { "a", "b" }.Select(async name => new Uri(await world.Arm.GuestAccessAsync(await world.EmptyDiskAsync(name))).PathAndQuery))];
        using var handler = new SocketsHttpHandler { UseProxy = false, EnableMultipleHttp2Connections = false };
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { X509Certificate2.CreateFromPem(await fixture.Http.GetStringAsync(new Uri("/emulator/tls/ca.pem", UriKind.Relative), TestContext.Current.CancellationToken)) },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        using var client = new HttpClient(handler) { BaseAddress = fixture.Emulator.Https, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        HttpStatusCode[] answers = await Task.WhenAll(Enumerable.Range(0, Requests).Select(async number =>
        {
            // Every fourth has a URL that nobody handed out.
            string url = paths[number % 2] + (number % 4 == 3 ? "&sp=r" : "");
            using HttpResponseMessage answer = await client.GetAsync(new Uri(url + "&comp=pagelist", UriKind.Relative), TestContext.Current.CancellationToken);
            return answer.StatusCode;
        }));

        answers.ShouldBe(Enumerable.Range(0, Requests).Select(number => number % 4 == 3 ? HttpStatusCode.Forbidden : HttpStatusCode.OK));
    }
}
