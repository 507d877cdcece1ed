namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Bytes <see cref="Start"/> up to but not including <see cref="End"/>.</summary>
internal readonly record struct ByteRange(long Start, long End)
{
    public const int SectorBytes = 512;

    public long LengthBytes => End - Start;

    public bool IsAligned => Start % SectorBytes == 0 && End % SectorBytes == 0;

    /// <summary>The part below <paramref name="limit"/>, possibly empty.</summary>
    public ByteRange CutAt(long limit) => new(Math.Min(Start, limit), Math.Min(End, limit));

    /// <summary>Whole sectors around the range, within a blob of that length.</summary>
    public ByteRange ToSectors(long lengthBytes) => new(Start / SectorBytes * SectorBytes, Math.Min(lengthBytes, (End + SectorBytes - 1) / SectorBytes * SectorBytes));
}
