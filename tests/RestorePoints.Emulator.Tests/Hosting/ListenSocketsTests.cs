using System.Net;
using System.Net.Sockets;
using RestorePoints.Emulator.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class ListenSocketsTests
{
    [Fact]
    public void Auto_takes_one_port_on_every_loopback_address()
    {
        using ListenSockets sockets = ListenSockets.Open(new EmulatorOptions { HttpPort = "auto", HttpsPort = "auto" });

        sockets.HttpPort.ShouldNotBe(sockets.HttpsPort);
        sockets.HttpEndPoints[0].ShouldBe(new IPEndPoint(IPAddress.Loopback, sockets.HttpPort));
        if (LoopbackHasIPv6())
            sockets.HttpEndPoints[1].ShouldBe(new IPEndPoint(IPAddress.IPv6Loopback, sockets.HttpPort));
    }

    [Fact]
    public void Zero_is_off()
    {
        using ListenSockets sockets = ListenSockets.Open(new EmulatorOptions { HttpPort = "auto", HttpsPort = "0" });

        sockets.HttpsPort.ShouldBe(0);
        sockets.HttpsEndPoints.ShouldBeEmpty();
    }

    [Fact]
    public void A_port_in_use_is_reported_by_its_setting_and_leaves_nothing_bound()
    {
        using ListenSockets first = ListenSockets.Open(new EmulatorOptions { HttpPort = "auto", HttpsPort = "auto" });
        int port;
        using (ListenSockets free = ListenSockets.Open(new EmulatorOptions { HttpPort = "auto", HttpsPort = "0" }))
            port = free.HttpPort;

        Should.Throw<StartException>(() => ListenSockets.Open(new EmulatorOptions { HttpPort = $"{port}", HttpsPort = $"{first.HttpsPort}" }))
            .Message.ShouldStartWith($"Emulator:HttpsPort={first.HttpsPort} cannot be had on localhost:");
        ListenSockets.Open(new EmulatorOptions { HttpPort = $"{port}", HttpsPort = "0" }).Dispose();
    }

    private static bool LoopbackHasIPv6()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
