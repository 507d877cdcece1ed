using System.Buffers.Binary;

namespace RestorePoints.Emulator.Tests.Crash;

/// <summary>
/// A guest process that owns one MiB of each of two disks and writes there, one write after the other, alternating between the disks at
/// random. Every sector it writes carries the number of the write, so a disk or a point can be compared with any moment of its history.
/// </summary>
internal sealed class GuestWriter(int number, int seed)
{
    public const int AreaBytes = 1024 * 1024;
    private const int SectorBytes = 512;
    private const int SectorsPerDisk = AreaBytes / SectorBytes;
    private const int LargestWriteSectors = 512;

    private readonly Random _random = new(seed);
    private readonly List<Write> _writes = [];

    /// <summary>Number of the write that each sector holds before <see cref="_writes"/>; 0 = zeros.</summary>
    private long[] _state = new long[2 * SectorsPerDisk];
    private long _first = 1;
    private long _issued;
    private long _acknowledged;

    public long Issued => Interlocked.Read(ref _issued);

    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    private long AreaOffset => (long)number * AreaBytes;

    /// <summary>Writes until the server is gone.</summary>
    public async Task RunAsync(RawBlob[] disks, Action acknowledged)
    {
        byte[] buffer = new byte[LargestWriteSectors * SectorBytes];
        while (true)
        {
            Write write = Next();
            long offset = AreaOffset + (long)write.Sector % SectorsPerDisk * SectorBytes;
            RawBlob disk = disks[write.Sector / SectorsPerDisk];
            for (int i = 0; i < write.Count; i++)
                Fill(buffer.AsSpan(i * SectorBytes, SectorBytes), write.Number, write.Sector + i);
            lock (_writes)
                _writes.Add(write);
            Interlocked.Increment(ref _issued);
            if (write.Clear)
                await disk.ClearAsync(offset, write.Count * SectorBytes);
            else
                await disk.WriteAsync(offset, buffer.AsMemory(0, write.Count * SectorBytes));
            Interlocked.Increment(ref _acknowledged);
            acknowledged();
        }
    }

    /// <summary>Checks that the live disks hold every acknowledged write, and starts a new history from what they hold.</summary>
    /// <returns>How many sectors the write in flight left changed.</returns>
    public int VerifyLive(byte[][] disks)
    {
        long[] seen = Parse(disks);
        long[] expected = [.. _state];
        foreach (Write write in _writes.Where(write => write.Number <= Acknowledged))
            Apply(expected, write);
        Write inFlight = _writes.Find(write => write.Number > Acknowledged);
        int changed = 0;
        for (int sector = 0; sector < seen.Length; sector++)
        {
            if (seen[sector] == expected[sector])
                continue;
            bool inside = sector >= inFlight.Sector && sector < inFlight.Sector + inFlight.Count;
            if (!inside || seen[sector] != (inFlight.Clear ? 0 : inFlight.Number))
                throw new InvalidOperationException($"Writer {number}: sector {sector} holds write {seen[sector]}, the last acknowledged one there is {expected[sector]}; write in flight: {inFlight}, acknowledged {Acknowledged}.");
            changed++;
        }
        _state = seen;
        _writes.Clear();
        _first = Issued + 1;
        Interlocked.Exchange(ref _acknowledged, Issued);
        return changed;
    }

    /// <summary>Checks that a point holds exactly the writes up to one moment, between two known ones.</summary>
    /// <param name="atLeast">The last write that was acknowledged before the point was asked for.</param>
    /// <param name="atMost">The last write that had been issued when the point was known to exist.</param>
    /// <param name="live">After a crash, the live disks: a point whose creation was resumed may hold a half of the write that was in flight, as they do.</param>
    public void VerifyPoint(byte[][] disks, long atLeast, long atMost, byte[][]? live)
    {
        long[] seen = Parse(disks);
        if (live is not null && Parse(live).AsSpan().SequenceEqual(seen))
            return;
        long[] expected = [.. _state];
        Write[] writes;
        lock (_writes)
            writes = [.. _writes];
        foreach (Write write in writes.Where(write => write.Number <= atLeast))
            Apply(expected, write);
        int different = Differences(expected, seen, 0, seen.Length);
        foreach (Write write in writes.Where(write => write.Number > atLeast && write.Number <= atMost))
        {
            if (different == 0)
                return;
            different -= Differences(expected, seen, write.Sector, write.Count);
            Apply(expected, write);
            different += Differences(expected, seen, write.Sector, write.Count);
        }
        if (different != 0)
        {
            int sector = Enumerable.Range(0, seen.Length).First(index => expected[index] != seen[index]);
            throw new InvalidOperationException($"Writer {number}: the point is not the disks at any moment between the writes {atLeast} and {atMost} (known from {_first}). With all of them {different} sectors differ, the first is {sector}: expected {expected[sector]}, seen {seen[sector]}.");
        }
    }

    private Write Next()
    {
        int count = _random.Next(10) == 0 ? _random.Next(1, LargestWriteSectors + 1) : _random.Next(1, 17);
        int sector = _random.Next(SectorsPerDisk - count + 1) + _random.Next(2) * SectorsPerDisk;
        bool clear = _random.Next(8) == 0;
        return new Write(Issued + 1, sector, count, clear);
    }

    private static void Apply(long[] state, Write write) => Array.Fill(state, write.Clear ? 0 : write.Number, write.Sector, write.Count);

    private static int Differences(long[] left, long[] right, int start, int count)
    {
        int different = 0;
        for (int i = start; i < start + count; i++)
            different += left[i] == right[i] ? 0 : 1;
        return different;
    }

    private void Fill(Span<byte> sector, long write, int index)
    {
        for (int at = 0; at < SectorBytes; at += 16)
        {
            BinaryPrimitives.WriteInt64LittleEndian(sector[at..], write);
            BinaryPrimitives.WriteInt32LittleEndian(sector[(at + 8)..], number);
            BinaryPrimitives.WriteInt32LittleEndian(sector[(at + 12)..], index);
        }
    }

    /// <param name="disks">The areas of all writers, per disk.</param>
    private long[] Parse(byte[][] disks)
    {
        long[] seen = new long[2 * SectorsPerDisk];
        byte[] whole = new byte[SectorBytes];
        for (int index = 0; index < seen.Length; index++)
        {
            ReadOnlySpan<byte> sector = disks[index / SectorsPerDisk].AsSpan((int)AreaOffset + index % SectorsPerDisk * SectorBytes, SectorBytes);
            long write = BinaryPrimitives.ReadInt64LittleEndian(sector);
            if (write == 0)
                Array.Clear(whole);
            else
                Fill(whole, write, index);
            seen[index] = sector.SequenceEqual(whole) ? write : throw new InvalidOperationException($"Writer {number}: sector {index} is torn or foreign; it starts with write {write}.");
        }
        return seen;
    }

    /// <param name="Sector">Counted over both disks.</param>
    private readonly record struct Write(long Number, int Sector, int Count, bool Clear);
}
