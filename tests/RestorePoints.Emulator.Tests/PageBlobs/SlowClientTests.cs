using System.Diagnostics;
using System.Net;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>What it measures is the whole process: nothing else may run beside it.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

/// <summary>Clients that stop, crawl or leave: they hold nobody up and leave nothing behind.</summary>
[Collection(typeof(Alone))]
public sealed class SlowClientTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int HalfOpen = 2000;
    private const int Leaving = 2100;
    private const int DataBytes = 8 << 20;
    private const int DiskBytes = 256 << 20;

    private readonly PageBlobServer _server = new();

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Thousands_of_half_open_connections_hold_nobody_up_and_leave_nothing_behind()
    {
        Disk disk = await FilledDiskAsync();
        string url = await _server.GrantAsync(disk, AccessKind.Guest);
        await WorkAsync(url, 20);
        TimeSpan alone = await WorkAsync(url, 100);
        HeldResources before = HeldResources.Of(_server.Engine);

        Uri target = new(url);
        List<RawConnection> connections = [];
        for (int i = 0; i < HalfOpen; i++)
        {
            RawConnection connection = await RawConnection.OpenAsync(target, receiveBufferBytes: 4096);
            connections.Add(connection);
            await connection.SendAsync((i % 5) switch
            {
                0 => "",
                1 => $"GET {target.PathAndQuery} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-ver",
                2 => $"{PutPage(target, 4 << 20)}{new string('x', 1000)}",
                3 => $"GET {target.PathAndQuery} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                _ => $"GET {target.PathAndQuery}&comp=pagelist HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            });
        }
        await WorkAsync(url, 20);
        TimeSpan beside = await WorkAsync(url, 100);
        HeldResources during = HeldResources.Of(_server.Engine);
        output.WriteLine($"100 rounds: {alone.TotalMilliseconds:F0} ms alone, {beside.TotalMilliseconds:F0} ms beside {HalfOpen} half-open connections; before {before}; during {during}");
        (during.ManagedBytes - before.ManagedBytes).ShouldBeLessThan(HalfOpen * 256L * 1024, "a connection that does nothing holds no body");
        beside.ShouldBeLessThan((alone * 10) + TimeSpan.FromSeconds(10));

        connections.ForEach(connection => connection.Break());
        await before.ShouldReturnAsync(_server.Engine);
        await WorkAsync(url, 20);
        output.WriteLine($"after {HeldResources.Of(_server.Engine)}");
    }

    [Fact]
    public async Task Clients_that_leave_in_the_middle_leave_nothing_behind()
    {
        Disk disk = await FilledDiskAsync();
        string guest = await _server.GrantAsync(disk, AccessKind.Guest);
        DiskRestorePoint point = await _server.NewPointAsync(disk);
        Uri read = new(await _server.GrantAsync(point)), write = new(guest);
        long pointBytes = _server.Engine.GetUsage().UsedBytes;
        _server.Engine.Clear(disk.Id, 0, DiskBytes);
        _server.Engine.GetUsage().UsedBytes.ShouldBe(pointBytes, "only the point needs them now");
        await LeaveAsync(read, write, 100);
        HeldResources before = HeldResources.Of(_server.Engine);

        await LeaveAsync(read, write, Leaving);
        await before.ShouldReturnAsync(_server.Engine);

        // A reader of its own, so that the deletion meets an open view; when it leaves, the space comes back.
        RawConnection last = await StallAsync(read);
        _server.Engine.DeletePoint(disk.Id, point.RestorePointId);
        _server.Engine.GetUsage().UsedBytes.ShouldBeGreaterThan(0, "somebody reads the deleted point");
        last.Break();
        await (before with { UsedBytes = 0 }).ShouldReturnAsync(_server.Engine);
        output.WriteLine($"before {before}; after {HeldResources.Of(_server.Engine)}");
    }

    [Fact]
    public async Task A_reader_that_stalls_is_cut_and_gives_back_a_deleted_point_but_one_that_crawls_is_not()
    {
        await using var server = new PageBlobServer { LongestStall = TimeSpan.FromSeconds(2) };
        await server.InitializeAsync();
        Disk disk = await FilledDiskAsync(server);
        DiskRestorePoint point = await server.NewPointAsync(disk);
        Uri url = new(await server.GrantAsync(point));
        using RawConnection stalling = await StallAsync(url), crawling = await StallAsync(url);
        server.Engine.DeletePoint(disk.Id, point.RestorePointId);
        server.Engine.Clear(disk.Id, 0, DiskBytes);

        // Reads a bit every 250 ms, for three times the limit.
        byte[] buffer = new byte[512 * 1024];
        for (int i = 0; i < 24; i++)
        {
            for (int length = 0; length < buffer.Length;)
            {
                int received = await crawling.ReceiveAsync(buffer.AsMemory(length));
                received.ShouldBeGreaterThan(0, "the server cut a client that reads");
                length += received;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        long total = 0;
        for (int received; (received = await stalling.ReceiveAsync(buffer)) > 0;)
            total += received;
        total.ShouldBeLessThan(DiskBytes, "the server cut it");
        server.Engine.GetUsage().UsedBytes.ShouldBeGreaterThan(0, "the other still reads");
        HeldResources now = HeldResources.Of(server.Engine);
        crawling.Break();
        await (now with { UsedBytes = 0 }).ShouldReturnAsync(server.Engine);
    }

    [Fact]
    public async Task A_body_that_is_far_too_large_is_refused_without_being_read()
    {
        Uri url = new(await _server.GrantAsync(await _server.NewDiskAsync(DiskBytes), AccessKind.Guest));
        foreach (string expect in (string[])["", "Expect: 100-continue\r\n"])
        {
            using RawConnection connection = await RawConnection.OpenAsync(url);
            await connection.SendAsync($"PUT {url.PathAndQuery}&comp=page HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-page-write: update\r\nx-ms-range: bytes=0-10737418239\r\n{expect}Content-Length: 10737418240\r\n\r\n");
            RawAnswer answer = (await connection.AnswerAsync("PUT")).ShouldNotBeNull();
            (answer.Status, answer.Headers["x-ms-error-code"]).ShouldBe((413, "RequestBodyTooLarge"));
            (await connection.ReceiveAsync(new byte[1])).ShouldBe(0, "nothing can follow on this connection");
        }
    }

    private Task<Disk> FilledDiskAsync() => FilledDiskAsync(_server);

    /// <summary>A disk whose download and whose page list are longer than what sockets buffer.</summary>
    private static async Task<Disk> FilledDiskAsync(PageBlobServer server)
    {
        Disk disk = await server.NewDiskAsync(DiskBytes);
        server.Engine.Write(disk.Id, 0, StorageReply.Bytes(DataBytes, 7));
        byte[] zeros = new byte[4096];
        for (int offset = DataBytes; offset < DiskBytes; offset += 8192)
            server.Engine.Write(disk.Id, offset, zeros);
        return disk;
    }

    /// <summary>Rounds of what a normal client does; each call must succeed.</summary>
    private async Task<TimeSpan> WorkAsync(string url, int rounds)
    {
        var watch = Stopwatch.StartNew();
        byte[] data = StorageReply.Bytes(64 * 1024, rounds);
        for (int round = 0; round < rounds; round++)
        {
            using HttpResponseMessage put = await _server.PutPageAsync(url, round * data.Length, data);
            await put.BytesAsync(HttpStatusCode.Created);
            using HttpResponseMessage get = await _server.GetAsync(url, ("x-ms-range", $"bytes={round * data.Length}-{((round + 1) * data.Length) - 1}"));
            (await get.BytesAsync(HttpStatusCode.PartialContent)).ShouldBeBytes(data);
        }
        return watch.Elapsed;
    }

    /// <summary>A download of which only the beginning was read.</summary>
    private static async Task<RawConnection> StallAsync(Uri url)
    {
        RawConnection connection = await RawConnection.OpenAsync(url, receiveBufferBytes: 4096);
        await connection.SendAsync($"GET {url.PathAndQuery} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        (await connection.ReceiveAsync(new byte[1000])).ShouldBeGreaterThan(0);
        return connection;
    }

    private static async Task LeaveAsync(Uri read, Uri write, int count)
    {
        for (int i = 0; i < count; i++)
        {
            RawConnection connection = await RawConnection.OpenAsync(read, receiveBufferBytes: 4096);
            await connection.SendAsync((i % 3) switch
            {
                0 => $"GET {read.PathAndQuery} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                1 => $"GET {read.PathAndQuery}&comp=pagelist HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                _ => $"{PutPage(write, 4 << 20)}{new string('x', 100_000)}",
            });
            if (i % 3 != 2)
                (await connection.ReceiveAsync(new byte[100])).ShouldBeGreaterThan(0);
            connection.Break();
        }
    }

    private static string PutPage(Uri url, int length) =>
        $"PUT {url.PathAndQuery}&comp=page HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-page-write: update\r\nx-ms-range: bytes=0-{length - 1}\r\nContent-Length: {length}\r\n\r\n";
}
