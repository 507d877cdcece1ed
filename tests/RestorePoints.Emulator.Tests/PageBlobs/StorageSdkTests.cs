using Azure;
using Azure.Storage;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>The vendor's own .NET client against the data plane.</summary>
public sealed class StorageSdkTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const int Size = 10 << 20;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StorageChecksumAlgorithm.None)]
    [InlineData(StorageChecksumAlgorithm.MD5)]
    [InlineData(StorageChecksumAlgorithm.StorageCrc64)]
    [InlineData(StorageChecksumAlgorithm.Auto)]
    public async Task A_download_is_the_vhd_whatever_its_checksums(StorageChecksumAlgorithm checksum)
    {
        (DiskRestorePoint point, byte[] vhd) = await NewPointAsync();
        using var copy = new MemoryStream();
        await PageBlobServer.Client(await server.GrantAsync(point)).DownloadToAsync(copy, new BlobDownloadToOptions
        {
            TransferValidation = new DownloadTransferValidationOptions { ChecksumAlgorithm = checksum },
            TransferOptions = new StorageTransferOptions { InitialTransferSize = 3 << 20, MaximumTransferSize = 1 << 20, MaximumConcurrency = 3 },
        }, Cancel);
        copy.ToArray().ShouldBeBytes(vhd);
    }

    [Fact]
    public async Task Defaults_of_the_client_work_for_download_and_open_read()
    {
        (DiskRestorePoint point, byte[] vhd) = await NewPointAsync();
        PageBlobClient client = PageBlobServer.Client(await server.GrantAsync(point));
        (client.AccountName, client.Name).ShouldBe((client.Uri.Segments[1].Trim('/'), "abcd"));
        using var download = new MemoryStream();
        await client.DownloadToAsync(download, Cancel);
        download.ToArray().ShouldBeBytes(vhd);

        await using Stream stream = await client.OpenReadAsync(new BlobOpenReadOptions(allowModifications: false) { BufferSize = 700_000 }, Cancel);
        using var read = new MemoryStream();
        await stream.CopyToAsync(read, Cancel);
        read.ToArray().ShouldBeBytes(vhd);
    }

    [Fact]
    public async Task Properties_describe_the_export()
    {
        (DiskRestorePoint point, _) = await NewPointAsync();
        BlobProperties properties = await PageBlobServer.Client(await server.GrantAsync(point)).GetPropertiesAsync(cancellationToken: Cancel);
        properties.ContentLength.ShouldBe(Size + 512);
        properties.BlobType.ShouldBe(BlobType.Page);
        properties.BlobSequenceNumber.ShouldBe(0);
        properties.LastModified.ShouldBe(point.SnapshotTime.AddTicks(-(point.SnapshotTime.Ticks % TimeSpan.TicksPerSecond)));
    }

    [Fact]
    public async Task Exists_is_false_when_the_disk_is_gone_and_an_error_when_access_ended()
    {
        Disk disk = await server.NewDiskAsync(1 << 20);
        PageBlobClient client = PageBlobServer.Client(await server.GrantAsync(disk, AccessKind.Read));
        (await client.ExistsAsync(Cancel)).Value.ShouldBeTrue();
        server.Engine.DeleteHead(disk.Id);
        (await client.ExistsAsync(Cancel)).Value.ShouldBeFalse();
        await server.RevokeAsync(disk.Id);
        RequestFailedException failure = await Should.ThrowAsync<RequestFailedException>(() => client.GetPropertiesAsync(cancellationToken: Cancel));
        (failure.Status, failure.ErrorCode).ShouldBe((403, "AuthenticationFailed"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(10_000)]
    public async Task All_page_ranges_are_found_at_any_page_size(int? hint)
    {
        (DiskRestorePoint point, _) = await NewPointAsync();
        PageBlobClient client = PageBlobServer.Client(await server.GrantAsync(point));
        List<HttpRange> ranges = [];
        await foreach (Page<PageRangeItem> page in client.GetAllPageRangesAsync(cancellationToken: Cancel).AsPages(pageSizeHint: hint))
        {
            page.Values.Count.ShouldBeLessThanOrEqualTo(hint ?? int.MaxValue);
            ranges.AddRange(page.Values.Select(item => item.Range));
        }
        ranges.ShouldBe([new HttpRange(4096, 2 << 20), new HttpRange(8 << 20, 4096), new HttpRange(Size, 512)]);
    }

    [Fact]
    public async Task Differences_are_found_by_url_and_by_snapshot()
    {
        Disk disk = await server.NewDiskAsync(Size);
        server.Engine.Write(disk.Id, 0, StorageReply.Bytes(16384, seed: 1));
        DiskRestorePoint older = await server.NewPointAsync(disk);
        server.Engine.Write(disk.Id, 8192, StorageReply.Bytes(4096, seed: 2));
        server.Engine.Clear(disk.Id, 4096, 4096);
        DiskRestorePoint newer = await server.NewPointAsync(disk);
        PageBlobClient client = PageBlobServer.Client(await server.GrantAsync(newer));

        PageRangesInfo byUrl = await client.GetManagedDiskPageRangesDiffAsync(previousSnapshotUri: new Uri(await server.GrantAsync(older)), cancellationToken: Cancel);
        byUrl.PageRanges.ShouldBe([new HttpRange(8192, 4096)]);
        byUrl.ClearRanges.ShouldBe([new HttpRange(4096, 4096)]);

        List<PageRangeItem> bySnapshot = [];
        await foreach (PageRangeItem item in client.GetAllPageRangesDiffAsync(
            new GetPageRangesDiffOptions { PreviousSnapshot = $"{older.SnapshotTime:yyyy-MM-ddTHH:mm:ss.fffffff}Z" }, Cancel))
            bySnapshot.Add(item);
        bySnapshot.Select(item => (item.Range, item.IsClear)).ShouldBe([(new HttpRange(4096, 4096), true), (new HttpRange(8192, 4096), false)]);
    }

    [Fact]
    public async Task A_difference_with_access_to_the_previous_point_ended_is_forbidden()
    {
        (DiskRestorePoint point, _) = await NewPointAsync();
        Uri url = new(await server.GrantAsync(point));
        await server.RevokeAsync(point.Id);
        PageBlobClient client = PageBlobServer.Client(await server.GrantAsync(point));
        RequestFailedException failure = await Should.ThrowAsync<RequestFailedException>(() => client.GetManagedDiskPageRangesDiffAsync(previousSnapshotUri: url, cancellationToken: Cancel));
        (failure.Status, failure.ErrorCode).ShouldBe((403, "AuthenticationFailed"));
    }

    [Theory]
    [InlineData(StorageChecksumAlgorithm.None)]
    [InlineData(StorageChecksumAlgorithm.MD5)]
    [InlineData(StorageChecksumAlgorithm.StorageCrc64)]
    [InlineData(StorageChecksumAlgorithm.Auto)]
    public async Task Uploaded_and_cleared_pages_read_back(StorageChecksumAlgorithm checksum)
    {
        PageBlobClient client = PageBlobServer.Client(await server.GrantAsync(await server.NewDiskAsync(Size), AccessKind.Guest));
        byte[] data = StorageReply.Bytes(4 << 20, seed: 5);
        PageInfo info = await client.UploadPagesAsync(new MemoryStream(data), 512,
            new PageBlobUploadPagesOptions { TransferValidation = new UploadTransferValidationOptions { ChecksumAlgorithm = checksum } }, Cancel);
        (await client.GetPropertiesAsync(cancellationToken: Cancel)).Value.ETag.ShouldBe(info.ETag);
        await client.ClearPagesAsync(new HttpRange(1024, 4096), cancellationToken: Cancel);
        data.AsSpan(512, 4096).Clear();
        BlobDownloadResult read = await client.DownloadContentAsync(new BlobDownloadOptions { Range = new HttpRange(512, data.Length) }, Cancel);
        read.Content.ToArray().ShouldBeBytes(data);
    }

    [Fact]
    public async Task A_vhd_that_was_downloaded_uploads_through_an_open_stream()
    {
        (_, byte[] vhd) = await NewPointAsync();
        Disk target = await server.NewDiskAsync(Size, upload: true);
        PageBlobClient client = PageBlobServer.Client(await server.GrantAsync(target, AccessKind.Upload));
        (await client.GetPropertiesAsync(cancellationToken: Cancel)).Value.ContentLength.ShouldBe(vhd.Length);
        await using (Stream stream = await client.OpenWriteAsync(overwrite: false, 0, cancellationToken: Cancel))
            await stream.WriteAsync(vhd, Cancel);
        BlobDownloadResult read = await client.DownloadContentAsync(Cancel);
        read.Content.ToArray().ShouldBeBytes(vhd);
        VhdFooter.FindFault(vhd.AsSpan(Size), Size, "").ShouldBeNull();
    }

    [Fact]
    public async Task A_copy_follows_the_points_of_a_disk_by_differences_and_pages_from_a_url()
    {
        const int piece = 4 << 20;
        Disk source = await server.NewDiskAsync(Size);
        server.Engine.Write(source.Id, 0, StorageReply.Bytes(9 << 20, seed: 6));
        string older = await server.GrantAsync(await server.NewPointAsync(source));
        server.Engine.Clear(source.Id, 1 << 20, 5 << 20);
        server.Engine.Write(source.Id, 2 << 20, StorageReply.Bytes(8192, seed: 7));
        server.Engine.Write(source.Id, Size - 4096, StorageReply.Bytes(4096, seed: 8));
        string newer = await server.GrantAsync(await server.NewPointAsync(source));
        PageBlobClient copy = PageBlobServer.Client(await server.GrantAsync(await server.NewDiskAsync(Size, upload: true), AccessKind.Upload));

        await ApplyAsync(older, (await PageBlobServer.Client(older).GetPageRangesAsync(cancellationToken: Cancel)).Value);
        (await ReadAsync(copy)).ShouldBeBytes(await ReadAsync(PageBlobServer.Client(older)));
        PageRangesInfo changes = await PageBlobServer.Client(newer).GetManagedDiskPageRangesDiffAsync(previousSnapshotUri: new Uri(older), cancellationToken: Cancel);
        changes.ClearRanges.ShouldNotBeEmpty();
        await ApplyAsync(newer, changes);
        (await ReadAsync(copy)).ShouldBeBytes(await ReadAsync(PageBlobServer.Client(newer)));
        (await copy.GetPageRangesAsync(cancellationToken: Cancel)).Value.PageRanges
            .ShouldBe((await PageBlobServer.Client(newer).GetPageRangesAsync(cancellationToken: Cancel)).Value.PageRanges);

        async Task ApplyAsync(string from, PageRangesInfo pages)
        {
            foreach (HttpRange range in pages.ClearRanges)
                await copy.ClearPagesAsync(range, cancellationToken: Cancel);
            foreach (HttpRange range in pages.PageRanges)
                for (long at = 0; at < range.Length; at += piece)
                {
                    var part = new HttpRange(range.Offset + at, Math.Min(piece, range.Length!.Value - at));
                    PageInfo written = await copy.UploadPagesFromUriAsync(new Uri(from), part, part, cancellationToken: Cancel);
                    (await copy.GetPropertiesAsync(cancellationToken: Cancel)).Value.ETag.ShouldBe(written.ETag);
                }
        }

        static async Task<byte[]> ReadAsync(PageBlobClient client) => (await client.DownloadContentAsync(Cancel)).Value.Content.ToArray();
    }

    [Fact]
    public async Task A_condition_that_fails_is_an_exception_of_its_own_status()
    {
        PageBlobClient client = PageBlobServer.Client(await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Guest));
        RequestFailedException failure = await Should.ThrowAsync<RequestFailedException>(() => client.UploadPagesAsync(new MemoryStream(new byte[512]), 0,
            new PageBlobUploadPagesOptions { Conditions = new PageBlobRequestConditions { IfMatch = new ETag("\"0x0\"") } }, Cancel));
        (failure.Status, failure.ErrorCode).ShouldBe((412, "ConditionNotMet"));
        failure = await Should.ThrowAsync<RequestFailedException>(() => client.CreateAsync(1 << 21, cancellationToken: Cancel));
        failure.Status.ShouldBe(400);
        (await client.CreateIfNotExistsAsync(1 << 20, cancellationToken: Cancel)).ShouldBeNull();
    }

    /// <summary>Data at 4096 … 2 MiB + 4095 and in one page at 8 MiB.</summary>
    private async Task<(DiskRestorePoint Point, byte[] Vhd)> NewPointAsync()
    {
        Disk disk = await server.NewDiskAsync(Size);
        var content = new byte[Size];
        StorageReply.Bytes(2 << 20, seed: 3).CopyTo(content, 4096);
        StorageReply.Bytes(4096, seed: 4).CopyTo(content, 8 << 20);
        server.Engine.Write(disk.Id, 4096, content.AsSpan(4096, 2 << 20));
        server.Engine.Write(disk.Id, 8 << 20, content.AsSpan(8 << 20, 4096));
        return (await server.NewPointAsync(disk), [.. content, .. VhdFooter.Build(Size, disk.Id)]);
    }
}
