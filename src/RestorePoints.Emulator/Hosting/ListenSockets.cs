using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// The sockets that the settings ask for, bound before Kestrel starts: only so can <c>auto</c> find one port that is free on 127.0.0.1 and ::1 alike
/// and keep it, and can a port in use be reported by the name of its setting. Kestrel takes each by its endpoint.
/// </summary>
public sealed class ListenSockets : IDisposable
{
    /// <summary>How often <c>auto</c> looks for a port that is free on all addresses.</summary>
    private const int AutoAttempts = 50;

    private const int Backlog = 512;

    private readonly ConcurrentDictionary<EndPoint, Socket> _waiting = [];

    /// <summary>The port of plain HTTP; 0 = off.</summary>
    public int HttpPort { get; }

    /// <summary>The port of TLS; 0 = off.</summary>
    public int HttpsPort { get; }

    /// <summary>What is bound, for <c>KestrelServerOptions.Listen</c>.</summary>
    public IReadOnlyList<IPEndPoint> HttpEndPoints { get; }
    public IReadOnlyList<IPEndPoint> HttpsEndPoints { get; }

    /// <exception cref="StartException">A port or address cannot be had.</exception>
    public static ListenSockets Open(EmulatorOptions options)
    {
        List<Socket> http = [];
        try
        {
            http = Bind(nameof(options.HttpPort), options.HttpPort, options.BindAddress);
            return new ListenSockets(http, Bind(nameof(options.HttpsPort), options.HttpsPort, options.BindAddress));
        }
        catch
        {
            http.ForEach(socket => socket.Dispose());
            throw;
        }
    }

    private ListenSockets(List<Socket> http, List<Socket> https)
    {
        HttpEndPoints = [.. http.Select(socket => (IPEndPoint)socket.LocalEndPoint!)];
        HttpsEndPoints = [.. https.Select(socket => (IPEndPoint)socket.LocalEndPoint!)];
        HttpPort = HttpEndPoints.Count == 0 ? 0 : HttpEndPoints[0].Port;
        HttpsPort = HttpsEndPoints.Count == 0 ? 0 : HttpsEndPoints[0].Port;
        foreach (Socket socket in http.Concat(https))
            _waiting[socket.LocalEndPoint!] = socket;
    }

    /// <summary>Hands the socket of an endpoint over; null when there is none of it here.</summary>
    public Socket? Take(EndPoint endPoint) => _waiting.TryRemove(endPoint, out Socket? socket) ? socket : null;

    private static List<Socket> Bind(string setting, string port, string bindAddress)
    {
        IPAddress[] addresses = bindAddress == "localhost" ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Parse(bindAddress)];
        if (port == "0")
            return [];
        if (port != "auto")
            return BindAll(addresses, int.Parse(port, CultureInfo.InvariantCulture), out Exception? failure)
                ?? throw new StartException($"{EmulatorOptions.Section}:{setting}={port} cannot be had on {bindAddress}: {failure!.Message}. Choose another port, 0 (off) or auto (any free one).", failure);
        Exception? last = null;
        for (int attempt = 0; attempt < AutoAttempts; attempt++)
            if (BindAll(addresses, 0, out last) is { } sockets)
                return sockets;
        throw new StartException($"{EmulatorOptions.Section}:{setting}=auto found no free port on {bindAddress}: {last!.Message}.", last);
    }

    /// <summary>Binds one port on all addresses, or none. Port 0: whatever is free on the first address. A machine without IPv6 has no ::1.</summary>
    private static List<Socket>? BindAll(IPAddress[] addresses, int port, out Exception? failure)
    {
        List<Socket> bound = [];
        failure = null;
        foreach (IPAddress address in addresses)
        {
            try
            {
                Socket socket = Listen(new IPEndPoint(address, port));
                bound.Add(socket);
                port = ((IPEndPoint)socket.LocalEndPoint!).Port;
            }
            catch (SocketException e) when (bound.Count > 0 && e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
            {
            }
            catch (SocketException e)
            {
                bound.ForEach(socket => socket.Dispose());
                failure = e;
                return null;
            }
        }
        return bound;
    }

    /// <summary>Listens at once: two sockets that are only bound may share a port.</summary>
    private static Socket Listen(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(endPoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (EndPoint endPoint in _waiting.Keys)
            Take(endPoint)?.Dispose();
    }
}
