using System.Buffers.Binary;
using System.Security.Cryptography;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>Azure.Storage.Blobs against disks of 64 GiB and of more than 10,000 page ranges: every byte that it reads is the one that was written.</summary>
[Collection(typeof(ExportsCollection))]
public sealed class DotNetBlobTests(Exports exports) : IDisposable
{
    private const int MiB = Exports.MiB;
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Properties_tell_the_length_of_the_vhd_and_that_it_is_a_page_blob()
    {
        foreach (ExportedDisk disk in (ExportedDisk[])[exports.Sparse, exports.Dense, exports.Medium])
        {
            BlobProperties properties = await Client(disk.Points[^1].Sas).GetPropertiesAsync(cancellationToken: Stop);
            (properties.ContentLength, properties.BlobType, properties.LeaseState).ShouldBe((disk.SizeBytes + 512, BlobType.Page, LeaseState.Available));
            byte[] footer = Convert.FromHexString(disk.Points[^1].Footer);
            (BinaryPrimitives.ReadInt64BigEndian(footer.AsSpan(48)), BinaryPrimitives.ReadUInt32BigEndian(footer.AsSpan(64))).ShouldBe((disk.SizeBytes, UploadedVhd.Checksum(footer)));
        }
    }

    [Theory]
    [InlineData(StorageChecksumAlgorithm.MD5)]
    [InlineData(StorageChecksumAlgorithm.StorageCrc64)]
    [InlineData(StorageChecksumAlgorithm.Auto)]
    public async Task A_checked_download_is_the_vhd(StorageChecksumAlgorithm checksum)
    {
        ExportedPoint point = exports.Dense.Points[^1];
        string file = _directory.File("download.vhd");
        await Client(point.Sas).DownloadToAsync(file, new BlobDownloadToOptions { TransferValidation = new DownloadTransferValidationOptions { ChecksumAlgorithm = checksum } }, Stop);
        (await HashOfAsync(file)).ShouldBe(point.VhdHash);
    }

    [Fact]
    public async Task A_download_with_all_defaults_is_the_vhd()
    {
        foreach (ExportedPoint point in (ExportedPoint[])[exports.Dense.Points[1], exports.Medium.Points[^1]])
        {
            string file = _directory.File("download.vhd");
            await Client(point.Sas).DownloadToAsync(file, Stop);
            (await HashOfAsync(file)).ShouldBe(point.VhdHash);
        }
    }

    [Fact]
    public async Task The_page_ranges_of_a_large_disk_hold_everything_that_was_written()
    {
        foreach (ExportedPoint point in exports.Sparse.Points)
        {
            PageBlobClient client = Client(point.Sas);
            var read = new ExportedContent();
            foreach (HttpRange range in await PageRangesAsync(client))
                read.Write(range.Offset, await ReadAsync(client, range));
            read.Clear(exports.Sparse.SizeBytes, 512);
            read.Hash().ShouldBe(point.ContentHash);
        }
    }

    [Fact]
    public async Task A_stream_reads_a_large_disk_wherever_it_is_placed()
    {
        ExportedPoint point = exports.Sparse.Points[1];
        PageBlobClient client = Client(point.Sas);
        await using Stream stream = await client.OpenReadAsync(new BlobOpenReadOptions(allowModifications: false) { BufferSize = 64 * 1024 }, Stop);
        stream.Length.ShouldBe(exports.Sparse.SizeBytes + 512);
        var read = new ExportedContent();
        foreach (HttpRange range in await PageRangesAsync(client))
        {
            byte[] data = new byte[range.Length!.Value];
            stream.Position = range.Offset;
            await stream.ReadExactlyAsync(data, Stop);
            read.Write(range.Offset, data);
        }
        read.Clear(exports.Sparse.SizeBytes, 512);
        read.Hash().ShouldBe(point.ContentHash);
    }

    [Fact]
    public async Task All_page_ranges_come_whatever_the_size_of_a_page()
    {
        PageBlobClient sparse = Client(exports.Sparse.Points[1].Sas), dense = Client(exports.Dense.Points[1].Sas);
        List<HttpRange> expected = await PageRangesAsync(sparse);
        expected.Count.ShouldBeGreaterThan(8);
        expected[^1].ShouldBe(new HttpRange(exports.Sparse.SizeBytes, 512));
        (await PagesAsync(sparse, 1)).ShouldAllBe(page => page.Count == 1);
        foreach (int hint in (int[])[1, 2, 10_000])
            (await PagesAsync(sparse, hint)).SelectMany(page => page).ShouldBe(expected, $"page size hint {hint}");

        var alternate = Enumerable.Range(0, Exports.DenseRanges).Select(i => new HttpRange(2L * i * Exports.Page, Exports.Page)).Append(new HttpRange(exports.Dense.SizeBytes, 512)).ToList();
        List<List<HttpRange>> pages = await PagesAsync(dense, 10_000);
        pages.Select(page => page.Count).ShouldBe([10_000, Exports.DenseRanges + 1 - 10_000]);
        pages.SelectMany(page => page).ShouldBe(alternate);
        (await PagesAsync(dense, null)).SelectMany(page => page).ShouldBe(alternate);
    }

