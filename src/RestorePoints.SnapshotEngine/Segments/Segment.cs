namespace RestorePoints.SnapshotEngine;

/// <summary>
/// One sparse file of slots. Slot 0 holds the file's header and counts as used. The bitmaps belong to <see cref="SlotAllocator"/>
/// and change under its lock.
/// </summary>
internal sealed class Segment : IDisposable
{
    // From here on a system call costs less than touching the mapping page by page.
    private const int LongReadBytes = 64 * 1024;

    private readonly StoreFile? _file;
    private int _dirty;

    private Segment(int number, StoreFile? file, Geometry geometry, bool mayHoldOldData)
    {
        Number = number;
        _file = file;
        Used = new Bits(geometry.SlotsPerSegment);
        Backed = new Bits(geometry.SlotsPerSegment);
        Used.Set(0, 1);
        FreeCount = LongestFreeRun = geometry.SlotsPerSegment - 1;
        if (mayHoldOldData)
        {
            Backed.Set(1, geometry.SlotsPerSegment - 1);
            HasPunchCandidates = true;
            _dirty = 1;
        }
    }

    public int Number { get; }

    public Bits Used { get; }

    /// <summary>Slots that may take blocks on disk: what punching is worth trying on.</summary>
    public Bits Backed { get; }

    public int FreeCount { get; set; }

    /// <summary>An upper bound, so that a search that failed is not repeated until something was freed.</summary>
    public int LongestFreeRun { get; set; }

    public int Cursor { get; set; } = 1;

    public bool HasPunchCandidates { get; set; }

    /// <summary>False during recovery for a segment that was unlinked after the records that mention it.</summary>
    public bool Exists => _file is not null;

    public long AllocatedBytes => _file!.AllocatedBytes;

    public static string FileName(int number) => $"segment-{number:x8}";

    public static Segment Create(string directory, int number, Geometry geometry)
    {
        StoreFile file = StoreFile.Create(Path.Combine(directory, FileName(number)));
        try
        {
            Initialize(file, geometry);
            return new Segment(number, file, geometry, mayHoldOldData: false) { _dirty = 1 };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public static Segment Open(string directory, int number, Geometry geometry)
    {
        StoreFile file = StoreFile.Open(Path.Combine(directory, FileName(number)));
        try
        {
            Span<byte> header = stackalloc byte[FileHeader.LengthBytes];
            if (file.LengthBytes == geometry.SegmentBytes) file.Read(0, header);
            // A segment that was created and never flushed: nothing durable is in it.
            if (header.IndexOfAnyExcept((byte)0) < 0) Initialize(file, geometry);
            else FileHeader.Check(header, FileHeader.Segment, geometry, file.Name);
            return new Segment(number, file, geometry, mayHoldOldData: true);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Stands for a segment that records mention and no file is there for.</summary>
    public static Segment Missing(int number, Geometry geometry) => new(number, null, geometry, mayHoldOldData: false);

    public void Read(long offsetBytes, Span<byte> destination)
    {
        if (destination.Length < LongReadBytes) _file!.ReadMapped(offsetBytes, destination);
        else _file!.Read(offsetBytes, destination);
    }

    public void Write(long offsetBytes, ReadOnlySpan<byte> source)
    {
        _file!.Write(offsetBytes, source);
        // After the write: a flush that cleared the mark before has covered it, one that comes later finds it.
        Volatile.Write(ref _dirty, 1);
    }

    /// <summary>Flushes what was written before the call. The result tells whether there was anything.</summary>
    public bool Flush()
    {
        if (Interlocked.Exchange(ref _dirty, 0) == 0) return false;
        _file!.Flush();
        return true;
    }

    public void Punch(int slot, int count) =>
        _file!.PunchHole((long)slot * Geometry.PageBytes, (long)count * Geometry.PageBytes);

    public void Dispose() => _file?.Dispose();

    public void Delete()
    {
        Dispose();
        File.Delete(_file!.Path);
    }

    private static void Initialize(StoreFile file, Geometry geometry)
    {
        file.SetLength(geometry.SegmentBytes);
        Span<byte> header = stackalloc byte[FileHeader.LengthBytes];
        FileHeader.Write(header, FileHeader.Segment, geometry);
        file.Write(0, header);
    }
}
