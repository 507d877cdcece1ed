namespace RestorePoints.SnapshotEngine;

/// <summary>
/// Where a version of a page is: a positive number is its slot. The first slot of a segment is the segment's header, so no page is in slot 0.
/// The upper 16 bits are spare.
/// </summary>
internal static class Place
{
    /// <summary>Written with zeros: allocated, without a slot.</summary>
    public const long Zero = 0;

    /// <summary>Cleared, or never written.</summary>
    public const long Clear = -1;

    public static bool IsData(long place) => place > 0;
}
