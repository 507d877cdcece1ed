using static RestorePoints.Benchmarks.HttpRounds;

namespace RestorePoints.Benchmarks;

/// <summary>
/// The data plane over HTTP beside the least that such a server can do: both as processes of their own, measured in turns with the same client,
/// medians of both.
/// </summary>
public static class HttpBenchmarks
{
    private const int Page = 4096;
    private const int Large = 4 << 20;
    private const long DataBytes = 256L << 20;

    /// <summary>Writes about 2 GiB into the directory for temporary files; deleted afterwards.</summary>
    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        string root = Directory.CreateTempSubdirectory("restorepoints-benchmark-").FullName;
        string flat = Directory.CreateDirectory(Path.Combine(root, "flat")).FullName;
        try
        {
            await File.WriteAllBytesAsync(Path.Combine(flat, "disk"), Noise(1, (int)DataBytes));
            await using HttpServer emulator = await HttpServer.StartEmulatorAsync(Path.Combine(root, "data"));
            await using HttpServer limit = await HttpServer.StartLimitAsync(flat);
            await foreach (BenchmarkRow row in BytesAsync(emulator, limit))
                yield return row;
            yield return await DiffAsync(emulator, limit, flat);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async IAsyncEnumerable<BenchmarkRow> BytesAsync(HttpServer emulator, HttpServer limit)
    {
        using var machine = new HttpMachine(emulator.Url, "bytes", 1);
        await machine.CreateAsync();
        var flat = new Uri(limit.Url, "/disk");
        byte[] body = Noise(2, Large);

        (double write, double bare) = await BytesPerSecondAsync(4, 16, Large, connection => Put(machine.Guest, Large, connection), connection => Put(flat, Large, connection), body, 201);
        yield return new("Put Page of 4 MiB, 4 connections", Rate(write), $"{Rate(bare)} bare Kestrel, one write", write / bare, ">= 0.8");
        await machine.CreatePointAsync("sequential");
        Uri point = await machine.ReadAccessAsync("sequential");
        (double read, bare) = await BytesPerSecondAsync(4, 32, Large, connection => Get(point, connection), connection => Get(flat, connection), default, 206);
        yield return new("GET of 4 MiB ranges, 4 connections", Rate(read), $"{Rate(bare)} flat file by Kestrel", read / bare, ">= 0.9");

        foreach ((int connections, int requests) in new[] { (1, 2000), (16, 500) })
        {
            (double small, bare) = await BytesPerSecondAsync(connections, requests, Page, connection => PutRandom(machine.Guest, connection), connection => PutRandom(flat, connection), body.AsMemory(0, Page), 201);
            yield return new($"Put Page of 4 KiB, {connections} connection{(connections == 1 ? "" : "s")}", Count(small), $"{Count(bare)} bare Kestrel, one write", small / bare, ">= 0.5");
        }

        // Every page of 64 MiB written alone, in random order.
        int[] pages = [.. Enumerable.Range(0, (64 << 20) / Page)];
        new Random(3).Shuffle(pages);
        await ParallelAsync(emulator.Url, 8, async (wire, connection) =>
        {
            for (int i = connection; i < pages.Length; i += 8)
                await wire.SendAsync(Put(machine.Guest, Page, (long)pages[i] * Page), body.AsMemory(0, Page), 201);
        });
        await machine.CreatePointAsync("fragmented");
        Uri fragmented = await machine.ReadAccessAsync("fragmented");
        (double scattered, bare) = await BytesPerSecondAsync(4, 16, Large, connection => GetWithin(fragmented, connection, 64 << 20), connection => GetWithin(flat, connection, 64 << 20), default, 206);
        yield return new("GET of 4 MiB ranges, randomly fragmented, 4 connections", Rate(scattered), $"{Rate(bare)} flat file by Kestrel", scattered / bare, ">= 0.8");
    }

    private static async Task<BenchmarkRow> DiffAsync(HttpServer emulator, HttpServer limit, string flat)
    {
        using var machine = new HttpMachine(emulator.Url, "diff", 1);
        await machine.CreateAsync();
        const int pages = (1 << 30) / Page / 100;
        byte[] body = Noise(4, Page);
        await machine.CreatePointAsync("older");
        await ParallelAsync(emulator.Url, 8, async (wire, connection) =>
        {
            var random = new Random(connection);
            for (int i = connection; i < pages; i += 8)
                await wire.SendAsync(Put(machine.Guest, Page, random.NextInt64((1 << 30) / Page) * Page), body, 201);
        });
        await machine.CreatePointAsync("newer");
        Uri older = await machine.ReadAccessAsync("older"), newer = await machine.ReadAccessAsync("newer");
        byte[] request = HttpWire.Request("GET", new Uri($"{newer}&comp=pagelist"), 0, ("x-ms-previous-snapshot-url", older.OriginalString));
        using var wire = new HttpWire(emulator.Url);
        using var limitWire = new HttpWire(limit.Url);
        long length = await wire.SendAsync(request, default, 200);
        byte[] sameLength = HttpWire.Request("GET", new Uri(limit.Url, "/disk"), 0, ("x-ms-range", $"bytes=0-{length - 1}"));
        (double diff, double bare) = await AlternateAsync(60, async () => await wire.SendAsync(request, default, 200), async () => await limitWire.SendAsync(sameLength, default, 206));
        return new($"difference of 1 % of 1 GiB, {pages:n0} pages, {length >> 10} KiB of XML", Millis(diff), $"{Millis(bare)} as many bytes of a flat file", bare / diff, "<= 50 ms");
    }

    /// <summary>Bytes per second of both.</summary>
    private static async Task<(double Measured, double Limit)> BytesPerSecondAsync(
        int connections, int requests, int bytes, Func<int, Func<int, byte[]>> measured, Func<int, Func<int, byte[]>> limit, ReadOnlyMemory<byte> body, int status)
    {
        double[] rates = await RatesAsync(connections, requests, body, status, measured, limit);
        return (rates[0] * bytes, rates[1] * bytes);
    }

    private static Func<int, byte[]> Put(Uri url, int length, int connection) =>
        request => Put(url, length, ((long)request * 4 + connection) * length % DataBytes);

    private static Func<int, byte[]> PutRandom(Uri url, int connection)
    {
        var random = new Random(connection);
        return _ => Put(url, Page, random.NextInt64(DataBytes / Page) * Page);
    }

    private static Func<int, byte[]> Get(Uri url, int connection) => GetWithin(url, connection, DataBytes);

    private static Func<int, byte[]> GetWithin(Uri url, int connection, long within)
    {
        var random = new Random(connection);
        return _ =>
        {
            long offset = random.NextInt64(within / Large) * Large;
            return HttpWire.Request("GET", url, 0, ("x-ms-range", $"bytes={offset}-{offset + Large - 1}"));
        };
    }

    private static byte[] Put(Uri url, int length, long offset) =>
        HttpWire.Request("PUT", new Uri(url.OriginalString + (url.Query.Length == 0 ? "" : "&comp=page")), length, ("x-ms-page-write", "update"), ("x-ms-range", $"bytes={offset}-{offset + length - 1}"));

    private static byte[] Noise(int seed, int length)
    {
        byte[] data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    private static string Rate(double bytesPerSecond) => $"{bytesPerSecond / (1 << 30):f2} GiB/s";

    private static string Count(double bytesPerSecond) => $"{bytesPerSecond / Page:n0}/s";
}
