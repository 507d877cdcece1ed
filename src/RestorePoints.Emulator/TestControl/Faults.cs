using System.Collections.Concurrent;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.PageBlobs;

namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// Decides which faults happen. Asked for each request of ARM after routing, for each of the data plane before it is served, when an asynchronous
/// operation was accepted and when it runs, and by copies between regions. At most one rule fires on a request: the oldest that is due. Each rule that
/// matches counts it. In memory only.
/// </summary>
public sealed partial class Faults(EmulatorClock clock, IHostApplicationLifetime lifetime, ILogger<Faults> log)
{
    private readonly Lock _changes = new();
    private readonly ConcurrentDictionary<Guid, ArmError> _failures = new();
    private volatile FaultRule[] _rules = [];
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<FaultRule> Rules => _rules;

    public void Add(FaultRule rule)
    {
        lock (_changes)
            Replace([.. _rules, rule]);
    }

    public FaultRule? Find(string id) => Array.Find(_rules, rule => rule.Id.Equals(id, StringComparison.OrdinalIgnoreCase));

    /// <summary>Ends a rule. A request or operation that it was decided for meets its fault still; a copy that it stalls goes on.</summary>
    public void Remove(string id)
    {
        lock (_changes)
            Replace([.. _rules.Where(rule => !rule.Id.Equals(id, StringComparison.OrdinalIgnoreCase))]);
    }

    /// <summary>Ends all rules.</summary>
    public void Clear()
    {
        lock (_changes)
            Replace([]);
    }

    /// <summary>Ends the rules whose path names the subscription.</summary>
    public void Clear(Guid subscriptionId)
    {
        string scope = $"/subscriptions/{subscriptionId}";
        lock (_changes)
            Replace([.. _rules.Where(rule => rule.Match.Path?.Pattern is not { } pattern || !IsBelow(pattern))]);

        bool IsBelow(string pattern) => pattern.StartsWith(scope, StringComparison.OrdinalIgnoreCase) && (pattern.Length == scope.Length || pattern[scope.Length] is '/' or '*');
    }

    /// <summary>The rule that fires on a request of ARM: Error, Delay or Cut.</summary>
    public FiredFault? OnArmRequest(HttpContext context) => _rules.Length == 0 ? null
        : Fire(OperationNames.Of(context), context.Request, static type => type is FaultType.Error or FaultType.Delay or FaultType.Cut);

    /// <summary>The rule that fires on a request of the data plane: Error, Delay, Cut or, where an answer has a checksum, WrongChecksum.</summary>
    public FiredFault? OnBlobRequest(HttpContext context)
    {
        if (_rules.Length == 0)
            return null;
        BlobOperation operation = BlobOperations.Identify(context.Request);
        bool hasChecksum = HasChecksum(operation);
        return Fire(OperationNames.Of(operation), context.Request,
            type => type is FaultType.Error or FaultType.Delay or FaultType.Cut || (type == FaultType.WrongChecksum && hasChecksum));
    }

    /// <summary>The operations whose answers say a checksum.</summary>
    public static bool HasChecksum(BlobOperation operation) => operation is BlobOperation.GetBlob or BlobOperation.PutPage or BlobOperation.PutPageFromUrl;

    /// <summary>A request was accepted and begins an asynchronous operation. Before it is queued.</summary>
    /// <returns>The rule that lets the operation fail.</returns>
    public FaultRule? OnAccepted(HttpContext context, Guid operationId)
    {
        if (_rules.Length == 0 || Fire(OperationNames.Of(context), context.Request, static type => type == FaultType.FailOperation) is not { } fault)
            return null;
        _failures[operationId] = fault.Rule.Effect.Error;
        return fault.Rule;
    }

    /// <summary>The error with which an accepted operation has to end; null: none.</summary>
    public ArmError? TakeFailure(Guid operationId) => _failures.TryRemove(operationId, out ArmError? error) ? error : null;

    /// <summary>
    /// How far a copy between regions may get, in percent; null: to its end. The copy asks again and again, and is counted once per rule. When the rule is
    /// gone, the answer is null.
    /// </summary>
    /// <param name="replicationId">Of the copy, the same each time: the row id of the target restore point or snapshot.</param>
    /// <param name="operation">That began it: <c>RestorePoints_Create</c>, <c>Snapshots_CreateOrUpdate</c>.</param>
    /// <param name="resourceId">ARM id of the target.</param>
    public int? StallPercent(Guid replicationId, string operation, string resourceId)
    {
        foreach (FaultRule rule in _rules)
            if (rule.Effect.Type == FaultType.StallReplication && rule.Match.Matches(operation, "PUT", resourceId) && rule.CountReplication(replicationId))
                return rule.Effect.Percent;
        return null;
    }

    /// <summary>
    /// The same without counting: of a copy that was asked about when it began. Rules that came later do not hold it.
    /// </summary>
    public int? StallPercent(Guid replicationId) => Array.Find(_rules, rule => rule.Stalls(replicationId))?.Effect.Percent;

    /// <summary>The copies that are held, and those that were while the rule is there.</summary>
    public Guid[] StalledReplications() => [.. _rules.SelectMany(rule => rule.StalledReplications())];

    /// <summary>Returns once a copy is no longer held at what it has reached, by the emulator's rules; at once when none holds it.</summary>
    /// <param name="percent">What it has reached.</param>
    public async Task WhenNotStalledAsync(Guid replicationId, string operation, string resourceId, int percent, CancellationToken cancellationToken)
    {
        while (_changed is var changed && StallPercent(replicationId, operation, resourceId) <= percent)
            await changed.Task.WaitAsync(cancellationToken);
    }

    private void Replace(FaultRule[] rules)
    {
        _rules = rules;
        TaskCompletionSource changed = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }

    /// <summary>Lets a request wait, by the emulator's clock, from the instant at which the rule fired.</summary>
    /// <returns>false: nobody waits for it any more, or the emulator stops.</returns>
    public async Task<bool> DelayAsync(HttpContext context, FiredFault fault)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        Task delay = clock.WaitUntilAsync(fault.At + TimeSpan.FromMilliseconds(fault.Rule.Effect.DelayMs!.Value), ended.Token);
        await delay.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!ended.IsCancellationRequested)
            return true;
        context.Abort();
        return false;
    }

    private FiredFault? Fire(string? operation, HttpRequest request, Func<FaultType, bool> applies)
    {
        FaultRule? fired = null;
        string path = request.Path.Value ?? "";
        // Before anybody sees that a rule has fired: an advance of the clock after that counts for it.
        DateTimeOffset now = clock.GetUtcNow();
        foreach (FaultRule rule in _rules)
            if (applies(rule.Effect.Type) && rule.Match.Matches(operation, request.Method, path) && rule.Count(mayFire: fired is null))
                fired = rule;
        if (fired is null)
            return null;
        LogFired(fired.Id, fired.Effect.Type, request.Method, path);
        return new FiredFault(fired, now);
    }

    [LoggerMessage(LogLevel.Information, "Fault {Id} ({Type}) fires on {Method} {Path}")]
    private partial void LogFired(string id, FaultType type, string method, string path);
}

/// <summary>A rule that fired on a request.</summary>
/// <param name="At">When, by the emulator's clock.</param>
public sealed record FiredFault(FaultRule Rule, DateTimeOffset At);
