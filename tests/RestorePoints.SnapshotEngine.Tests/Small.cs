namespace RestorePoints.SnapshotEngine.Tests;

/// <summary>A geometry in which a dozen writes cross regions, fill segments and reuse slots.</summary>
internal static class Small
{
    public static Geometry Geometry { get; } = new(SlotsPerSegment: 16, PagesPerRegion: 4);

    /// <summary>Nothing happens in the background; tests call what the timer would.</summary>
    public static SnapshotStoreOptions Options { get; } = new() { Geometry = Geometry, TimeProvider = new StoppedTime() };

    public static SnapshotStore Open(TestDirectory directory, SnapshotStoreOptions? options = null) => SnapshotStore.Open(directory.Path, options ?? Options);

    private sealed class StoppedTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new NoTimer();

        private sealed class NoTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() { }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
