namespace RestorePoints.SnapshotEngine;

/// <summary>
/// Tells when everybody who may have looked up a slot before it was freed has finished. Whoever reads or writes slots
/// is inside an epoch from lookup to the last byte; a slot freed in epoch e may be used again once nobody inside is older than e.
/// </summary>
internal sealed class ReadEpochs
{
    // One cache line each, so that readers on different processors do not disturb each other.
    private const int Stride = 8;
    private const int Places = 256;

    private readonly long[] _inside = new long[Places * Stride];
    private long _current = 1;

    public Ticket Enter() => new(this, EnterPlace());

    /// <summary>The same for who stays beyond one call; ends with <see cref="Leave"/>.</summary>
    public int EnterPlace()
    {
        int start = Environment.CurrentManagedThreadId % Places;
        SpinWait spin = default;
        while (true)
        {
            for (int i = 0; i < Places; i++)
            {
                int place = (start + i) % Places * Stride;
                if (Volatile.Read(ref _inside[place]) != 0) continue;
                if (Interlocked.CompareExchange(ref _inside[place], Volatile.Read(ref _current), 0) == 0) return place;
            }

            spin.SpinOnce();
        }
    }

    /// <param name="place">What <see cref="EnterPlace"/> gave.</param>
    public void Leave(int place) => Volatile.Write(ref _inside[place], 0);

    /// <summary>Called after slots left the map: those who enter from now on can no longer find them.</summary>
    public long Advance() => Interlocked.Increment(ref _current);

    /// <summary>The oldest epoch somebody is inside of.</summary>
    public long Oldest()
    {
        Interlocked.MemoryBarrier();
        long oldest = long.MaxValue;
        for (int i = 0; i < Places; i++)
        {
            long epoch = Volatile.Read(ref _inside[i * Stride]);
            if (epoch != 0 && epoch < oldest) oldest = epoch;
        }

        return oldest;
    }

    internal readonly ref struct Ticket(ReadEpochs epochs, int place)
    {
        public void Dispose() => epochs.Leave(place);
    }
}
