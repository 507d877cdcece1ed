using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// Runs accepted operations. The rows that are InProgress are the queue: what a crash interrupted is resumed at start. Operations with one
/// serial key run in the order of their acceptance, others side by side. With <c>OperationTime=Recorded</c> each begins when the emulator's clock has reached its end on Azure.
/// </summary>
public sealed partial class OperationRunner(
    IServiceScopeFactory scopes, CatalogWriter writer, RegionStates regions, Replications replications, Faults faults, EmulatorClock clock, IOptions<EmulatorOptions> options, ILogger<OperationRunner> log) : IHostedService, IDisposable
{
    private static readonly TimeSpan s_dueLimit = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Guid, Accepted> _running = new();
    private readonly Dictionary<SerialKey, Accepted> _lastOfKey = [];
    private CancellationTokenSource _replaced = new();

    /// <param name="Location">One region does not wait for another, which may be lost.</param>
    private readonly record struct SerialKey(Guid Id, string Location);

    /// <param name="End">Gives the instant at which the operation ended; it does not fail.</param>
    /// <param name="Due">The emulator's instant before which the operation does not begin its work, which then ends at once; <see cref="DateTimeOffset.MinValue"/>: it has none.</param>
    private sealed record Accepted(Task<DateTimeOffset> End, DateTimeOffset Due)
    {
        public static readonly Accepted None = new(Task.FromResult(DateTimeOffset.MinValue), DateTimeOffset.MinValue);

        public Task Task => End;
    }

    /// <summary>Resumes what was InProgress.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        await ResumeAsync(scope.ServiceProvider.GetRequiredService<EmulatorDbContext>(), cancellationToken);
    }

    /// <summary>Starts every operation that the catalog has as InProgress: at start, and after the catalog was replaced. None of them runs here.</summary>
    public async Task ResumeAsync(EmulatorDbContext db, CancellationToken cancellationToken)
    {
        List<Operation> interrupted = await db.Operations.AsNoTracking()
            .Where(operation => operation.Status == OperationStatus.InProgress)
            .OrderBy(operation => operation.Sequence).ToListAsync(cancellationToken);
        foreach (Operation operation in interrupted)
            Enqueue(operation);
    }

    /// <summary>
    /// The world goes, and all that was accepted in it: one that takes its place may have operations with the same ids. When this returns, nothing works for the old
    /// world any more. Inside the catalog's gate, before bytes and what lives in memory are those of another.
    /// </summary>
    public async Task EndWorldAsync()
    {
        CancellationTokenSource replaced;
        KeyValuePair<Guid, Accepted>[] ended;
        lock (_lastOfKey)
        {
            (replaced, _replaced) = (_replaced, new CancellationTokenSource());
            ended = [.. _running];
            _running.Clear();
            _lastOfKey.Clear();
        }
        using (replaced)
        {
            await replaced.CancelAsync();
            await Task.WhenAll(ended.Select(operation => operation.Value.Task));
        }
        foreach ((Guid operationId, _) in ended)
            faults.TakeFailure(operationId);
        replications.Clear();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running.Values.Select(accepted => accepted.Task)).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Starts the operation as soon as those before it with its serial key have ended. Called once its row is committed.</summary>
    public void Enqueue(Operation operation)
    {
        lock (_lastOfKey)
        {
            SerialKey[] keys = [.. new[] { operation.SerialKey, operation.SourceKey }.OfType<Guid>().Distinct().Select(key => new SerialKey(key, operation.Location))];
            Accepted[] before = [.. keys.Select(key => _lastOfKey.GetValueOrDefault(key, Accepted.None))];
            DateTimeOffset due = options.Value.OperationTime == OperationTimeMode.Recorded ? before.Max(accepted => accepted.Due) : DateTimeOffset.MinValue;
            if (options.Value.OperationTime == OperationTimeMode.Recorded && operation.DueTime > due)
                due = operation.DueTime.Value;
            Task<DateTimeOffset> task = RunAfterAsync(Task.WhenAll(before.Select(accepted => accepted.End)), operation, due, _replaced.Token);
            var accepted = new Accepted(task, due);
            foreach (SerialKey key in keys)
                _lastOfKey[key] = accepted;
            _running[operation.Id] = accepted;
            task.ContinueWith(_ => Forget(operation.Id, keys, accepted), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>Waits for the end of an operation that runs here, but at most for <paramref name="limit"/> of real time.</summary>
    public async Task WaitAsync(Guid operationId, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (_running.TryGetValue(operationId, out Accepted? accepted))
            // Real time: a frozen emulator clock must not hang a poll.
            await accepted.Task.WaitAsync(limit, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The first instant in a span of time at which an operation is due; null: none is.</summary>
    public DateTimeOffset? NextDue(DateTimeOffset after, DateTimeOffset until) =>
        _running.Values.Where(accepted => accepted.Due > after && accepted.Due <= until).Min(accepted => (DateTimeOffset?)accepted.Due);

    /// <summary>
    /// Waits until no operation is left that has become due after an instant, those that others have started included, but not for ever: one in a lost region does not end.
    /// </summary>
    /// <returns>False: some have not ended.</returns>
    public async Task<bool> WhenDueEndedAsync(DateTimeOffset after, CancellationToken cancellationToken)
    {
        DateTimeOffset now = clock.GetUtcNow();
        while (true)
        {
            Task[] due = [.. _running.Values.Where(accepted => accepted.Due > after && accepted.Due <= now && !accepted.Task.IsCompleted).Select(accepted => accepted.Task)];
            if (due.Length == 0)
                return true;
            Task ended = Task.WhenAll(due).WaitAsync(s_dueLimit, TimeProvider.System, cancellationToken);
            await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!ended.IsCompletedSuccessfully)
                return false;
        }
    }

    /// <param name="replaced">The operation's world goes.</param>
    /// <returns>The instant at which it ended; without a simulated time, any.</returns>
    private async Task<DateTimeOffset> RunAfterAsync(Task<DateTimeOffset[]> before, Operation operation, DateTimeOffset due, CancellationToken replaced)
    {
        DateTimeOffset[] ends = await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (_stopping.IsCancellationRequested || replaced.IsCancellationRequested)
            return due;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, replaced);
        try
        {
            if (due > DateTimeOffset.MinValue)
            {
                await clock.WaitUntilAsync(due, ended.Token);
                // One before it may have been held.
                due = ends.Append(due).Max();
            }
            return await RunAsync(operation, due, replaced, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The row stays InProgress, and the next start resumes it; or it is gone with its world.
        }
        catch (Exception exception)
        {
            LogNotEnded(exception, operation.Id);
        }
        return due;
    }

    /// <param name="accepted">As it was accepted: what does not change.</param>
    /// <param name="due">When it ends, if its time is simulated and nothing holds it.</param>
    /// <param name="replaced">Its world goes: a failure is not recorded either.</param>
    /// <param name="ended">That, or the program stops.</param>
    /// <returns>When it ended, if its time is simulated.</returns>
    private async Task<DateTimeOffset> RunAsync(Operation accepted, DateTimeOffset due, CancellationToken replaced, CancellationToken ended)
    {
        Guid operationId = accepted.Id;
        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
        ArmOperation work = WorkOf(scope, accepted);
        if (work.IsRegional && regions.WhenOnlineAsync(accepted.Location, ended) is { IsCompletedSuccessfully: false } online)
        {
            await online;
            // It is done now, and not when it would have been.
            if (due > DateTimeOffset.MinValue)
                due = Later(due, clock.GetUtcNow());
        }
        ArmError? error = faults.TakeFailure(operationId);
        try
        {
            if (error is null)
                await work.PrepareAsync(db, accepted, ended);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            error = ErrorOf(exception, accepted);
        }

        if (error is null)
        {
            await using CatalogWrite write = await writer.BeginAsync(db, ended);
            // The reset of a subscription may have taken it away.
            if (await db.FindRunningOperationAsync(operationId) is not { } operation)
                return due;
            OperationContext context = new(operation, db, InstantOf(operation, due));
            try
            {
                await WorkOf(scope, operation).RunAsync(context, ended);
                End(operation, OperationStatus.Succeeded, due);
                await write.CommitAsync();
                context.RunAfterCommit();
                return due;
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                error = ErrorOf(exception, operation);
            }
        }

        db.ChangeTracker.Clear();
        await using (CatalogWrite write = await writer.BeginAsync(db, replaced))
        {
            if (await db.FindRunningOperationAsync(operationId) is not { } operation)
                return due;
            OperationContext context = new(operation, db, InstantOf(operation, due));
            await WorkOf(scope, operation).FailAsync(context);
            (operation.ErrorStatus, operation.ErrorCode, operation.ErrorMessage, operation.Output) = (error.Status, error.Code, error.Message, null);
            End(operation, OperationStatus.Failed, due);
            await write.CommitAsync();
            context.RunAfterCommit();
            return due;
        }
    }

    private ArmError ErrorOf(Exception exception, Operation operation)
    {
        if (exception is ArmException arm)
            return arm.Error;
        LogFailed(exception, operation.Kind, operation.Id);
        return ArmErrors.InternalError;
    }

    private static ArmOperation WorkOf(AsyncServiceScope scope, Operation operation) =>
        scope.ServiceProvider.GetRequiredKeyedService<ArmOperation>(operation.Kind);

    private void End(Operation operation, OperationStatus status, DateTimeOffset due)
    {
        operation.Status = status;
        operation.EndTime = InstantOf(operation, due);
    }

    /// <summary>Now, if its time is not simulated; not before it was accepted, also when the clock was set back.</summary>
    private DateTimeOffset InstantOf(Operation operation, DateTimeOffset due) => Later(due > DateTimeOffset.MinValue ? due : clock.GetUtcNow(), operation.StartTime);

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private void Forget(Guid operationId, SerialKey[] keys, Accepted accepted)
    {
        _running.TryRemove(KeyValuePair.Create(operationId, accepted));
        lock (_lastOfKey)
        {
            foreach (SerialKey key in keys)
                if (_lastOfKey.TryGetValue(key, out Accepted? last) && last == accepted)
                    _lastOfKey.Remove(key);
        }
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _replaced.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Operation {Kind} {OperationId} failed unexpectedly")]
    private partial void LogFailed(Exception exception, string kind, Guid operationId);

    [LoggerMessage(Level = LogLevel.Critical, Message = "Operation {OperationId} could not be ended; the next start resumes it")]
    private partial void LogNotEnded(Exception exception, Guid operationId);
}
