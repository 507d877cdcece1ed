using Shouldly;
using Xunit;

namespace RestorePoints.SnapshotEngine.Tests;

/// <summary>Copies of points to another store: equal bytes, equal differences, only what changed is moved, and no interruption leaves anything behind.</summary>
public sealed class PointCopyTests(ITestOutputHelper output)
{
    private const int PageBytes = Geometry.PageBytes;

    [Fact]
    public async Task Copying_1_GiB_with_1_percent_changed_moves_1_percent()
    {
        const long size = 1L << 30;
        using TestDirectory sourceDirectory = new(), targetDirectory = new();
        using SnapshotStore source = SnapshotStore.Open(sourceDirectory.Path), target = SnapshotStore.Open(targetDirectory.Path);
        Guid disk = Guid.NewGuid(), copies = Guid.NewGuid(), first = Guid.NewGuid(), second = Guid.NewGuid(), third = Guid.NewGuid();
        source.CreateVolume(disk, size);
        target.CreateVolume(copies, size);
        byte[] noise = new byte[4 << 20];
        var random = new Random(1);
        random.NextBytes(noise);
        for (long at = 0; at < size; at += noise.Length) source.Write(disk, at, noise);
        source.CreatePoint(first, [disk]);
        (await CopyAsync(source, disk, first, target, copies)).ShouldBe(size, "the first copy is full");

        HashSet<int> pages = [];
        while (pages.Count < size / PageBytes / 100) pages.Add(random.Next((int)(size / PageBytes)));
        foreach (int page in pages)
        {
            random.NextBytes(noise.AsSpan(0, PageBytes));
            source.Write(disk, (long)page * PageBytes, noise.AsSpan(0, PageBytes));
        }

        source.CreatePoint(second, [disk]);
        (await CopyAsync(source, disk, second, target, copies, first)).ShouldBe((long)pages.Count * PageBytes);
        source.CreatePoint(third, [disk]);
        (await CopyAsync(source, disk, third, target, copies, second, first)).ShouldBe(0, "nothing changed");
        Same(source, disk, target, copies, third);
    }

    [Fact]
    public async Task Written_zeros_stay_allocated_and_clears_become_clears_and_the_size_follows()
    {
        using TestDirectory sourceDirectory = new(), targetDirectory = new();
        using SnapshotStore source = Small.Open(sourceDirectory), target = Small.Open(targetDirectory);
        Guid disk = Guid.NewGuid(), copies = Guid.NewGuid(), first = Guid.NewGuid(), second = Guid.NewGuid();
        source.CreateVolume(disk, 8 * PageBytes);
        target.CreateVolume(copies, 8 * PageBytes);
        source.Write(disk, 0, Filled(2, 7));
        source.Write(disk, 3 * PageBytes, new byte[2 * PageBytes]);
        source.CreatePoint(first, [disk]);
        (await CopyAsync(source, disk, first, target, copies)).ShouldBe(4 * PageBytes);
        Ranges(target, copies, first).ShouldBe([new(0, 2 * PageBytes, PageRangeKind.Allocated), new(3 * PageBytes, 2 * PageBytes, PageRangeKind.Allocated)]);

        source.Clear(disk, 0, PageBytes);
        source.Resize(disk, 11 * PageBytes);
        source.Write(disk, 10 * PageBytes, Filled(1, 9));
        source.CreatePoint(second, [disk]);
        (await CopyAsync(source, disk, second, target, copies, first)).ShouldBe(PageBytes);
        using VolumeView view = target.OpenPoint(copies, second);
        view.SizeBytes.ShouldBe(11 * PageBytes);
        view.GetChangesSince(first, 0, view.SizeBytes).ShouldBe([new(0, PageBytes, PageRangeKind.Cleared), new(10 * PageBytes, PageBytes, PageRangeKind.Allocated)]);
        Same(source, disk, target, copies, first);
        Same(source, disk, target, copies, second);
    }

    [Fact]
    public async Task A_copy_ends_when_its_point_is_deleted_or_the_head_it_writes_to()
    {
        using TestDirectory sourceDirectory = new(), targetDirectory = new();
        using SnapshotStore source = Small.Open(sourceDirectory), target = Small.Open(targetDirectory);
        Guid disk = Guid.NewGuid(), copies = Guid.NewGuid(), first = Guid.NewGuid(), second = Guid.NewGuid();
        source.CreateVolume(disk, 8 * PageBytes);
        target.CreateVolume(copies, 8 * PageBytes);
        source.Write(disk, 0, Filled(8, 7));
        source.CreatePoint(first, [disk]);
        source.CreatePoint(second, [disk]);
        using (PointCopy copy = new(source, disk, first, target, copies, []))
        {
            await Should.ThrowAsync<PointNotFoundException>(() => copy.RunAsync(() =>
            {
                if (copy.Percent == 50) source.DeletePoint(disk, first);
                return ValueTask.CompletedTask;
            }, CancellationToken.None));
            copy.Percent.ShouldBe(50);
        }

        using (PointCopy copy = new(source, disk, second, target, copies, []))
        {
            await Should.ThrowAsync<VolumeNotFoundException>(() => copy.RunAsync(() =>
            {
                if (copy.Percent == 50) target.DeleteHead(copies);
                return ValueTask.CompletedTask;
            }, CancellationToken.None));
        }

        source.ShouldAccountForEverySlot();
        target.FlushInBackground();
        target.ShouldAccountForEverySlot();
        target.GetUsage().UsedBytes.ShouldBe(0);
    }

