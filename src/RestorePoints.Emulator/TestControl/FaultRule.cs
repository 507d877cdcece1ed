using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.TestControl;

public enum FaultType
{
    /// <summary>The request is answered with an error and does nothing.</summary>
    Error,

    /// <summary>The asynchronous operation that a request begins ends as Failed.</summary>
    FailOperation,

    /// <summary>The request waits, by the emulator's clock, before it is served.</summary>
    Delay,

    /// <summary>The connection ends early.</summary>
    Cut,

    /// <summary>An answer of the data plane carries a checksum that its bytes do not have.</summary>
    WrongChecksum,

    /// <summary>A copy between regions stands still.</summary>
    StallReplication,
}

/// <summary>Which requests a rule is about; what is null does not matter.</summary>
/// <param name="Operation">As <see cref="OperationNames"/> spells it.</param>
/// <param name="Method">In upper case.</param>
public sealed record FaultMatch(string? Operation, string? Method, PathGlob? Path)
{
    public bool Matches(string? operation, string method, string path) =>
        (Operation is null || Operation == operation) && (Method is null || Method == method) && Path?.IsMatch(path) != false;
}

/// <summary>What a rule does; of the members those that its type has.</summary>
/// <param name="Status">400 to 599.</param>
/// <param name="AfterBytes">Of Cut; null: the answer is lost whole.</param>
/// <param name="Percent">0 to 100, of StallReplication.</param>
public sealed record FaultEffect(FaultType Type, int? Status = null, string? Code = null, string? Message = null, int? RetryAfterSeconds = null,
    long? DelayMs = null, long? AfterBytes = null, int? Percent = null)
{
    /// <summary>Of Error and FailOperation.</summary>
    public ArmError Error => new(Status!.Value, Code!, Message!) { RetryAfterSeconds = RetryAfterSeconds };
}

/// <summary>
/// A fault that a test asked for. Of the matching calls it fires on the <paramref name="nth"/> and those after it, each with
/// <paramref name="probability"/>, <paramref name="times"/> times at most; with one seed and one order of calls always on the same ones.
/// </summary>
/// <param name="nth">From 1.</param>
/// <param name="times">null: no limit.</param>
/// <param name="probability">0 to 1.</param>
public sealed class FaultRule(FaultMatch match, int nth, int? times, double probability, int seed, FaultEffect effect)
{
    private readonly Lock _lock = new();
    private readonly Random _random = new(seed);
    private readonly Dictionary<Guid, bool> _replications = [];
    private long _calls;
    private int _fired;

    public string Id { get; } = Guid.NewGuid().ToString();

    public FaultMatch Match { get; } = match;

    public int Nth { get; } = nth;

    public int? Times { get; } = times;

    public double Probability { get; } = probability;

    public int Seed { get; } = seed;

    public FaultEffect Effect { get; } = effect;

    /// <summary>How often it has fired.</summary>
    public int Fired
    {
        get
        {
            lock (_lock)
                return _fired;
        }
    }

    /// <summary>Counts a call that matches.</summary>
    /// <returns>Whether the rule is due.</returns>
    /// <param name="mayFire">An older rule has fired on the call already: it is counted all the same.</param>
    public bool Count(bool mayFire = true)
    {
        lock (_lock)
        {
            if (++_calls < Nth || _fired >= Times)
                return false;
            // Drawn for every call from the nth on, so that other rules do not change which calls are hit.
            if (_random.NextDouble() >= Probability || !mayFire)
                return false;
            _fired++;
            return true;
        }
    }

    /// <summary>As <see cref="Count"/> for a copy, which asks again and again and is counted once.</summary>
    public bool CountReplication(Guid replicationId)
    {
        lock (_lock)
        {
            if (!_replications.TryGetValue(replicationId, out bool isDue))
                _replications[replicationId] = isDue = Count();
            return isDue;
        }
    }

    /// <summary>Whether <see cref="CountReplication"/> has answered yes for a copy.</summary>
    public bool Stalls(Guid replicationId)
    {
        lock (_lock)
            return _replications.GetValueOrDefault(replicationId);
    }

    /// <summary>The copies for which <see cref="CountReplication"/> has answered yes.</summary>
    public Guid[] StalledReplications()
    {
        lock (_lock)
            return [.. _replications.Where(replication => replication.Value).Select(replication => replication.Key)];
    }
}
