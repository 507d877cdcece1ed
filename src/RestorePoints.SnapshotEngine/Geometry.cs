namespace RestorePoints.SnapshotEngine;

/// <summary>The sizes the store is built from. They are written into every file; a store opens only with its own.</summary>
internal sealed record Geometry(int SlotsPerSegment, int PagesPerRegion)
{
    public const int PageBytes = 4096;
    public const int SectorBytes = 512;

    /// <summary>Twice the largest Azure disk; keeps region numbers within 27 bits.</summary>
    public const long MaxVolumeBytes = 128L << 40;

    public static Geometry Default { get; } = new(SlotsPerSegment: 65_536, PagesPerRegion: 512);

    public long SegmentBytes => (long)SlotsPerSegment * PageBytes;

    /// <summary>Longer requests are carried out as several, each with its own journal record. The first slot of a segment is its header.</summary>
    public int PagesPerRequest => Math.Min(1024, SlotsPerSegment - 1);
}
