namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// The emulator's time: real time until a test moves or stops it. Everything that Azure times (SAS, operations, limits) asks this clock and
/// waits by its timers; certificates, tokens and logs go by real time. <see cref="TimeProvider.GetTimestamp"/> stays real: it measures how long
/// work took. While the clock is frozen, no timer fires but by <see cref="Advance"/>.
/// </summary>
/// <remarks>Here in memory only; <see cref="ClockControl"/> keeps the state in the catalog.</remarks>
public sealed class EmulatorClock : TimeProvider, IDisposable
{
    /// <summary>The longest that the real timer is set for; it looks again then.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private readonly Lock _lock = new();
    private readonly TimeProvider _realTime;
    private readonly ITimer _wakeUp;
    private readonly HashSet<ClockTimer> _armed = [];
    private ClockState _state;

    /// <summary>The emulator's instant for which the real timer is set, at the latest; <see cref="DateTimeOffset.MaxValue"/> = it is not set.</summary>
    private DateTimeOffset _wakeUpDue = DateTimeOffset.MaxValue;

    public EmulatorClock(TimeProvider realTime)
    {
        _realTime = realTime;
        _wakeUp = realTime.CreateTimer(_ => OnWakeUp(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public ClockState State
    {
        get
        {
            lock (_lock)
                return _state;
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
            return Now();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ClockTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>
    /// Moves the clock forward. Timers that became due have run when this returns, in the order of their instants and each once: a periodic one
    /// goes on from the new time.
    /// </summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        List<ClockTimer> due;
        lock (_lock)
        {
            Become(_state.Advanced(by));
            due = TakeDue();
            SetWakeUp();
        }
        foreach (ClockTimer timer in due)
            timer.Run();
    }

    /// <summary>Stops the clock. A repeat does nothing.</summary>
    public void Freeze()
    {
        lock (_lock)
        {
            Become(_state.Frozen(_realTime.GetUtcNow()));
            SetWakeUp();
        }
    }

    /// <summary>Goes on from the frozen instant. A repeat does nothing.</summary>
    public void Resume()
    {
        lock (_lock)
        {
            Become(_state.Resumed(_realTime.GetUtcNow()));
            SetWakeUp();
        }
    }

    /// <summary>Takes a state as it is: the one that the catalog kept, or the default for real time. When time goes back, timers keep the time they had left.</summary>
    public void Set(ClockState state)
    {
        lock (_lock)
        {
            DateTimeOffset before = Now();
            Become(state);
            TimeSpan change = Now() - before;
            if (change < TimeSpan.Zero)
                foreach (ClockTimer timer in _armed)
                    timer.Due += change;
            SetWakeUp();
        }
    }

    /// <summary>Waits until the clock has reached an instant, exactly; at once when it has.</summary>
    public async Task WaitUntilAsync(DateTimeOffset instant, CancellationToken cancellationToken)
    {
        var reached = new TaskCompletionSource();
        using var timer = new ClockTimer(this, _ => reached.TrySetResult(), null);
        lock (_lock)
        {
            if (Now() >= instant)
                return;
            timer.Due = instant;
            _armed.Add(timer);
            if (instant < _wakeUpDue)
                SetWakeUp();
        }
        await reached.Task.WaitAsync(cancellationToken);
    }

    internal void Arm(ClockTimer timer, TimeSpan dueTime)
    {
        lock (_lock)
        {
            if (timer.IsDisposed)
                return;
            timer.Due = Now() + dueTime;
            _armed.Add(timer);
            if (timer.Due < _wakeUpDue)
                SetWakeUp();
        }
    }

    internal void Disarm(ClockTimer timer)
    {
        lock (_lock)
            _armed.Remove(timer);
    }

    private DateTimeOffset Now() => _state.At(_realTime.GetUtcNow());

    /// <summary>Refuses a state whose time cannot be told before it is taken.</summary>
    private void Become(ClockState state)
    {
        _ = state.At(_realTime.GetUtcNow());
        _state = state;
    }

    private void OnWakeUp()
    {
        List<ClockTimer> due;
        lock (_lock)
        {
            due = TakeDue();
            SetWakeUp();
        }
        foreach (ClockTimer timer in due)
            ThreadPool.UnsafeQueueUserWorkItem(static timer => timer.Run(), timer, preferLocal: false);
    }

    private List<ClockTimer> TakeDue()
    {
        DateTimeOffset now = Now();
        List<ClockTimer> due = [.. _armed.Where(timer => timer.Due <= now).OrderBy(timer => timer.Due)];
        foreach (ClockTimer timer in due)
            if (timer.Period > TimeSpan.Zero)
                timer.Due = now + timer.Period;
            else
                _armed.Remove(timer);
        return due;
    }

    private void SetWakeUp()
    {
        DateTimeOffset now = Now();
        DateTimeOffset next = _armed.Count == 0 ? DateTimeOffset.MaxValue : _armed.Min(timer => timer.Due);
        if (next == DateTimeOffset.MaxValue || (_state.FrozenAt is not null && next > now))
        {
            _wakeUpDue = DateTimeOffset.MaxValue;
            _wakeUp.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }
        _wakeUpDue = next;
        TimeSpan wait = next > now ? next - now : TimeSpan.Zero;
        _wakeUp.Change(wait < LongestWait ? TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)) : LongestWait, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _wakeUp.Dispose();
}
