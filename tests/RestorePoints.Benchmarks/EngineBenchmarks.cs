using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Benchmarks;

/// <summary>
/// The snapshot engine beside what the file system does with the same bytes: each measurement alternates with its own limit, medians of both.
/// </summary>
public static class EngineBenchmarks
{
    private const int Page = 4096;
    private const int Large = 4 << 20;
    private const long GiB = 1L << 30;

    /// <param name="parentDirectory">Where the data goes, up to 6 GiB at a time; deleted afterwards. Null: the directory for temporary files.</param>
    public static IEnumerable<BenchmarkRow> Run(string? parentDirectory = null)
    {
        string root = Path.Combine(parentDirectory ?? Path.GetTempPath(), $"restorepoints-benchmark-{Guid.NewGuid():n}");
        Directory.CreateDirectory(root);
        try
        {
            foreach (Func<string, IEnumerable<BenchmarkRow>> part in (Func<string, IEnumerable<BenchmarkRow>>[])[Points, ManyPoints, SmallWrites, LargeWritesAndReads, ChangedPages, Forks, Copies])
            {
                string directory = Path.Combine(root, part.Method.Name);
                Directory.CreateDirectory(directory);
                foreach (BenchmarkRow row in part(directory)) yield return row;
                Directory.Delete(directory, recursive: true);
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static IEnumerable<BenchmarkRow> Points(string directory)
    {
        using SnapshotStore store = SnapshotStore.Open(directory);
        using PlainFile file = new(directory);
        Guid[] disks = [.. Enumerable.Range(0, 16).Select(_ => NewVolume(store, GiB))];
        Guid huge = NewVolume(store, 32L << 40);
        byte[] data = Filled(Page, 1);
        byte[] record = Filled(56, 1), longRecord = Filled(296, 1);
        (double one, double append) = Alternate(2000, () => store.CreatePoint(Guid.NewGuid(), [disks[0]]), () => file.Append(record), () => store.Write(disks[0], 0, data));
        (double large, double oneAgain) = Alternate(
            2000,
            () => store.CreatePoint(Guid.NewGuid(), [huge]),
            () => store.CreatePoint(Guid.NewGuid(), [disks[1]]),
            () =>
            {
                store.Write(huge, (32L << 40) - Page, data);
                store.Write(disks[1], GiB - Page, data);
            });
        (double sixteen, double longAppend) = Alternate(1000, () => store.CreatePoint(Guid.NewGuid(), disks), () => file.Append(longRecord));
        yield return new("create a point of 1 disk of 1 GiB", Micros(one), $"{Micros(append)} append of 56 bytes", append / one, "<= 20 us");
        yield return new("create a point of 1 disk of 32 TiB", Micros(large), $"{Micros(oneAgain)} of 1 GiB", oneAgain / large, "within 1.2 of 1 GiB");
        yield return new("create a point of 16 disks", Micros(sixteen), $"{Micros(longAppend)} append of 296 bytes", longAppend / sixteen, "<= 60 us");
    }

    private static IEnumerable<BenchmarkRow> ManyPoints(string directory)
    {
        const int points = 100_000;
        var samples = new double[points];
        var options = new SnapshotStoreOptions();
        long before = GC.GetTotalMemory(forceFullCollection: true), after;
        using (SnapshotStore store = SnapshotStore.Open(directory, options))
        {
            Guid disk = NewVolume(store, GiB);
            byte[] data = Filled(Page, 1);
            for (int i = 0; i < points; i++)
            {
                store.Write(disk, (long)(i % 1000) * Page, data);
                long start = Stopwatch.GetTimestamp();
                store.CreatePoint(Guid.NewGuid(), [disk]);
                samples[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            }

            after = GC.GetTotalMemory(forceFullCollection: true);
        }

        double first = Median(samples.AsSpan(100, 2000)), last = Median(samples.AsSpan(points - 2000));
        yield return new("create the 100,000th point of a disk", Micros(last), $"{Micros(first)} the first ones", first / last, "within 1.5 of the first");
        double megabytes = (after - before) / (double)(1 << 20);
        yield return new("memory of 100,000 points", $"{megabytes:f0} MiB", "128 MiB", 128 / megabytes, "<= 128 MiB");
        long open = Stopwatch.GetTimestamp();
        using SnapshotStore reopened = SnapshotStore.Open(directory, options);
        double seconds = Stopwatch.GetElapsedTime(open).TotalSeconds;
        yield return new("open with 100,000 points", $"{seconds * 1000:f0} ms", "2 s", 2 / seconds, "<= 2 s");
    }

    private static IEnumerable<BenchmarkRow> SmallWrites(string directory)
    {
        const int pages = 65_536;
        using SnapshotStore store = SnapshotStore.Open(directory);
        using PlainFile file = new(directory);
        Guid disk = NewVolume(store, GiB);
        byte[] data = Filled(Page, 7);
        var random = new Random(1);
        (double fresh, double raw) = Alternate(20_000, () => store.Write(disk, (long)random.Next(pages) * Page, data), () => file.Write((long)random.Next(pages) * Page, data));
        (double inPlace, double rawAgain) = Alternate(20_000, () => store.Write(disk, (long)random.Next(pages) * Page, data), () => file.Write((long)random.Next(pages) * Page, data));
        yield return new("write 4 KiB at random, fresh slots", PerSecond(fresh), $"{PerSecond(raw)} pwrite", raw / fresh, ">> 50,000 per second");
        yield return new("write 4 KiB at random, mostly in place", PerSecond(inPlace), $"{PerSecond(rawAgain)} pwrite", rawAgain / inPlace, ">> 50,000 per second");
    }

    private static IEnumerable<BenchmarkRow> LargeWritesAndReads(string directory)
    {
        using SnapshotStore store = SnapshotStore.Open(directory);
        using PlainFile file = new(directory);
        Guid disk = NewVolume(store, GiB);
        byte[] data = Filled(Large, 9), target = new byte[Large];
        int at = 0, rawAt = 0;
        (double write, double rawWrite) = Alternate(256, () => store.Write(disk, at++ * (long)Large, data), () => file.Write(rawAt++ * (long)Large, data));
        (double rewrite, double rawRewrite) = Alternate(256, () => store.Write(disk, --at * (long)Large, data), () => file.Write(--rawAt * (long)Large, data));
        using VolumeView head = store.OpenHead(disk);
        var random = new Random(3);
        (double read, double rawRead) = Alternate(512, () => head.Read(random.Next(256) * (long)Large, target), () => file.Read(random.Next(256) * (long)Large, target));
        yield return new("write 4 MiB, fresh", Rate(write), $"{Rate(rawWrite)} pwrite, new blocks", rawWrite / write, "near pwrite");
        yield return new("write 4 MiB, in place", Rate(rewrite), $"{Rate(rawRewrite)} pwrite", rawRewrite / rewrite, "near pwrite");
        yield return new("read 4 MiB, sequential slots", Rate(read), $"{Rate(rawRead)} pread", rawRead / read, "near pread");

        // Every page of the first 256 MiB rewritten in random order after a point: no two neighbours stay together.
        Guid point = Guid.NewGuid();
        store.CreatePoint(point, [disk]);
        int[] order = [.. Enumerable.Range(0, 65_536)];
        random.Shuffle(order);
        foreach (int page in order) store.Write(disk, (long)page * Page, data.AsSpan(0, Page));
        (double scattered, double rawAgain) = Alternate(256, () => head.Read(random.Next(64) * (long)Large, target), () => file.Read(random.Next(64) * (long)Large, target));
        yield return new("read 4 MiB, each page elsewhere", Rate(scattered), $"{Rate(rawAgain)} pread of 4 MiB", rawAgain / scattered, ">= 0.5 of pread");
    }

    private static IEnumerable<BenchmarkRow> ChangedPages(string directory)
    {
        const int changed = 10_486;
        const long size = 4 * GiB;
        using SnapshotStore store = SnapshotStore.Open(directory);
        Guid disk = NewVolume(store, size), huge = NewVolume(store, 32L << 40);
        byte[] data = Filled(Large, 5);
        for (long offset = 0; offset < size; offset += Large) store.Write(disk, offset, data);
        var random = new Random(5);
        Guid older = TakePoint(store, disk), hugeOlder = TakePoint(store, huge);
        foreach (long page in RandomPages(random, changed, size / Page)) store.Write(disk, page * Page, data.AsSpan(0, Page));
        foreach (long page in RandomPages(random, changed, size / Page)) store.Write(huge, page * Page * 8192, data.AsSpan(0, Page));
        Guid newer = TakePoint(store, disk), hugeNewer = TakePoint(store, huge);
        using VolumeView view = store.OpenPoint(disk, newer), hugeView = store.OpenPoint(huge, hugeNewer);
        int count = view.GetChangesSince(older, 0, size).Count(), hugeCount = hugeView.GetChangesSince(hugeOlder, 0, hugeView.SizeBytes).Count();
        long listed = 0;
        (double diff, double hugeDiff) = Alternate(
            100,
            () => listed += view.GetChangesSince(older, 0, size).Count(),
            () => listed += hugeView.GetChangesSince(hugeOlder, 0, hugeView.SizeBytes).Count());
        yield return new($"difference of 1 % of 4 GiB, {changed:n0} pages in {count:n0} ranges", Micros(diff), "5 ms", 5000 / diff, "<= 5 ms");
        yield return new($"difference of as many pages over 32 TiB, {hugeCount:n0} ranges", Micros(hugeDiff), $"{Micros(diff)} over 4 GiB", diff / hugeDiff, "within 1.2 of 4 GiB");

        var deletions = new List<double>();
        for (int i = 0; i < 9; i++)
        {
            Guid middle = TakePoint(store, disk);
            foreach (long page in RandomPages(random, 10_000, size / Page)) store.Write(disk, page * Page, data.AsSpan(0, Page));
            Guid victim = TakePoint(store, disk);
            foreach (long page in RandomPages(random, 10_000, size / Page)) store.Write(disk, page * Page, data.AsSpan(0, Page));
            TakePoint(store, disk);
            long start = Stopwatch.GetTimestamp();
            store.DeletePoint(disk, victim);
            deletions.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            store.DeletePoint(disk, middle);
        }

        double delete = Median(deletions.ToArray());
        yield return new("delete a middle point of 10,000 pages of 4 GiB", Micros(delete), "10 ms", 10_000 / delete, "<= 10 ms");
    }

    private static IEnumerable<BenchmarkRow> Forks(string directory)
    {
        using SnapshotStore store = SnapshotStore.Open(directory);
        using PlainFile file = new(directory);
        Guid disk = NewVolume(store, GiB);
        byte[] data = Filled(Large, 5), record = Filled(80, 1);
        for (long offset = 0; offset < GiB; offset += Large) store.Write(disk, offset, data);
        Guid point = TakePoint(store, disk);
        (double fork, double append) = Alternate(500, () => store.CreateVolumeFromPoint(Guid.NewGuid(), disk, point, GiB), () => file.Append(record));
        yield return new("disk from a point of 1 GiB of data", Micros(fork), $"{Micros(append)} append of 80 bytes", append / fork, "<= 10 ms");
    }

    /// <summary>What a copy to another region does with the bytes, beside the engine's own writes of as many in another store.</summary>
    private static IEnumerable<BenchmarkRow> Copies(string directory)
    {
        const int changed = 2_621;
        using SnapshotStore source = SnapshotStore.Open(Path.Combine(directory, "source")), target = SnapshotStore.Open(Path.Combine(directory, "target"));
        Guid disk = NewVolume(source, GiB), copy = Guid.Empty, written = Guid.Empty;
        byte[] data = Filled(Large, 5);
        for (long offset = 0; offset < GiB; offset += Large) source.Write(disk, offset, data);
        Guid older = TakePoint(source, disk);
        (double full, double sequential) = Alternate(
            5,
            () => Copy(source, disk, older, target, copy, null),
            () =>
            {
                for (long offset = 0; offset < GiB; offset += Large) target.Write(written, offset, data);
            },
            () =>
            {
                foreach (Guid volume in new[] { copy, written }.Where(volume => volume != Guid.Empty)) target.DeleteHead(volume);
                (copy, written) = (NewVolume(target, GiB), NewVolume(target, GiB));
            });
        yield return new("copy a point of 1 GiB of data to another store", $"{full / 1000:f0} ms", $"{sequential / 1000:f0} ms to write it in pieces of 4 MiB", sequential / full, ">= 0.5");

        Guid olderCopy = Guid.Empty;
        var random = new Random(7);
        long[] pages = RandomPages(random, changed, GiB / Page);
        long moved = 0;
        Guid newer = Guid.Empty;
        (double increment, double pageWrites) = Alternate(
            15,
            () => moved = Copy(source, disk, newer, target, copy, new PointPair(older, olderCopy)),
            () =>
            {
                foreach (long page in pages) target.Write(written, page * Page, data.AsSpan(0, Page));
            },
            () =>
            {
                // The copy before this one becomes the base; all three write to fresh slots.
                if (newer != Guid.Empty) older = newer;
                olderCopy = TakePoint(target, copy);
                TakePoint(target, written);
                foreach (long page in pages) source.Write(disk, page * Page, data.AsSpan(0, Page));
                newer = TakePoint(source, disk);
            });
        string what = $"copy 1 GiB of which 1 % changed, {moved / Page:n0} of {changed:n0} pages moved";
        yield return new(what, $"{increment / 1000:f2} ms", $"{pageWrites / 1000:f2} ms to write as many", pageWrites / increment, ">= 0.5");
    }

    /// <returns>Bytes moved.</returns>
    private static long Copy(SnapshotStore source, Guid disk, Guid point, SnapshotStore target, Guid volume, PointPair? since)
    {
        using PointCopy copy = new(source, disk, point, target, volume, since is { } pair ? [pair] : []);
        copy.RunAsync(static () => ValueTask.CompletedTask, CancellationToken.None).GetAwaiter().GetResult();
        return copy.CopiedBytes;
    }

    /// <summary>Medians in microseconds of both, taken in turns so that a slow moment of the machine meets both.</summary>
    private static (double Measured, double Limit) Alternate(int rounds, Action measured, Action limit, Action? before = null)
    {
        double[] samples = new double[rounds], limits = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            before?.Invoke();
            long start = Stopwatch.GetTimestamp();
            measured();
            samples[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            start = Stopwatch.GetTimestamp();
            limit();
            limits[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        return (Median(samples), Median(limits));
    }

    private static double Median(ReadOnlySpan<double> samples)
    {
        double[] sorted = samples.ToArray();
        Array.Sort(sorted);
        return sorted[sorted.Length / 2];
    }

    private static Guid NewVolume(SnapshotStore store, long sizeBytes)
    {
        Guid id = Guid.NewGuid();
        store.CreateVolume(id, sizeBytes);
        return id;
    }

    private static Guid TakePoint(SnapshotStore store, Guid disk)
    {
        Guid id = Guid.NewGuid();
        store.CreatePoint(id, [disk]);
        return id;
    }

    private static long[] RandomPages(Random random, int count, long pages)
    {
        var chosen = new HashSet<long>(count);
        while (chosen.Count < count) chosen.Add(random.NextInt64(pages));
        return [.. chosen.Order()];
    }

    private static byte[] Filled(int length, byte value)
    {
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static string Micros(double micros) => micros < 1000 ? $"{micros:f1} us" : $"{micros / 1000:f2} ms";

    private static string PerSecond(double micros) => $"{1e6 / micros:n0} per second";

    private static string Rate(double micros) => $"{Large / micros * 1e6 / GiB:f2} GiB/s";

    /// <summary>A plain file in the same directory: what the file system does with the same bytes.</summary>
    private sealed class PlainFile(string directory) : IDisposable
    {
        private readonly SafeFileHandle _file = File.OpenHandle(Path.Combine(directory, "plain"), FileMode.Create, FileAccess.ReadWrite);
        private readonly SafeFileHandle _log = File.OpenHandle(Path.Combine(directory, "plain-log"), FileMode.Create, FileAccess.ReadWrite);
        private long _end;

        public void Append(byte[] bytes)
        {
            RandomAccess.Write(_log, bytes, _end);
            _end += bytes.Length;
        }

        public void Write(long offsetBytes, byte[] bytes) => RandomAccess.Write(_file, bytes, offsetBytes);

        public void Read(long offsetBytes, byte[] bytes) => RandomAccess.Read(_file, bytes, offsetBytes);

        public void Dispose()
        {
            _file.Dispose();
            _log.Dispose();
        }
    }
}
