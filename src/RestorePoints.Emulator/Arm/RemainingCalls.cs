namespace RestorePoints.Emulator.Arm;

/// <summary>Counts calls in windows of the emulator's clock that begin with the first call. In memory: after a restart all windows are fresh.</summary>
public sealed class RemainingCalls(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Policy, string Key), (DateTimeOffset End, int Left)> _windows = [];
    private int _pruneAt = 10_000;

    /// <summary>Counts one call.</summary>
    /// <returns>How many are left of the window; never below 0.</returns>
    public int Spend(string policy, string key, int limit, TimeSpan length)
    {
        DateTimeOffset now = time.GetUtcNow();
        lock (_lock)
        {
            bool runs = _windows.TryGetValue((policy, key), out var window) && window.End > now && window.End <= now + length;
            if (!runs)
                window = (now + length, limit);
            window.Left = Math.Max(window.Left - 1, 0);
            _windows[(policy, key)] = window;
            if (_windows.Count >= _pruneAt)
                Prune(now);
            return window.Left;
        }
    }

    /// <summary>Begins anew, for one subscription or for all.</summary>
    public void Reset(Guid? subscription)
    {
        lock (_lock)
        {
            foreach ((string Policy, string Key) counted in _windows.Keys.Where(counted => subscription is null || counted.Key.Contains(subscription.Value.ToString(), StringComparison.Ordinal)).ToList())
                _windows.Remove(counted);
        }
    }

    private void Prune(DateTimeOffset now)
    {
        foreach ((string, string) ended in _windows.Where(window => window.Value.End <= now).Select(window => window.Key).ToList())
            _windows.Remove(ended);
        _pruneAt = Math.Max(10_000, 2 * _windows.Count);
    }
}
