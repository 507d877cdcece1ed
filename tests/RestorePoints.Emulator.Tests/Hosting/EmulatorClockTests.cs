using Microsoft.Extensions.Time.Testing;
using RestorePoints.Emulator.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class EmulatorClockTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2030, 5, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Never = Timeout.InfiniteTimeSpan;

    private readonly FakeTimeProvider _real = new(Start);
    private readonly EmulatorClock _clock;

    public EmulatorClockTests() => _clock = new EmulatorClock(_real);

    [Fact]
    public void Runs_with_real_time_and_stays_ahead_by_what_it_was_advanced()
    {
        _clock.Advance(2 * Hour);
        _real.Advance(Hour);

        _clock.GetUtcNow().ShouldBe(Start + (3 * Hour));
    }

    [Fact]
    public void Frozen_it_moves_only_when_advanced_and_goes_on_from_there()
    {
        _clock.Freeze();
        _real.Advance(Hour);
        _clock.Freeze();
        _clock.GetUtcNow().ShouldBe(Start);

        _clock.Advance(TimeSpan.FromMinutes(1));
        _clock.GetUtcNow().ShouldBe(Start + TimeSpan.FromMinutes(1));

        _clock.Resume();
        _real.Advance(Hour);
        _clock.GetUtcNow().ShouldBe(Start + TimeSpan.FromMinutes(61));
    }

    [Fact]
    public void Due_timers_have_run_in_order_when_Advance_returns()
    {
        List<string> ran = [];
        using ITimer late = _clock.CreateTimer(_ => ran.Add("late"), null, 2 * Hour, Never);
        using ITimer early = _clock.CreateTimer(_ => ran.Add("early"), null, Hour, Never);
        using ITimer notYet = _clock.CreateTimer(_ => ran.Add("not yet"), null, 4 * Hour, Never);

        _clock.Advance(3 * Hour);
        ran.ShouldBe(["early", "late"]);

        _clock.Advance(Hour);
        ran.ShouldBe(["early", "late", "not yet"]);
    }

    [Fact]
    public void A_periodic_timer_runs_once_per_jump_and_goes_on_from_the_new_time()
    {
        int runs = 0;
        using ITimer timer = _clock.CreateTimer(_ => runs++, null, Hour, Hour);

        _clock.Advance(10.5 * Hour);
        runs.ShouldBe(1);
        _clock.Advance(0.9 * Hour);
        runs.ShouldBe(1);
        _clock.Advance(0.1 * Hour);
        runs.ShouldBe(2);
    }

    [Fact]
    public async Task Timers_run_by_real_time_while_the_clock_runs()
    {
        Task delay = Task.Delay(Hour, _clock, TestContext.Current.CancellationToken);
        Task longDelay = Task.Delay(TimeSpan.FromDays(3), _clock, TestContext.Current.CancellationToken);

        _real.Advance(Hour);
        await delay.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        for (int day = 0; day < 3; day++)
            _real.Advance(TimeSpan.FromDays(1));
        await longDelay.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Frozen_timers_wait_for_an_advance_and_resumed_ones_for_the_time_they_had_left()
    {
        _clock.Freeze();
        Task first = Task.Delay(Hour, _clock, TestContext.Current.CancellationToken);
        Task second = Task.Delay(2 * Hour, _clock, TestContext.Current.CancellationToken);
        _real.Advance(5 * Hour);
        first.IsCompleted.ShouldBeFalse();

        _clock.Advance(Hour);
        first.IsCompleted.ShouldBeTrue();
        second.IsCompleted.ShouldBeFalse();

        _clock.Resume();
        _real.Advance(Hour);
        await second.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_timer_that_is_changed_or_disposed_keeps_to_it()
    {
        int runs = 0;
        ITimer timer = _clock.CreateTimer(_ => runs++, null, Hour, Never);
        timer.Change(3 * Hour, Never).ShouldBeTrue();
        _clock.Advance(2 * Hour);
        runs.ShouldBe(0);
        _clock.Advance(Hour);
        runs.ShouldBe(1);

        timer.Change(Hour, Never).ShouldBeTrue();
        timer.Dispose();
        _clock.Advance(Hour);
        runs.ShouldBe(1);
        timer.Change(Hour, Never).ShouldBeFalse();
    }

    [Fact]
    public void Going_back_to_real_time_leaves_timers_the_time_they_had_left()
    {
        _clock.Advance(TimeSpan.FromDays(30));
        int runs = 0;
        using ITimer timer = _clock.CreateTimer(_ => runs++, null, Hour, Never);

        _clock.Set(default);
        _clock.GetUtcNow().ShouldBe(Start);
        _clock.Advance(Hour);
        runs.ShouldBe(1);
    }

    [Fact]
    public void A_cancellation_by_time_follows_the_clock()
    {
        using var source = new CancellationTokenSource(Hour, _clock);

        _clock.Advance(Hour);

        source.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public void A_time_that_cannot_be_told_is_refused_and_changes_nothing()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => _clock.Advance(TimeSpan.MaxValue));
        Should.Throw<ArgumentOutOfRangeException>(() => _clock.Advance(-Hour));

        _clock.GetUtcNow().ShouldBe(Start);
    }

    public void Dispose() => _clock.Dispose();
}