    [Fact]
    public async Task What_a_copy_of_a_later_point_left_in_the_head_does_not_stay()
    {
        using TestDirectory sourceDirectory = new(), targetDirectory = new();
        using SnapshotStore source = Small.Open(sourceDirectory), target = Small.Open(targetDirectory);
        Guid disk = Guid.NewGuid(), copies = Guid.NewGuid(), first = Guid.NewGuid(), second = Guid.NewGuid(), third = Guid.NewGuid();
        source.CreateVolume(disk, 8 * PageBytes);
        target.CreateVolume(copies, 8 * PageBytes);
        source.Write(disk, 0, Filled(4, 1));
        source.CreatePoint(first, [disk]);
        await CopyAsync(source, disk, first, target, copies);
        source.Write(disk, PageBytes, Filled(1, 2));
        source.CreatePoint(second, [disk]);
        source.Write(disk, 2 * PageBytes, Filled(4, 3));
        source.CreatePoint(third, [disk]);
        await CopyAsync(source, disk, third, target, copies, first);
        target.DeletePoint(copies, third);
        await CopyAsync(source, disk, second, target, copies, first);
        Same(source, disk, target, copies, second);
    }

    /// <summary>
    /// Copies after some points, some of them interrupted and left, the stores opened anew, points deleted on both sides: every copied point shows
    /// what its source shows, and what changed between two copies is what changed between their sources, or more after an interruption.
    /// </summary>
    [Fact]
    public async Task Random_histories_are_copied_point_by_point_with_equal_bytes_and_differences()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("RESTOREPOINTS_SEED"), out int given) ? given : Random.Shared.Next();
        int copied = 0, interrupted = 0, compared = 0, partial = 0;
        try
        {
            for (int history = 0; history < 60; history++)
            {
                var random = new Random(seed + history);
                using TestDirectory sourceDirectory = new(), targetDirectory = new();
                SnapshotStore source = Small.Open(sourceDirectory), target = Small.Open(targetDirectory);
                try
                {
                    Guid disk = Guid.NewGuid(), copies = Guid.NewGuid();
                    int pages = random.Next(3, 20);
                    source.CreateVolume(disk, pages * PageBytes);
                    target.CreateVolume(copies, pages * PageBytes);
                    // What the test knows of points that were deleted at the source.
                    Dictionary<Guid, byte[]> content = [];
                    List<Guid> done = [];
                    bool clean = true;
                    for (int step = 0; step < 12; step++)
                    {
                        for (int change = random.Next(5); change > 0; change--)
                        {
                            int at = random.Next(pages), count = random.Next(1, Math.Min(4, pages - at) + 1);
                            if (random.Next(4) == 0) source.Clear(disk, at * PageBytes, count * PageBytes);
                            else source.Write(disk, at * PageBytes, Filled(count, (byte)random.Next(3)));
                        }

                        if (random.Next(6) == 0) source.Resize(disk, (pages += random.Next(1, 4)) * PageBytes);
                        Guid point = Guid.NewGuid();
                        source.CreatePoint(point, [disk]);
                        if (random.Next(3) == 0) continue;
                        PointPair[] bases = [.. Enumerable.Reverse(done).Select(known => new PointPair(known, known))];
                        if (random.Next(4) == 0)
                        {
                            using PointCopy stopped = new(source, disk, point, target, copies, bases);
                            int left = random.Next(6);
                            await Should.ThrowAsync<OperationCanceledException>(async () =>
                            {
                                await stopped.RunAsync(() => left-- == 0 ? throw new OperationCanceledException() : ValueTask.CompletedTask, CancellationToken.None);
                                throw new OperationCanceledException("before it was frozen");
                            });
                            interrupted++;
                            clean = false;
                            if (random.Next(2) == 0) continue;
                        }

                        if (random.Next(3) == 0)
                        {
                            source.Dispose();
                            target.Dispose();
                            (source, target) = (Small.Open(sourceDirectory), Small.Open(targetDirectory));
                        }

                        long moved = await CopyAsync(source, disk, point, target, copies, [.. Enumerable.Reverse(done)]);
                        if (moved < pages * PageBytes) partial++;
                        content[point] = Bytes(source, disk, point);
                        copied++;
                        done.Add(point);
                        Same(source, disk, target, copies, point);
                        if (done.Count > 1 && source.FindPointSize(disk, done[^2]) is not null && target.FindPointSize(copies, done[^2]) is not null)
                        {
                            (int, bool)[] expected = Changes(source, disk, done[^2], point), found = Changes(target, copies, done[^2], point);
                            if (clean) found.ShouldBe(expected);
                            else expected.Except(found).ShouldBeEmpty();
                            compared++;
                        }

                        clean = true;
                        if (random.Next(4) == 0) source.DeletePoint(disk, done[random.Next(done.Count)]);
                        // A base that is gone makes the next copy move more, and its difference with it.
                        if (random.Next(4) == 0) target.DeletePoint(copies, done[random.Next(done.Count)]);
                        clean = source.FindPointSize(disk, point) is not null && target.FindPointSize(copies, point) is not null;
                    }

                    foreach (Guid point in done.Where(known => target.FindPointSize(copies, known) is not null)) Bytes(target, copies, point).ShouldBe(content[point]);
                    target.ShouldAccountForEverySlot();
                    source.ShouldAccountForEverySlot();
                }
                finally
                {
                    source.Dispose();
                    target.Dispose();
                }
            }
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"Seed {seed}: {exception.Message}", exception);
        }

        output.WriteLine($"seed {seed}: {copied} copies, {partial} of them not full, {interrupted} interrupted, {compared} differences compared");
        interrupted.ShouldBeGreaterThan(20);
        compared.ShouldBeGreaterThan(50);
        partial.ShouldBeGreaterThan(100);
    }

    /// <returns>The bytes moved.</returns>
    private static async Task<long> CopyAsync(SnapshotStore source, Guid disk, Guid point, SnapshotStore target, Guid copies, params Guid[] bases)
    {
        long moved;
        using (PointCopy copy = new(source, disk, point, target, copies, bases.Select(known => new PointPair(known, known))))
        {
            int last = 0;
            await copy.RunAsync(() =>
            {
                copy.Percent.ShouldBeInRange(last, 100);
                last = copy.Percent;
                return ValueTask.CompletedTask;
            }, CancellationToken.None);
            copy.Percent.ShouldBe(100);
            copy.CopiedBytes.ShouldBe(copy.TotalBytes);
            moved = copy.CopiedBytes;
        }

        target.CreatePoint(point, [copies]);
        return moved;
    }

    private static void Same(SnapshotStore source, Guid disk, SnapshotStore target, Guid copies, Guid point)
    {
        Ranges(target, copies, point).ShouldBe(Ranges(source, disk, point));
        using VolumeView a = source.OpenPoint(disk, point), b = target.OpenPoint(copies, point);
        b.SizeBytes.ShouldBe(a.SizeBytes);
        byte[] left = new byte[1 << 20], right = new byte[1 << 20];
        for (long at = 0; at < a.SizeBytes; at += left.Length)
        {
            int length = (int)Math.Min(left.Length, a.SizeBytes - at);
            a.Read(at, left.AsSpan(0, length));
            b.Read(at, right.AsSpan(0, length));
            left.AsSpan(0, length).SequenceEqual(right.AsSpan(0, length)).ShouldBeTrue($"bytes from {at}");
        }
    }

    private static PageRange[] Ranges(SnapshotStore store, Guid volume, Guid point)
    {
        using VolumeView view = store.OpenPoint(volume, point);
        return [.. view.GetPageRanges(0, view.SizeBytes)];
    }

    private static byte[] Bytes(SnapshotStore store, Guid volume, Guid point)
    {
        using VolumeView view = store.OpenPoint(volume, point);
        byte[] bytes = new byte[view.SizeBytes];
        view.Read(0, bytes);
        return bytes;
    }

    /// <summary>The changed pages, each with whether it was cleared; without those that were clear before and are again, which a copy has no reason to touch.</summary>
    private static (int Page, bool Cleared)[] Changes(SnapshotStore store, Guid volume, Guid older, Guid newer)
    {
        HashSet<int> allocatedBefore = [.. Ranges(store, volume, older).SelectMany(PagesOf)];
        using VolumeView view = store.OpenPoint(volume, newer);
        return [.. view.GetChangesSince(older, 0, view.SizeBytes)
            .SelectMany(range => PagesOf(range).Select(page => (page, range.Kind == PageRangeKind.Cleared)))
            .Where(change => !change.Item2 || allocatedBefore.Contains(change.page))];
    }

    private static IEnumerable<int> PagesOf(PageRange range) => Enumerable.Range((int)(range.OffsetBytes / PageBytes), (int)(range.LengthBytes / PageBytes));

    private static byte[] Filled(int pages, byte value)
    {
        byte[] bytes = new byte[pages * PageBytes];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}
