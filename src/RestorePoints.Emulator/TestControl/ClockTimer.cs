namespace RestorePoints.Emulator.TestControl;

/// <summary>A timer of the <see cref="EmulatorClock"/>, which holds it while it is armed.</summary>
internal sealed class ClockTimer(EmulatorClock clock, TimerCallback callback, object? state) : ITimer
{
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private volatile bool _disposed;

    public bool IsDisposed => _disposed;

    /// <summary>The emulator's instant at which it fires; belongs to the clock.</summary>
    public DateTimeOffset Due { get; set; }

    /// <summary>Zero or infinite: fires once.</summary>
    public TimeSpan Period { get; private set; }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, Timeout.InfiniteTimeSpan);
        ArgumentOutOfRangeException.ThrowIfLessThan(period, Timeout.InfiniteTimeSpan);
        if (_disposed)
            return false;
        clock.Disarm(this);
        Period = period;
        if (dueTime != Timeout.InfiniteTimeSpan)
            clock.Arm(this, dueTime);
        return true;
    }

    public void Run()
    {
        if (_disposed)
            return;
        if (_context is null)
            callback(state);
        else
            ExecutionContext.Run(_context, static timer => ((ClockTimer)timer!).Invoke(), this);
    }

    private void Invoke() => callback(state);

    public void Dispose()
    {
        _disposed = true;
        clock.Disarm(this);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
