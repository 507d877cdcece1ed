namespace RestorePoints.Emulator.Tests.Crash;

/// <summary>Chooses the instant of the kill: so many acknowledged writes after something happened. No clock is involved.</summary>
internal sealed class KillTrigger(KillMoment moment, int occurrence, int writesLater)
{
    /// <summary>A round ends after this many writes although its moment never came.</summary>
    private const int Patience = 1500;

    private readonly TaskCompletionSource _fired = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _left = moment == KillMoment.Writes ? writesLater : int.MaxValue;
    private int _total;
    private int _occurred;

    public Task Fired => _fired.Task;

    public void Acknowledged()
    {
        if (Interlocked.Decrement(ref _left) <= 0 || Interlocked.Increment(ref _total) > Patience)
            _fired.TrySetResult();
    }

    public void Happened(KillMoment what)
    {
        if (what != moment || ++_occurred != occurrence)
            return;
        Interlocked.Exchange(ref _left, writesLater);
        if (writesLater == 0)
            _fired.TrySetResult();
    }

    public override string ToString() => $"{moment} {occurrence} + {writesLater} writes";
}

internal enum KillMoment
{
    Writes,
    PointRequested,
    PointAccepted,
    PointSucceeded,
    DeletionRequested,
}
