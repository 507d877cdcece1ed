using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// What turns the blob of an older point into a newer one. The engine knows the bytes of the disk; the footer is ours. When a disk has grown,
/// the footer has moved:
/// <code>
///   older   |…… disk ……|F|
///   newer   |…… disk ……|x . . . . . . . .|F'|      F' is new, and x no longer holds F: it is cleared unless it was written since
/// </code>
/// </summary>
internal static class BlobDiff
{
    /// <param name="olderPointId">A point of the same volume, older than <paramref name="newer"/>.</param>
    /// <param name="olderDiskBytes">Size of the disk when the older point was taken.</param>
    public static IEnumerable<PageRange> Between(Guid olderPointId, long olderDiskBytes, Blob newer, ByteRange range)
    {
        IEnumerable<PageRange> changes = newer.GetDiskChangesSince(olderPointId, range);
        if (olderDiskBytes < newer.DiskBytes && olderDiskBytes >= range.Start && olderDiskBytes < range.End)
            changes = WithClearedFooter(changes, olderDiskBytes);
        if (range.End > newer.DiskBytes && FooterChange(olderDiskBytes, newer) is { } footer)
            changes = changes.Append(footer);
        return changes;
    }

    private static IEnumerable<PageRange> WithClearedFooter(IEnumerable<PageRange> changes, long footerOffset)
    {
        bool done = false;
        foreach (PageRange change in changes)
        {
            if (!done && change.OffsetBytes + change.LengthBytes > footerOffset)
            {
                if (change.OffsetBytes > footerOffset)
                    yield return new(footerOffset, VhdFooter.LengthBytes, PageRangeKind.Cleared);
                done = true;
            }
            yield return change;
        }
        if (!done)
            yield return new(footerOffset, VhdFooter.LengthBytes, PageRangeKind.Cleared);
    }

    private static PageRange? FooterChange(long olderDiskBytes, Blob newer)
    {
        if (newer.Footer.SequenceEqual(VhdFooter.Build(olderDiskBytes, newer.Grant.VolumeId)))
            return null;
        return new(newer.DiskBytes, VhdFooter.LengthBytes, newer.Footer.IsEmpty ? PageRangeKind.Cleared : PageRangeKind.Allocated);
    }
}
