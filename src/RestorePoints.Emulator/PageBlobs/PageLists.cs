using Microsoft.Net.Http.Headers;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Get Page Ranges and its difference between two points, after "Get Page Ranges" of the Azure Storage REST reference.</summary>
internal sealed class PageLists(Blobs blobs, PreviousSnapshot previousSnapshot)
{
    /// <summary>Differences do not reach over this size of a disk; the documentation of incremental snapshots tells to download the full copy.</summary>
    private const long LargeDiskBytes = 4L << 40;

    public async Task GetPageRangesAsync(BlobCall call)
    {
        PageListPaging paging = PageListPaging.Of(call);
        using Blob blob = await blobs.OpenAsync(call.Grant, call.Aborted);
        BlobConditions.CheckRead(call.Request, blob.Identity);
        ByteRange range = RangeHeader.OfPageList(call.Request, blob.LengthBytes);
        await WriteAsync(call, blob, paging, range, blob.GetPageRanges);
    }

    public async Task GetPageRangesDiffAsync(BlobCall call)
    {
        PageListPaging paging = PageListPaging.Of(call);
        (Guid olderPointId, _) = await previousSnapshot.FindAsync(call);
        using Blob newer = await blobs.OpenAsync(call.Grant, call.Aborted);
        BlobConditions.CheckRead(call.Request, newer.Identity);
        ByteRange range = RangeHeader.OfPageList(call.Request, newer.LengthBytes);
        if (blobs.SizeOfPoint(call.Grant.Location, call.Grant.VolumeId, olderPointId) is not { } olderDiskBytes)
            throw StorageErrors.PreviousSnapshotNotFound.AsException();
        // After its size: one that grows in between is refused.
        if (blobs.WasPointResized(call.Grant.Location, call.Grant.VolumeId, olderPointId))
            throw StorageErrors.BlobOverwritten.AsException();
        if (olderDiskBytes <= LargeDiskBytes && newer.DiskBytes > LargeDiskBytes)
            throw StorageErrors.BlobOverwritten.AsException();

        await WriteAsync(call, newer, paging, range, part => olderPointId == call.Grant.PointId
            ? []
            : BlobDiff.Between(olderPointId, olderDiskBytes, newer, part));
    }

    private static async Task WriteAsync(BlobCall call, Blob blob, PageListPaging paging, ByteRange range, Func<ByteRange, IEnumerable<PageRange>> list)
    {
        var rest = new ByteRange(Math.Clamp(paging.Start, range.Start, range.End), range.End);
        using IEnumerator<PageRange> ranges = list(rest).GetEnumerator();
        bool hasRange;
        try
        {
            // Before the response begins: the engine may still find that a point is gone.
            hasRange = ranges.MoveNext();
        }
        catch (PointNotFoundException)
        {
            throw StorageErrors.PreviousSnapshotNotFound.AsException();
        }

        BlobHeaders.SetIdentity(call.Response, blob.Identity);
        call.Response.Headers["x-ms-blob-content-length"] = blob.LengthBytes.ToString();
        call.Response.Headers[HeaderNames.ContentType] = "application/xml";
        await PageListWriter.WriteAsync(call.Response.BodyWriter, ranges, hasRange, paging.MaxResults, call.Aborted);
    }
}
