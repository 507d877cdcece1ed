using System.Globalization;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// Changes the <see cref="EmulatorClock"/> and keeps its state in the catalog, so that it survives a restart. One change at a time. The catalog's
/// gate is never held while timers run: what they wake may write.
/// </summary>
/// <param name="runner">null: a host without operations.</param>
public sealed class ClockControl(EmulatorClock clock, TimeProvider realTime, IServiceScopeFactory scopes, CatalogWriter writer, OperationRunner? runner) : IDisposable
{
    /// <summary>Names of the settings' rows; both absent: real time.</summary>
    private const string OffsetSetting = "clock.offset";
    private const string FrozenAtSetting = "clock.frozenAt";

    /// <summary>The clock stays far enough from the end of the calendar for expiries to be computed.</summary>
    private static readonly DateTimeOffset Latest = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly SemaphoreSlim _gate = new(1, 1);

    /// <summary>Takes up the clock that the catalog kept. At start, before anything asks for the time.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        clock.Set(await ReadAsync(scope.ServiceProvider.GetRequiredService<EmulatorDbContext>(), cancellationToken));
    }

    /// <summary>What a catalog keeps of the clock.</summary>
    /// <exception cref="FormatException">It is no state of a clock.</exception>
    public static async Task<ClockState> ReadAsync(EmulatorDbContext db, CancellationToken cancellationToken)
    {
        Dictionary<string, string> settings = await db.Settings.Where(setting => setting.Name == OffsetSetting || setting.Name == FrozenAtSetting)
            .ToDictionaryAsync(setting => setting.Name, setting => setting.Value, cancellationToken);
        var state = new ClockState(
            settings.TryGetValue(OffsetSetting, out string? offset) ? TimeSpan.ParseExact(offset, "c", CultureInfo.InvariantCulture) : TimeSpan.Zero,
            settings.TryGetValue(FrozenAtSetting, out string? frozenAt) ? DateTimeOffset.ParseExact(frozenAt, "O", CultureInfo.InvariantCulture) : null);
        if (state.Offset.Duration() > Latest - DateTimeOffset.UnixEpoch || state.FrozenAt > Latest)
            throw new FormatException("the clock is out of its range");
        return state;
    }

    /// <summary>
    /// Moves the clock forward, from the end of one operation to that of the next: each finds the world as it is at its instant, and what it starts is in time too. Saved first, since
    /// they write rows with these times. When one does not end, such as one in a lost region, the others end without order.
    /// </summary>
    /// <returns>False: it would pass the year 9000, and nothing happened.</returns>
    public async Task<bool> AdvanceAsync(TimeSpan by, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            DateTimeOffset start = clock.GetUtcNow();
            if (by > Latest - start)
                return false;
            await SaveAsync(clock.State.Advanced(by));
            for (bool ended = true; ended && runner is not null && NextStep(runner, by) is { } step; by -= step)
            {
                clock.Advance(step);
                ended = await runner.WhenDueEndedAsync(start, cancellationToken);
            }
            clock.Advance(by);
        }
        finally
        {
            _gate.Release();
        }
        if (runner is not null)
            await runner.WhenDueEndedAsync(DateTimeOffset.MinValue, cancellationToken);
        return true;
    }

    /// <summary>Until an operation is due; null: none is.</summary>
    private TimeSpan? NextStep(OperationRunner operations, TimeSpan longest)
    {
        DateTimeOffset now = clock.GetUtcNow();
        return operations.NextDue(now, now + longest) - now;
    }

    public Task FreezeAsync(CancellationToken cancellationToken) => ChangeAsync(clock.Freeze, cancellationToken);

    public Task ResumeAsync(CancellationToken cancellationToken) => ChangeAsync(clock.Resume, cancellationToken);

    /// <summary>Back to real time.</summary>
    public Task ResetAsync(CancellationToken cancellationToken) => ChangeAsync(() => clock.Set(default), cancellationToken);

    /// <summary>Utc now, offset and frozen of one moment.</summary>
    public ClockReading Read()
    {
        ClockState state = clock.State;
        return new ClockReading(state.At(realTime.GetUtcNow()).UtcDateTime, state.Offset, state.FrozenAt is not null);
    }

    /// <summary>Changed first: the instant at which it happens is the one to save.</summary>
    private async Task ChangeAsync(Action change, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            change();
            await SaveAsync(clock.State);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task SaveAsync(ClockState state)
    {
        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
        await using CatalogWrite write = await writer.BeginAsync(db, CancellationToken.None);
        await PutAsync(db, OffsetSetting, state.Offset == TimeSpan.Zero ? null : state.Offset.ToString("c", CultureInfo.InvariantCulture));
        await PutAsync(db, FrozenAtSetting, state.FrozenAt?.ToString("O", CultureInfo.InvariantCulture));
        await write.CommitAsync();
    }

    private static async Task PutAsync(EmulatorDbContext db, string name, string? value)
    {
        StoreSetting? setting = await db.Settings.SingleOrDefaultAsync(setting => setting.Name == name);
        if (value is null && setting is not null)
            db.Remove(setting);
        else if (value is not null && setting is not null)
            setting.Value = value;
        else if (value is not null)
            db.Add(new StoreSetting { Name = name, Value = value });
    }

    public void Dispose() => _gate.Dispose();
}

/// <summary>The body of the clock's answers.</summary>
/// <param name="Offset">What is added to real time; while frozen, to the real time of the freeze.</param>
public sealed record ClockReading(DateTime UtcNow, TimeSpan Offset, bool Frozen);
