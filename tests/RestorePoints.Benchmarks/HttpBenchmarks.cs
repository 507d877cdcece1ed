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

    /// <summary>1 % of 1 GiB.</summary>
    private const int ChangedPages = (1 << 30) / Page / 100;

    /// <summary>Writes about 3 GiB into the directory for temporary files; deleted afterwards.</summary>
    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        string root = Directory.CreateTempSubdirectory("restorepoints-benchmark-").FullName;
        string flat = Directory.CreateDirectory(Path.Combine(root, "flat")).FullName;
        try
        {
            await File.WriteAllBytesAsync(Path.Combine(flat, "disk"), Noise(1, (int)DataBytes));
            await using HttpServer emulator = await HttpServer.StartEmulatorAsync(Path.Combine(root, "data"));
            await using HttpServer limit = await HttpServer.StartLimitAsync(flat);
            await using HttpServer? nginx = await HttpServer.StartNginxAsync(flat, Directory.CreateDirectory(Path.Combine(root, "nginx")).FullName);
            if (nginx is null)
                yield return NotMeasured("nginx is not installed");
            await foreach (BenchmarkRow row in BytesAsync(emulator, limit, nginx))
                yield return row;
            await foreach (BenchmarkRow row in DiffsAsync(emulator, limit))
                yield return row;
            if (HttpServer.StartAzurite(Path.Combine(root, "azurite")) is not { } starting)
            {
                yield return NotMeasured("Azurite is not installed: npm ci --prefix tests/RestorePoints.Benchmarks/Azurite");
                yield break;
            }
            await using HttpServer azurite = await starting;
            await foreach (BenchmarkRow row in AzuriteAsync(emulator, azurite))
                yield return row;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async IAsyncEnumerable<BenchmarkRow> BytesAsync(HttpServer emulator, HttpServer limit, HttpServer? nginx)
    {
        using var machine = new HttpMachine(emulator.Url, "bytes", 1);
        await machine.CreateAsync();
        var flat = new Uri(limit.Url, "/disk");
        byte[] body = Noise(2, Large);

        (double write, double bare) = await BytesPerSecondAsync(4, 16, Large, connection => Put(machine.Guest, Large, connection), connection => Put(flat, Large, connection), body, 201);
        yield return new("Put Page of 4 MiB, 4 connections", Rate(write), $"{Rate(bare)} bare Kestrel, one write", write / bare, ">= 0.8");
        await machine.CreatePointAsync("sequential");
        await foreach (BenchmarkRow row in ReadsAsync("GET of 4 MiB ranges, 4 connections", await machine.ReadAccessAsync("sequential"), DataBytes, ">= 0.9"))
            yield return row;

        foreach ((int connections, int requests) in new[] { (1, 2000), (16, 500) })
        {
            (double small, bare) = await BytesPerSecondAsync(connections, requests, Page, connection => PutRandom(machine.Guest, connection), connection => PutRandom(flat, connection), body.AsMemory(0, Page), 201);
            yield return new($"Put Page of 4 KiB, {connections} connection{(connections == 1 ? "" : "s")}", Count(small), $"{Count(bare)} bare Kestrel, one write", small / bare, ">= 0.5");
        }

        // Every page of 64 MiB written alone, in random order.
        const long torn = 64 << 20;
        int[] pages = [.. Enumerable.Range(0, (int)(torn / Page))];
        new Random(3).Shuffle(pages);
        await ParallelAsync(emulator.Url, 8, async (wire, connection) =>
        {
            for (int i = connection; i < pages.Length; i += 8)
                await wire.SendAsync(Put(machine.Guest, Page, (long)pages[i] * Page), body.AsMemory(0, Page), 201);
        });
        await machine.CreatePointAsync("fragmented");
        await foreach (BenchmarkRow row in ReadsAsync("GET of 4 MiB ranges, randomly fragmented, 4 connections", await machine.ReadAccessAsync("fragmented"), torn, ">= 0.8"))
            yield return row;

        async IAsyncEnumerable<BenchmarkRow> ReadsAsync(string what, Uri point, long within, string target)
        {
            List<Func<int, Func<int, byte[]>>> contestants = [connection => GetWithin(point, connection, within), connection => GetWithin(flat, connection, within)];
            if (nginx is not null)
                contestants.Add(connection => GetWithin(new Uri(nginx.Url, "/disk"), connection, within, "Range"));
            double[] rates = await RatesAsync(4, 32, default, 206, [.. contestants]);
            yield return new(what, Rate(rates[0] * Large), $"{Rate(rates[1] * Large)} flat file by Kestrel", rates[0] / rates[1], target);
            if (nginx is not null)
                yield return new("  the same", Rate(rates[0] * Large), $"{Rate(rates[2] * Large)} flat file by nginx, sendfile", rates[0] / rates[2], "");
        }
    }

    /// <summary>1 % of 1 GiB changed, then as many pages at the same places of a disk of the greatest size, then spread over all of that disk.</summary>
    private static async IAsyncEnumerable<BenchmarkRow> DiffsAsync(HttpServer emulator, HttpServer limit)
    {
        const int largest = 32767;
        Difference small = await DifferenceAsync(emulator, "diff-small", 1, 1), large = await DifferenceAsync(emulator, "diff-large", largest, 1), wide = await DifferenceAsync(emulator, "diff-wide", largest, largest);
        using var wire = new HttpWire(emulator.Url);
        using var limitWire = new HttpWire(limit.Url);
        byte[] sameLength = HttpWire.Request("GET", new Uri(limit.Url, "/disk"), 0, ("x-ms-range", $"bytes=0-{small.XmlBytes - 1}"));
        double[] medians = await AlternateAsync(60, async () => await wire.SendAsync(small.Request, default, 200), async () => await wire.SendAsync(large.Request, default, 200),
            async () => await wire.SendAsync(wide.Request, default, 200), async () => await limitWire.SendAsync(sameLength, default, 206));
        yield return new($"difference of 1 % of 1 GiB, {ChangedPages:n0} pages, {small.XmlBytes >> 10} KiB of XML", Millis(medians[0]), $"{Millis(medians[3])} as many bytes of a flat file", medians[3] / medians[0], "<= 50 ms");
        yield return new("difference of the same change on 32 TiB", Millis(medians[1]), $"{Millis(medians[0])} on 1 GiB", medians[0] / medians[1], ">= 0.83");
        yield return new("difference of as many pages spread over 32 TiB", Millis(medians[2]), $"{Millis(medians[0])} within 1 GiB", medians[0] / medians[2], "");
    }

    private static async Task<Difference> DifferenceAsync(HttpServer emulator, string name, int gib, int spreadGib)
    {
        using var machine = new HttpMachine(emulator.Url, name, gib);
        await machine.CreateAsync();
        byte[] body = Noise(4, Page);
        await machine.CreatePointAsync("older");
        await ParallelAsync(emulator.Url, 8, async (wire, connection) =>
        {
            var random = new Random(connection);
            for (int i = connection; i < ChangedPages; i += 8)
                await wire.SendAsync(Put(machine.Guest, Page, random.NextInt64(((long)spreadGib << 30) / Page) * Page), body, 201);
        });
        await machine.CreatePointAsync("newer");
        Uri older = await machine.ReadAccessAsync("older"), newer = await machine.ReadAccessAsync("newer");
        byte[] request = HttpWire.Request("GET", new Uri($"{newer}&comp=pagelist"), 0, ("x-ms-previous-snapshot-url", older.OriginalString));
        using var wire = new HttpWire(emulator.Url);
        return new(request, await wire.SendAsync(request, default, 200));
    }

    /// <summary>The calls that ordinary page blobs have as well, beside the emulator of Azure Storage.</summary>
    private static async IAsyncEnumerable<BenchmarkRow> AzuriteAsync(HttpServer emulator, HttpServer azurite)
    {
        using var machine = new HttpMachine(emulator.Url, "azurite", 1);
        await machine.CreateAsync();
        Uri theirs = await AzuriteBlob.CreateAsync(azurite.Url, 1L << 30);
        byte[] body = Noise(5, Large);
        (double ours, double other) = await BytesPerSecondAsync(4, 4, Large, connection => Put(machine.Guest, Large, connection), connection => Put(theirs, Large, connection), body, 201);
        yield return new("Put Page of 4 MiB, 4 connections", Rate(ours), $"{Rate(other)} Azurite", ours / other, "");
        (ours, other) = await BytesPerSecondAsync(1, 100, Page, connection => PutRandom(machine.Guest, connection), connection => PutRandom(theirs, connection), body.AsMemory(0, Page), 201);
        yield return new("Put Page of 4 KiB, 1 connection", Count(ours), $"{Count(other)} Azurite", ours / other, "");
        (ours, other) = await BytesPerSecondAsync(4, 4, Large, connection => GetWithin(machine.Guest, connection, DataBytes / 4), connection => GetWithin(theirs, connection, DataBytes / 4), default, 206);
        yield return new("GET of 4 MiB ranges, 4 connections", Rate(ours), $"{Rate(other)} Azurite", ours / other, "");
        double[] lists = await RatesAsync(1, 20, default, 200, _ => PageList(machine.Guest), _ => PageList(theirs));
        yield return new("Get Page Ranges", $"{lists[0]:n0}/s", $"{lists[1]:n0}/s Azurite", lists[0] / lists[1], "");
    }

    private static Func<int, byte[]> PageList(Uri url) => _ => HttpWire.Request("GET", new Uri($"{url}&comp=pagelist"), 0);

    private static BenchmarkRow NotMeasured(string why) => new($"NOT MEASURED: {why}", "", "", 0, "");

    private sealed record Difference(byte[] Request, long XmlBytes);

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

    private static Func<int, byte[]> GetWithin(Uri url, int connection, long within, string rangeHeader = "x-ms-range")
    {
        var random = new Random(connection);
        return _ =>
        {
            long offset = random.NextInt64(within / Large) * Large;
            return HttpWire.Request("GET", url, 0, (rangeHeader, $"bytes={offset}-{offset + Large - 1}"));
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