    [Fact]
    public async Task A_difference_of_more_than_10000_ranges_is_complete()
    {
        List<ExportedPoint> points = exports.Dense.Points;
        PageRangesInfo first = await DiffAsync(points[1], points[0]), second = await DiffAsync(points[2], points[1]);
        (first.PageRanges.Count(), first.ClearRanges.Count()).ShouldBe((Exports.DenseRanges, 0));
        (second.PageRanges.Count(), second.ClearRanges.Count()).ShouldBe((Exports.DenseRanges, Exports.DenseRanges));
        second.PageRanges.ShouldAllBe(range => range.Offset % (2 * Exports.Page) == Exports.Page && range.Length == Exports.Page);
        second.ClearRanges.ShouldAllBe(range => range.Offset % (2 * Exports.Page) == 0 && range.Length == Exports.Page);
    }

    /// <summary>The first point whole, then at each further one what changed.</summary>
    [Fact]
    public async Task A_backup_that_follows_the_differences_is_every_point()
    {
        await using FileStream backup = File.Create(_directory.File("backup.vhd"));
        await BackUpAsync(backup, exports.Dense.Points[0]);
        foreach ((int i, ExportedPoint point) in exports.Dense.Points.Index().Skip(1))
        {
            await FollowAsync(backup, point, await DiffAsync(point, exports.Dense.Points[i - 1]));
            (await HashOfAsync(backup)).ShouldBe(point.VhdHash, $"point {i} of the dense disk");
        }

        var large = new ExportedContent();
        foreach ((int i, ExportedPoint point) in exports.Sparse.Points.Index().Skip(1))
        {
            PageRangesInfo diff = await DiffAsync(point, exports.Sparse.Points[i - 1]);
            foreach (HttpRange range in diff.ClearRanges)
                large.Clear(range.Offset, range.Length!.Value);
            foreach (HttpRange range in diff.PageRanges)
                large.Write(range.Offset, await ReadAsync(Client(point.Sas), range));
            large.Hash().ShouldBe(point.ContentHash, $"point {i} of the large disk");
        }
    }

    [Fact]
    public async Task Access_that_ended_is_a_403_that_says_why()
    {
        ExportedPoint point = exports.Medium.Points[^1];
        await ShouldFailAsync(403, "AuthenticationFailed", () => Client(exports.Revoked).DownloadContentAsync(Stop), "SAS identifier cannot be found for specified signed identifier");
        await ShouldFailAsync(403, "AuthenticationFailed", () => Client(exports.Expired).DownloadContentAsync(Stop), "Signature not valid in the specified time frame");
        await ShouldFailAsync(403, "AuthenticationFailed", () => Client(exports.Expired).GetPropertiesAsync(cancellationToken: Stop));
        await ShouldFailAsync(403, "AuthenticationFailed", () => Client(point.Sas).GetManagedDiskPageRangesDiffAsync(previousSnapshotUri: new Uri(exports.Revoked), cancellationToken: Stop));
        await ShouldFailAsync(403, "AuthenticationFailed", () => Client(point.Sas).GetManagedDiskPageRangesDiffAsync(previousSnapshotUri: new Uri(exports.Expired), cancellationToken: Stop));
    }

    [Fact]
    public async Task A_difference_against_a_newer_point_or_another_disk_is_refused()
    {
        List<ExportedPoint> points = exports.Medium.Points;
        await ShouldFailAsync(400, "PreviousSnapshotCannotBeNewer", () => DiffAsync(points[1], points[2]));
        await ShouldFailAsync(409, "BlobOverwritten", () => DiffAsync(points[1], exports.Dense.Points[0]));
    }

