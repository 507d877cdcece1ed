namespace RestorePoints.SnapshotEngine;

/// <summary>
/// Shared by those who write, exclusive for those who freeze. A waiting exclusive entry keeps new shared ones out,
/// so a point never starves. Not reentrant.
/// </summary>
internal sealed class Gate
{
    // Sign bit: an exclusive entry holds or waits. The rest: shared entries inside.
    private const int Closed = int.MinValue;

    private readonly object _exclusive = new();
    private readonly object _wake = new();
    private int _state;

    public void EnterShared()
    {
        while (true)
        {
            int state = Volatile.Read(ref _state);
            if (state >= 0)
            {
                if (Interlocked.CompareExchange(ref _state, state + 1, state) == state) return;
                continue;
            }

            lock (_wake)
            {
                while (Volatile.Read(ref _state) < 0) Monitor.Wait(_wake);
            }
        }
    }

    public void ExitShared()
    {
        if (Interlocked.Decrement(ref _state) != Closed) return;
        lock (_wake) Monitor.PulseAll(_wake);
    }

    public void EnterExclusive()
    {
        Monitor.Enter(_exclusive);
        if ((Interlocked.Or(ref _state, Closed) & ~Closed) == 0) return;
        lock (_wake)
        {
            while (Volatile.Read(ref _state) != Closed) Monitor.Wait(_wake);
        }
    }

    public void ExitExclusive()
    {
        Interlocked.And(ref _state, ~Closed);
        lock (_wake) Monitor.PulseAll(_wake);
        Monitor.Exit(_exclusive);
    }
}
