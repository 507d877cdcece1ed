using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.Tests.PageBlobs;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

/// <summary>A server with an HTTP and an HTTPS port and few places for connections.</summary>
public sealed class ConnectionQueueTests : IAsyncLifetime
{
    private const int Places = 6;

    /// <summary>Each listener holds the place of the connection that it waits for.</summary>
    private const int Waiting = Places - 2;

    /// <summary>The connections to one port; the other listener keeps its place.</summary>
    private const int MostAtOnePort = Places - 1;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory _directory = new();
    private readonly SemaphoreSlim _free = new(Places);
    private readonly KeptLog _log = new();
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _inputEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TlsCertificates _certificates = null!;
    private WebApplication _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Uri Http => new(_app.Urls.First(url => url.StartsWith("http:", StringComparison.Ordinal)));

    private Uri Https => new(_app.Urls.First(url => url.StartsWith("https:", StringComparison.Ordinal)));

    public async ValueTask InitializeAsync()
    {
        _certificates = TlsCertificates.Open(_directory.Path, new EmulatorOptions(), TimeProvider.System);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(_log);
        builder.Services.AddSingleton<IConnectionListenerFactory>(services => new ConnectionQueue(
            ActivatorUtilities.CreateInstance<SocketTransportFactory>(services), _free, services.GetRequiredService<ILogger<ConnectionQueue>>()));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = _certificates.Server,
                ServerCertificateChain = _certificates.Intermediates,
            }));
        });
        _app = builder.Build();
        _app.MapGet("/", () => "served");
        _app.MapGet("/held", HoldAsync);
        await _app.StartAsync(Stop);
        await ShouldBeFreeAsync(Waiting);
    }

    public async ValueTask DisposeAsync()
    {
        _release.TrySetResult();
        await _app.DisposeAsync();
        _certificates.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("closed by the server")]
    [InlineData("closed by the client")]
    [InlineData("reset")]
    [InlineData("reset in a request")]
    [InlineData("silent")]
    [InlineData("no TLS")]
    [InlineData("reset in the TLS handshake")]
    [InlineData("TLS refused by the client")]
    [InlineData("TLS")]
    public async Task A_connection_that_ended_gives_its_place_back(string how)
    {
        for (int i = 0; i < 3 * Places; i++)
            await ConnectAsync(how);
        await ShouldBeFreeAsync(Waiting);
        using RawConnection last = await ServedAsync();
    }

    [Fact]
    public async Task One_whose_client_only_reads_any_more_keeps_its_place_until_it_is_closed()
    {
        using RawConnection connection = await RawConnection.OpenAsync(Http);
        await connection.SendAsync("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
        (await connection.ReceiveAsync(new byte[1])).ShouldBe(1);
        connection.EndSending();
        await _inputEnded.Task.WaitAsync(Patience, TimeProvider.System, Stop);
        _free.CurrentCount.ShouldBe(Waiting - 1);
        _release.SetResult();
        await ShouldBeFreeAsync(Waiting);
    }

    [Fact]
    public async Task Without_a_place_a_connection_waits_for_the_end_of_another_and_the_log_says_so_once()
    {
        List<RawConnection> open = [];
        for (int i = 0; i < MostAtOnePort; i++)
            open.Add(await ServedAsync());
        await ShouldBeFreeAsync(0);
        for (int i = 0; i < 3; i++)
        {
            RawConnection waiting = await RawConnection.OpenAsync(Http);
            await waiting.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            Task<RawAnswer?> answering = waiting.AnswerAsync("GET");
            await AskAsync(open[^1]);
            answering.IsCompleted.ShouldBeFalse("only those that are open are served");
            open[0].Dispose();
            open.RemoveAt(0);
            (await answering).ShouldNotBeNull().Status.ShouldBe(200);
            open.Add(waiting);
        }
        _log.Lines.Where(line => line.Contains("ulimit", StringComparison.Ordinal)).ShouldHaveSingleItem();
        open.ForEach(connection => connection.Dispose());
        await ShouldBeFreeAsync(Waiting);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(MostAtOnePort)]
    public async Task A_server_that_stops_waits_for_no_place_and_gives_all_back(int connections)
    {
        List<RawConnection> open = [];
        for (int i = 0; i < connections; i++)
            open.Add(await ServedAsync());
        await ShouldBeFreeAsync(connections == 0 ? Waiting : 0);
        await _app.StopAsync(Stop).WaitAsync(Patience, TimeProvider.System, Stop);
        await ShouldBeFreeAsync(Places);
        open.ForEach(connection => connection.Dispose());
    }

    private async Task ConnectAsync(string how)
    {
        switch (how)
        {
            case "TLS":
            case "TLS refused by the client":
                using (var client = new TcpClient())
                {
                    await client.ConnectAsync("localhost", Https.Port, Stop);
                    await using var tls = new SslStream(client.GetStream());
                    var options = new SslClientAuthenticationOptions { TargetHost = "localhost" };
                    if (how == "TLS")
                        options.CertificateChainPolicy = FrontDoor.Trusting(_certificates.AuthorityPem!);
                    Task handshake = tls.AuthenticateAsClientAsync(options, Stop);
                    await handshake.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
                    handshake.IsCompletedSuccessfully.ShouldBe(how == "TLS");
                }
                break;
            case "closed by the server":
                using (RawConnection connection = await ServedAsync("Connection: close\r\n"))
                    (await connection.ReceiveAsync(new byte[1])).ShouldBe(0);
                break;
            case "closed by the client":
                (await ServedAsync()).Dispose();
                break;
            case "reset":
                (await ServedAsync()).Break();
                break;
            default:
                using (RawConnection connection = await RawConnection.OpenAsync(how.Contains("TLS", StringComparison.Ordinal) ? Https : Http))
                {
                    if (how is "no TLS" or "reset in a request")
                        await connection.SendAsync("GET / HTTP/1.1\r\nHost: ");
                    if (how.StartsWith("reset", StringComparison.Ordinal))
                        connection.Break();
                }
                break;
        }
    }

    private async Task<RawConnection> ServedAsync(string header = "")
    {
        RawConnection connection = await RawConnection.OpenAsync(Http);
        await AskAsync(connection, header);
        return connection;
    }

    private static async Task AskAsync(RawConnection connection, string header = "")
    {
        await connection.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n");
        (await connection.AnswerAsync("GET")).ShouldNotBeNull().Status.ShouldBe(200);
    }

    private async Task ShouldBeFreeAsync(int places)
    {
        var watch = Stopwatch.StartNew();
        while (_free.CurrentCount != places)
        {
            if (watch.Elapsed > Patience)
                _free.CurrentCount.ShouldBe(places);
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Stop);
        }
    }

    private async Task HoldAsync(HttpContext context)
    {
        context.Features.Get<IConnectionLifetimeFeature>()!.ConnectionClosed.Register(() => _inputEnded.TrySetResult());
        await context.Response.StartAsync(CancellationToken.None);
        await context.Response.Body.FlushAsync(CancellationToken.None);
        await _release.Task;
    }
}
