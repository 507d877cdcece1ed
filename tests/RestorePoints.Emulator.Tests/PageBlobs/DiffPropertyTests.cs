using System.Net;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>For random histories of a disk: what an incremental backup does over HTTP gives the newer point, byte for byte.</summary>
public sealed class DiffPropertyTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const int InitialSize = 1 << 20;

    [Fact]
    public async Task The_older_point_with_its_difference_applied_is_the_newer_point()
    {
        int firstSeed = Random.Shared.Next();
        for (int seed = firstSeed; seed < firstSeed + 12; seed++)
        {
            try
            {
                await CheckHistoryAsync(new Random(seed));
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"seed {seed}: {failure.Message}", failure);
            }
        }
    }

    private async Task CheckHistoryAsync(Random random)
    {
        Disk disk = await server.NewDiskAsync(InitialSize);
        long size = InitialSize;
        List<(string Url, byte[] Vhd)> points = [];
        for (int number = 0; number < 5; number++)
        {
            for (int step = random.Next(8); step > 0; step--)
                size = Change(disk.Id, size, random);
            string url = await server.GrantAsync(await server.NewPointAsync(disk));
            points.Add((url, await (await server.GetAsync(url)).BytesAsync(HttpStatusCode.OK)));
        }

        for (int older = 0; older < points.Count; older++)
        {
            (await ListAsync(points[older].Url, "")).ShouldCoverNonZeros(points[older].Vhd);
            for (int newer = older; newer < points.Count; newer++)
            {
                (byte[] from, byte[] to) = (points[older].Vhd, points[newer].Vhd);
                List<PageRange> diff = await ListAsync(points[newer].Url, points[older].Url);
                Apply(from, diff, to).ShouldBeBytes(to, $"points {older} and {newer}");

                // Parts of the list, cut at any byte, cover what they name and add up to the same.
                int cut = random.Next(1, to.Length - 1);
                List<PageRange> parts = [.. await ListAsync(points[newer].Url, points[older].Url, $"bytes=0-{cut - 1}"), .. await ListAsync(points[newer].Url, points[older].Url, $"bytes={cut}-")];
                Apply(from, parts, to).ShouldBeBytes(to, $"points {older} and {newer} cut at {cut}");
            }
        }
    }

    /// <summary>One random change; returns the size after it.</summary>
    private long Change(Guid volumeId, long size, Random random)
    {
        long offset = random.Next((int)(size / 512)) * 512L;
        long length = Math.Min(size - offset, random.Next(1, 64) * 512L);
        switch (random.Next(6))
        {
            case 0:
                server.Engine.Clear(volumeId, offset, length);
                break;
            case 1:
                server.Engine.Write(volumeId, offset, new byte[length]);
                break;
            case 2 when size < 4 * InitialSize:
                size += InitialSize;
                server.Engine.Resize(volumeId, size);
                break;
            default:
                server.Engine.Write(volumeId, offset, StorageReply.Bytes((int)length, random.Next()));
                break;
        }
        return size;
    }

    private async Task<List<PageRange>> ListAsync(string url, string previousUrl, string range = "bytes=0-") =>
        (await (await server.GetAsync(url + "&comp=pagelist", ("x-ms-previous-snapshot-url", previousUrl), ("x-ms-range", range))).PageListAsync()).Ranges;

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
