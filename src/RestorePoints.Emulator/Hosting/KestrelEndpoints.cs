using System.Net;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace RestorePoints.Emulator.Hosting;

/// <summary>HTTP and HTTPS on the ports of the settings. Sockets and certificate are made when the server is, so a test server needs neither.</summary>
public static class KestrelEndpoints
{
    public static WebApplicationBuilder AddKestrelEndpoints(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(services => ListenSockets.Open(services.GetRequiredService<IOptions<EmulatorOptions>>().Value));
        builder.Services.AddOptions<SocketTransportOptions>().Configure<ListenSockets>((transport, sockets) =>
            transport.CreateBoundListenSocket = endPoint => sockets.Take(endPoint) ?? SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint));
        builder.Services.AddSingleton<IConnectionListenerFactory>(services =>
            ActivatorUtilities.CreateInstance<ConnectionQueue>(services, ActivatorUtilities.CreateInstance<SocketTransportFactory>(services), new SemaphoreSlim(ConnectionLimits.MaxConnections())));
        builder.Services.AddOptions<KestrelServerOptions>().Configure<ListenSockets, IServiceProvider>(Listen);
        return builder;
    }

    private static void Listen(KestrelServerOptions kestrel, ListenSockets sockets, IServiceProvider services)
    {
        kestrel.AddServerHeader = false;
        ConnectionLimits.Set(kestrel.Limits, ConnectionLimits.LongestStall);
        foreach (IPEndPoint endPoint in sockets.HttpEndPoints)
            kestrel.Listen(endPoint, listen => listen.Protocols = HttpProtocols.Http1);
        if (sockets.HttpsEndPoints.Count == 0)
            return;
        TlsCertificates certificates = services.GetRequiredService<TlsCertificates>();
        foreach (IPEndPoint endPoint in sockets.HttpsEndPoints)
            kestrel.Listen(endPoint, listen => listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = certificates.Server,
                ServerCertificateChain = certificates.Intermediates,
                SslProtocols = SslProtocols.None,
            }));
    }
}
