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
    private readonly Dictionary<Guid, Accepted> _lastOfKey = [];
    private CancellationTokenSource _replaced = new();

    /// <param name="Due">The emulator's instant before which the operation does not begin its work, which then ends at once; <see cref="DateTimeOffset.MinValue"/>: it has none.</param>
    private sealed record Accepted(Task Task, DateTimeOffset Due)
    {
        public static readonly Accepted None = new(Task.CompletedTask, DateTimeOffset.MinValue);
    }

    /// <summary>Resumes what was InProgress.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        await ResumeAsync(scope.ServiceProvider.GetRequiredService<EmulatorDbContext>(), cancellationToken);
        if (options.Value.OperationTime == OperationTimeMode.Recorded)
            clock.Advanced += WaitForDueAsync;
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
        clock.Advanced -= WaitForDueAsync;
        await _stopping.CancelAsync();
        await Task.WhenAll(_running.Values.Select(accepted => accepted.Task)).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Starts the operation as soon as those before it with its serial key have ended. Called once its row is committed.</summary>
    public void Enqueue(Operation operation)
    {
        lock (_lastOfKey)
        {
            Guid[] keys = operation.SourceKey is { } source && source != operation.SerialKey ? [operation.SerialKey, source] : [operation.SerialKey];
            Accepted[] before = [.. keys.Select(key => _lastOfKey.GetValueOrDefault(key, Accepted.None))];
            DateTimeOffset due = options.Value.OperationTime == OperationTimeMode.Recorded ? before.Max(accepted => accepted.Due) : DateTimeOffset.MinValue;
            if (options.Value.OperationTime == OperationTimeMode.Recorded && operation.DueTime > due)
                due = operation.DueTime.Value;
            Task task = RunAfterAsync(Task.WhenAll(before.Select(accepted => accepted.Task)), operation, due, _replaced.Token);
            var accepted = new Accepted(task, due);
            foreach (Guid key in keys)
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

    /// <summary>Waits for the end of every operation whose time has come, but not for ever: one in a lost region does not end.</summary>
    private async Task WaitForDueAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = clock.GetUtcNow();
        await Task.WhenAll(_running.Values.Where(accepted => accepted.Due > DateTimeOffset.MinValue && accepted.Due <= now).Select(accepted => accepted.Task))
            .WaitAsync(s_dueLimit, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <param name="replaced">The operation's world goes.</param>
    private async Task RunAfterAsync(Task before, Operation operation, DateTimeOffset due, CancellationToken replaced)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (_stopping.IsCancellationRequested || replaced.IsCancellationRequested)
            return;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, replaced);
        try
        {
            if (due > DateTimeOffset.MinValue)
                await clock.WaitUntilAsync(due, ended.Token);
            await RunAsync(operation, due, replaced, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The row stays InProgress, and the next start resumes it; or it is gone with its world.
        }
        catch (Exception exception)
        {
            LogNotEnded(exception, operation.Id);
        }
    }

    /// <param name="accepted">As it was accepted: what does not change.</param>
    /// <param name="due">When it ends, if its time is simulated.</param>
    /// <param name="replaced">Its world goes: a failure is not recorded either.</param>
    /// <param name="ended">That, or the program stops.</param>
    private async Task RunAsync(Operation accepted, DateTimeOffset due, CancellationToken replaced, CancellationToken ended)
    {
        Guid operationId = accepted.Id;
        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
        ArmOperation work = WorkOf(scope, accepted);
        if (work.IsRegional)
            await regions.WhenOnlineAsync(accepted.Location, ended);
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
                return;
            OperationContext context = new(operation, db);
            try
            {
                await WorkOf(scope, operation).RunAsync(context, ended);
                End(operation, OperationStatus.Succeeded, due);
                await write.CommitAsync();
                context.RunAfterCommit();
                return;
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
                return;
            OperationContext context = new(operation, db);
            await WorkOf(scope, operation).FailAsync(context);
            (operation.ErrorStatus, operation.ErrorCode, operation.ErrorMessage, operation.Output) = (error.Status, error.Code, error.Message, null);
            End(operation, OperationStatus.Failed, due);
            await write.CommitAsync();
            context.RunAfterCommit();
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
        operation.EndTime = due > DateTimeOffset.MinValue ? due : clock.GetUtcNow();
    }

    private void Forget(Guid operationId, Guid[] keys, Accepted accepted)
    {
        _running.TryRemove(KeyValuePair.Create(operationId, accepted));
        lock (_lastOfKey)
        {
            foreach (Guid key in keys)
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