    [Theory]
    [InlineData(StorageChecksumAlgorithm.MD5, "Md5Mismatch")]
    [InlineData(StorageChecksumAlgorithm.StorageCrc64, "Crc64Mismatch")]
    public async Task An_upload_is_checked_and_a_bad_checksum_changes_nothing(StorageChecksumAlgorithm checksum, string code)
    {
        const int size = 20 * MiB;
        byte[] vhd = [.. World.Noise(500, size), .. UploadedVhd.CreateFooter(size)];
        UploadTarget target = await exports.NewUploadAsync(size);
        PageBlobClient client = Client(target.Sas);
        for (int offset = 0; offset < vhd.Length; offset += 4 * MiB)
        {
            using var piece = new MemoryStream(vhd, offset, Math.Min(4 * MiB, vhd.Length - offset));
            await client.UploadPagesAsync(piece, offset, new PageBlobUploadPagesOptions { TransferValidation = new UploadTransferValidationOptions { ChecksumAlgorithm = checksum } }, Stop);
        }
        byte[] wrong = new byte[checksum == StorageChecksumAlgorithm.MD5 ? 16 : 8];
        await ShouldFailAsync(400, code, () => client.UploadPagesAsync(new MemoryStream(new byte[4096]), 8192,
            new PageBlobUploadPagesOptions { TransferValidation = new UploadTransferValidationOptions { ChecksumAlgorithm = checksum, PrecalculatedChecksum = wrong } }, Stop));

        BlobDownloadResult read = await client.DownloadContentAsync(Stop);
        read.Content.ToMemory().Span.SequenceEqual(vhd).ShouldBeTrue("every byte, also where the refused page would have been");
        await exports.World.Arm.RevokeAsync(target.Disk);
        (await exports.World.Arm.GetAsync(target.Disk))["properties.diskState"].ShouldBe("Unattached");
    }

    private static async Task BackUpAsync(FileStream backup, ExportedPoint point)
    {
        PageBlobClient client = Client(point.Sas);
        backup.SetLength((await client.GetPropertiesAsync(cancellationToken: Stop)).Value.ContentLength);
        foreach (HttpRange range in await PageRangesAsync(client))
            RandomAccess.Write(backup.SafeFileHandle, await ReadAsync(client, range), range.Offset);
    }

    /// <summary>Reads 4 MiB at once where something in them changed: ten thousand requests of a page each would take longer.</summary>
    private static async Task FollowAsync(FileStream backup, ExportedPoint point, PageRangesInfo diff)
    {
        PageBlobClient client = Client(point.Sas);
        foreach (HttpRange range in diff.ClearRanges)
            RandomAccess.Write(backup.SafeFileHandle, new byte[range.Length!.Value], range.Offset);
        foreach (IGrouping<long, HttpRange> near in diff.PageRanges.GroupBy(range => range.Offset / (4 * MiB)))
        {
            long start = near.First().Offset, end = near.Last().Offset + near.Last().Length!.Value;
            byte[] read = await ReadAsync(client, new HttpRange(start, end - start));
            foreach (HttpRange range in near)
                RandomAccess.Write(backup.SafeFileHandle, read.AsSpan((int)(range.Offset - start), (int)range.Length!.Value), range.Offset);
        }
    }

    private static async Task<byte[]> ReadAsync(PageBlobClient client, HttpRange range) =>
        (await client.DownloadContentAsync(new BlobDownloadOptions { Range = range }, Stop)).Value.Content.ToArray();

    private static async Task<PageRangesInfo> DiffAsync(ExportedPoint point, ExportedPoint previous) =>
        await Client(point.Sas).GetManagedDiskPageRangesDiffAsync(previousSnapshotUri: new Uri(previous.Sas), cancellationToken: Stop);

    private static async Task<List<HttpRange>> PageRangesAsync(PageBlobClient client) => [.. (await PagesAsync(client, null)).SelectMany(page => page)];

    private static async Task<List<List<HttpRange>>> PagesAsync(PageBlobClient client, int? hint) =>
        await client.GetAllPageRangesAsync(cancellationToken: Stop).AsPages(pageSizeHint: hint).Select(page => page.Values.Select(item => item.Range).ToList()).ToListAsync(Stop);

    private static async Task<string> HashOfAsync(string file)
    {
        await using FileStream stream = File.OpenRead(file);
        return await HashOfAsync(stream);
    }

    private static async Task<string> HashOfAsync(FileStream stream)
    {
        stream.Position = 0;
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, Stop));
    }

    private static async Task ShouldFailAsync(int status, string code, Func<Task> call, string detail = "")
    {
        RequestFailedException failure = await Should.ThrowAsync<RequestFailedException>(call);
        (failure.Status, failure.ErrorCode).ShouldBe((status, code));
        failure.Message.ShouldContain(detail);
    }

    /// <summary>The client that a reader of docs/data-plane.md makes, except that it does not try again.</summary>
    private static PageBlobClient Client(string sas) => new(new Uri(sas), new BlobClientOptions { Retry = { MaxRetries = 0 } });

    public void Dispose() => _directory.Dispose();
}
