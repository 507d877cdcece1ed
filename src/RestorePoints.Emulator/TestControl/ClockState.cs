namespace RestorePoints.Emulator.TestControl;

/// <summary>What makes the emulator's time out of the real one: <c>(FrozenAt ?? real time) + Offset</c>. The default is real time.</summary>
/// <param name="Offset">What was advanced, less what was spent frozen.</param>
/// <param name="FrozenAt">The real instant at which the clock stopped; null while it runs.</param>
public readonly record struct ClockState(TimeSpan Offset, DateTimeOffset? FrozenAt)
{
    public DateTimeOffset At(DateTimeOffset realNow) => (FrozenAt ?? realNow) + Offset;

    public ClockState Advanced(TimeSpan by) => this with { Offset = Offset + by };

    public ClockState Frozen(DateTimeOffset realNow) => this with { FrozenAt = FrozenAt ?? realNow };

    /// <summary>Goes on from the frozen instant.</summary>
    public ClockState Resumed(DateTimeOffset realNow) => new(At(realNow) - realNow, null);
}
