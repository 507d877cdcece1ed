namespace RestorePoints.SnapshotEngine;

/// <summary>Joins adjacent ranges of a kind and cuts the result to what was asked for.</summary>
internal static class RangeMerger
{
    public static IEnumerable<PageRange> Merge(IEnumerable<PageRange> ascending, long offsetBytes, long lengthBytes)
    {
        PageRange pending = default;
        foreach (PageRange range in ascending)
        {
            if (range.Kind == pending.Kind && range.OffsetBytes == pending.OffsetBytes + pending.LengthBytes && pending.LengthBytes > 0)
            {
                pending = pending with { LengthBytes = pending.LengthBytes + range.LengthBytes };
                continue;
            }

            if (pending.LengthBytes > 0) yield return Cut(pending, offsetBytes, lengthBytes);
            pending = range;
        }

        if (pending.LengthBytes > 0) yield return Cut(pending, offsetBytes, lengthBytes);
    }

    private static PageRange Cut(PageRange range, long offsetBytes, long lengthBytes)
    {
        long start = Math.Max(range.OffsetBytes, offsetBytes);
        long end = Math.Min(range.OffsetBytes + range.LengthBytes, offsetBytes + lengthBytes);
        return new PageRange(start, end - start, range.Kind);
    }
}
