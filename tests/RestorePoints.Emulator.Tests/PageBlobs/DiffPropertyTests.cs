using System.Diagnostics;
using System.Net;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>
/// For random histories of disks, over HTTP: what an incremental backup reads gives the newer point, byte for byte, and nothing is listed that was not
/// written or cleared. <c>RESTOREPOINTS_HISTORIES</c> sets how many histories are tried.
/// </summary>
public sealed class DiffPropertyTests(PageBlobServer server, ITestOutputHelper output) : IClassFixture<PageBlobServer>
{
    private const int HistoriesOfTheSuite = 8;
    private const int PairsPerDisk = 6;

    [Fact]
    public async Task The_older_point_with_its_difference_applied_is_the_newer_point_and_nothing_else_is_listed()
    {
        int histories = int.TryParse(Environment.GetEnvironmentVariable("RESTOREPOINTS_HISTORIES"), out int wanted) ? wanted : HistoriesOfTheSuite;
        int firstSeed = Seeds.Choose();
        var watch = Stopwatch.StartNew();
        (int pairs, int cleared, int clones) = (0, 0, 0);
        for (int seed = firstSeed; seed != firstSeed + histories; seed++)
        {
            try
            {
                var random = new Random(seed);
                List<ModelDisk> disks = await LiveAsync(random);
                foreach (ModelDisk disk in disks)
                {
                    Dictionary<string, byte[]> vhds = await CheckListsAsync(disk, random);
                    (int Pairs, int Cleared) done = await CheckPairsAsync(disk, vhds, random);
                    pairs += done.Pairs;
                    cleared += done.Cleared;
                }
                clones += disks.Count - 1;
                End(disks);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"RESTOREPOINTS_SEED={seed}: {failure.Message}", failure);
            }
        }
        output.WriteLine($"{histories} histories from seed {firstSeed}, {clones} clones, {pairs} pairs, {cleared} cleared ranges, {watch.Elapsed.TotalSeconds:F0} s");
        pairs.ShouldBeGreaterThan(histories, "there are pairs to compare");
        cleared.ShouldBeGreaterThan(histories / 2, "differences have cleared ranges");
    }

    /// <summary>A history of a disk and of its clones: the disks with the points that they have at the end.</summary>
    private async Task<List<ModelDisk>> LiveAsync(Random random)
    {
        List<ModelDisk> disks = [await ModelDisk.CreateAsync(server, null)];
        int steps = random.Next(20, 60);
        for (int step = 0; step < steps; step++)
        {
            ModelDisk disk = disks[random.Next(disks.Count)];
            switch (random.Next(20))
            {
                case < 4:
                    await disk.TakePointAsync(server);
                    break;
                case 4 when disk.Points.Count > 2:
                    await disk.DeletePointAsync(server, random.Next(disk.Points.Count));
                    break;
                case 5:
                    disk.Grow(server);
                    break;
                case 6 when disks.Count < 3 && disk.Points.Count > 0:
                    disks.Add(await ModelDisk.CreateAsync(server, disk.Points[random.Next(disk.Points.Count)]));
                    break;
                default:
                    await disk.ChangeAsync(server, random);
                    break;
            }
        }
        foreach (ModelDisk disk in disks)
            await disk.TakePointAsync(server);
        return disks;
    }

    /// <returns>What the URLs give, footer included.</returns>
    private async Task<Dictionary<string, byte[]>> CheckListsAsync(ModelDisk disk, Random random)
    {
        Dictionary<string, byte[]> vhds = [];
        foreach (ModelState state in disk.States)
        {
            byte[] vhd = vhds[state.Url] = await DownloadAsync(state.Url);
            vhd.AsSpan(0, state.Content.Length).ToArray().ShouldBeBytes(state.Content, "the bytes");
            List<PageRange> list = await ListAsync(state.Url, null, null);
            list.ShouldCoverNonZeros(vhd);
            foreach (PageRange range in list)
            {
                range.Kind.ShouldBe(PageRangeKind.Allocated);
                foreach (int page in PagesOf(range, state.Content.Length))
                    state.IsAllocated[page].ShouldBeTrue($"page {page} was never written or is cleared, but is listed");
            }
            await CheckPartsAsync(state.Url, null, list, vhd.Length, random);
        }
        return vhds;
    }

    private async Task<(int Pairs, int Cleared)> CheckPairsAsync(ModelDisk disk, Dictionary<string, byte[]> vhds, Random random)
    {
        int cleared = 0;
        for (int pair = 0; pair < PairsPerDisk; pair++)
        {
            int older = random.Next(disk.Points.Count);
            ModelPoint from = disk.Points[older];
            ModelState to = disk.States[random.Next(older, disk.States.Count)];
            byte[] before = vhds[from.State.Url], after = vhds[to.Url];
            List<PageRange> diff = await ListAsync(to.Url, random.Next(2) == 0 ? from.State.Url : null, from.Time);

            Apply(before, diff, after).ShouldBeBytes(after, "the older point with the difference applied");
            foreach (PageRange range in diff)
            {
                if (range.OffsetBytes == from.State.Content.Length && range.LengthBytes == VhdFooter.LengthBytes && range.Kind == PageRangeKind.Cleared)
                    continue;
                foreach (int page in PagesOf(range, to.Content.Length))
                {
                    bool isOldFooter = from.State.Content.Length < to.Content.Length && page == from.State.Content.Length / PageBytes;
                    (to.LastChange[page] > from.State.Taken || isOldFooter).ShouldBeTrue($"page {page} did not change, but is listed as {range.Kind}");
                    if (range.Kind == PageRangeKind.Allocated)
                        to.IsAllocated[page].ShouldBeTrue($"page {page} is cleared, but is listed as written");
                }
                bool isFooter = range.OffsetBytes + range.LengthBytes > to.Content.Length;
                (isFooter && from.State.Content.Length == to.Content.Length).ShouldBeFalse("a footer that did not move is listed");
            }
            await CheckPartsAsync(to.Url, from, diff, after.Length, random);
            cleared += diff.Count(range => range.Kind == PageRangeKind.Cleared);
        }
        return (PairsPerDisk, cleared);
    }

    /// <summary>Any part of a list, cut at any byte, is that part of it; and its pages add up to it.</summary>
    private async Task CheckPartsAsync(string url, ModelPoint? older, List<PageRange> whole, int length, Random random)
    {
        int start = random.Next(length), end = random.Next(start, length);
        (int Start, int End) sectors = (start / 512 * 512, (end / 512 + 1) * 512);
        string? previous = random.Next(2) == 0 ? older?.State.Url : null;
        List<PageRange> part = await ListAsync(url, previous, older?.Time, $"bytes={start}-{end}");
        part.ShouldBe(Cut(whole, sectors.Start, sectors.End), $"bytes {start} to {end}");

        int maxResults = random.Next(1, 1 + Math.Max(1, random.Next(whole.Count + 2)));
        List<PageRange> pages = [];
        string? marker = "";
        while (marker is not null)
        {
            string query = $"&maxresults={maxResults}" + (marker.Length > 0 ? $"&marker={Uri.EscapeDataString(marker)}" : "");
            (List<PageRange> ranges, marker) = await PageAsync(url + query, previous, older?.Time, $"bytes={start}-{end}");
            ranges.Count.ShouldBeLessThanOrEqualTo(maxResults);
            pages.AddRange(ranges);
            marker = string.IsNullOrEmpty(marker) ? null : marker;
        }
        Merge(pages).ShouldBe(part, $"bytes {start} to {end} in pages of {maxResults}");
    }

    private async Task<List<PageRange>> ListAsync(string url, string? previousUrl, string? previousTime, string? range = null)
    {
        (List<PageRange> ranges, string? marker) = await PageAsync(url, previousUrl, previousTime, range);
        marker.ShouldBeNull("without maxresults a list is complete");
        return Merge(ranges);
    }

    /// <param name="previousUrl">The one spelling of the older point; without it, <paramref name="previousTime"/> is the other.</param>
    private async Task<(List<PageRange> Ranges, string? Marker)> PageAsync(string url, string? previousUrl, string? previousTime, string? range)
    {
        List<(string, string)> headers = [];
        if (previousUrl is not null)
            headers.Add((PreviousSnapshot.UrlHeader, previousUrl));
        if (range is not null)
            headers.Add(("x-ms-range", range));
        string time = previousUrl is null && previousTime is not null ? $"&prevsnapshot={Uri.EscapeDataString(previousTime)}" : "";
        using HttpResponseMessage answer = await server.GetAsync($"{url}&comp=pagelist{time}", [.. headers]);
        return await answer.PageListAsync();
    }

    private async Task<byte[]> DownloadAsync(string url)
    {
        using HttpResponseMessage answer = await server.GetAsync(url);
        return await answer.BytesAsync(HttpStatusCode.OK);
    }

    private void End(List<ModelDisk> disks)
    {
        foreach (ModelDisk disk in disks)
        {
            foreach (ModelPoint point in disk.Points)
                server.Engine.DeletePoint(disk.Disk.Id, point.Point.RestorePointId);
            server.Engine.DeleteHead(disk.Disk.Id);
        }
    }

    private const int PageBytes = 4096;

    private static IEnumerable<int> PagesOf(PageRange range, int diskBytes)
    {
        long end = Math.Min(range.OffsetBytes + range.LengthBytes, diskBytes);
        for (long page = range.OffsetBytes / PageBytes; page * PageBytes < end; page++)
            yield return (int)page;
    }

    private static List<PageRange> Cut(List<PageRange> ranges, long start, long end) =>
        [.. ranges.Select(range => (Range: range, Start: Math.Max(start, range.OffsetBytes), End: Math.Min(end, range.OffsetBytes + range.LengthBytes)))
            .Where(part => part.Start < part.End)
            .Select(part => new PageRange(part.Start, part.End - part.Start, part.Range.Kind))];

    /// <summary>Adjacent ranges of a kind as one: where the server cuts them is its own choice.</summary>
    private static List<PageRange> Merge(List<PageRange> ranges)
    {
        List<PageRange> merged = [];
        foreach (PageRange range in ranges)
        {
            if (merged.Count > 0 && merged[^1] is var last && last.Kind == range.Kind && last.OffsetBytes + last.LengthBytes == range.OffsetBytes)
                merged[^1] = new(last.OffsetBytes, last.LengthBytes + range.LengthBytes, last.Kind);
            else
                merged.Add(range);
        }
        return merged;
    }

    /// <summary>The order of Microsoft's sample: resize, all clears, then the data.</summary>
    private static byte[] Apply(byte[] older, List<PageRange> diff, byte[] newer)
    {
        var result = new byte[newer.Length];
        older.CopyTo(result, 0);
        foreach (PageRange range in diff.Where(range => range.Kind == PageRangeKind.Cleared))
            result.AsSpan((int)range.OffsetBytes, (int)range.LengthBytes).Clear();
        foreach (PageRange range in diff.Where(range => range.Kind == PageRangeKind.Allocated))
            newer.AsSpan((int)range.OffsetBytes, (int)range.LengthBytes).CopyTo(result.AsSpan((int)range.OffsetBytes));
        return result;
    }

    /// <summary>What a disk or point must be.</summary>
    /// <param name="Url">With a read SAS.</param>
    /// <param name="Taken">Number of the last change that it holds.</param>
    /// <param name="LastChange">Per page of 4,096 bytes, the number of the last write or clear; 0: none.</param>
    /// <param name="IsAllocated">Per page: written since it was last cleared as a whole.</param>
    private sealed record ModelState(string Url, byte[] Content, long Taken, long[] LastChange, bool[] IsAllocated);

    private sealed record ModelPoint(ModelState State, DiskRestorePoint Point)
    {
        public string Time => SharedAccessSignature.FormatSnapshotTime(Point.SnapshotTime);
    }

    private sealed class ModelDisk
    {
        private const int InitialBytes = 1 << 20;
        private const int LargestBytes = 4 << 20;

        private string _guestUrl = "", _readUrl = "";
        private byte[] _content = new byte[InitialBytes];
        private long[] _lastChange = new long[InitialBytes / PageBytes];
        private bool[] _isAllocated = new bool[InitialBytes / PageBytes];
        private long _changes;

        public required Disk Disk { get; init; }

        public List<ModelPoint> Points { get; } = [];

        /// <summary>The points, oldest first, then the live disk.</summary>
        public List<ModelState> States => [.. Points.Select(point => point.State), Now(_readUrl)];

        public static async Task<ModelDisk> CreateAsync(PageBlobServer server, ModelPoint? source)
        {
            var model = new ModelDisk { Disk = await server.NewDiskAsync(source?.State.Content.Length ?? InitialBytes, source: source?.Point) };
            if (source is not null)
                (model._content, model._isAllocated, model._lastChange) = ([.. source.State.Content], [.. source.State.IsAllocated], new long[source.State.LastChange.Length]);
            model._guestUrl = await server.GrantAsync(model.Disk, AccessKind.Guest);
            model._readUrl = await server.GrantAsync(model.Disk, AccessKind.Read);
            return model;
        }

        public async Task TakePointAsync(PageBlobServer server)
        {
            DiskRestorePoint point = await server.NewPointAsync(Disk);
            Points.Add(new(Now(await server.GrantAsync(point)), point));
        }

        public async Task DeletePointAsync(PageBlobServer server, int index)
        {
            DiskRestorePoint point = Points[index].Point;
            Points.RemoveAt(index);
            await server.RevokeAsync(point.Id);
            await server.SaveAsync(db => db.DiskRestorePoints.Remove(point));
            server.Engine.DeletePoint(Disk.Id, point.RestorePointId);
        }

        public void Grow(PageBlobServer server)
        {
            int size = Math.Min(_content.Length + InitialBytes, LargestBytes);
            server.Engine.Resize(Disk.Id, size);
            Array.Resize(ref _content, size);
            Array.Resize(ref _lastChange, size / PageBytes);
            Array.Resize(ref _isAllocated, size / PageBytes);
        }

        public async Task ChangeAsync(PageBlobServer server, Random random)
        {
            // Half of the changes meet in a small area, so that pages are changed again and again.
            int area = random.Next(2) == 0 ? _content.Length : 64 * 1024;
            int offset = random.Next(area / 512) * 512;
            int length = Math.Min(_content.Length - offset, random.Next(3) == 0 ? 512 : random.Next(1, random.Next(2) == 0 ? 24 : 400) * 512);
            int kind = random.Next(8);
            byte[] data = kind switch
            {
                < 3 => new byte[length],
                3 => _content[offset..(offset + length)],
                _ => StorageReply.Bytes(length, random.Next()),
            };
            bool clears = kind < 2;
            using HttpResponseMessage answer = clears
                ? await server.SendAsync(HttpMethod.Put, _guestUrl + "&comp=page", [], ("x-ms-page-write", "clear"), ("x-ms-range", $"bytes={offset}-{offset + length - 1}"))
                : await server.PutPageAsync(_guestUrl, offset, data);
            await answer.BytesAsync(HttpStatusCode.Created);

            data.CopyTo(_content, offset);
            _changes++;
            for (int page = offset / PageBytes; page * PageBytes < offset + length; page++)
            {
                bool whole = page * PageBytes >= offset && (page + 1) * PageBytes <= offset + length;
                _lastChange[page] = _changes;
                _isAllocated[page] = clears ? _isAllocated[page] && !whole : true;
            }
        }

        private ModelState Now(string url) => new(url, [.. _content], _changes, [.. _lastChange], [.. _isAllocated]);
    }
}

internal static class PageRangeAssertions
{
    public static void ShouldCoverNonZeros(this List<PageRange> ranges, byte[] content)
    {
        byte[] rest = [.. content];
        foreach (PageRange range in ranges)
            rest.AsSpan((int)range.OffsetBytes, (int)range.LengthBytes).Clear();
        rest.AsSpan().ContainsAnyExcept((byte)0).ShouldBeFalse();
    }
}
