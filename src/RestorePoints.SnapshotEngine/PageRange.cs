namespace RestorePoints.SnapshotEngine;

public enum PageRangeKind : byte
{
    /// <summary>Written, possibly with zeros.</summary>
    Allocated,

    /// <summary>Cleared: reads as zeros and takes no space.</summary>
    Cleared,
}

/// <summary>A run of pages; offset and length in bytes.</summary>
public readonly record struct PageRange(long OffsetBytes, long LengthBytes, PageRangeKind Kind);
