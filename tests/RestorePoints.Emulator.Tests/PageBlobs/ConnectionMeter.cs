using System.Diagnostics.Metrics;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>Follows the connections that a server of this process opens from now on. The last request of one that has ended has ended too.</summary>
internal sealed class ConnectionMeter : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly MeterListener _listener = new();
    private readonly TaskCompletionSource _allEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _counting = new();
    private readonly int _port;
    private long _open;

    public ConnectionMeter(int port)
    {
        _port = port;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Meter.Name: "Microsoft.AspNetCore.Server.Kestrel", Name: "kestrel.active_connections" })
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>(Count);
        _listener.Start();
    }

    /// <summary>When the last one has ended.</summary>
    public Task AllEnded => _allEnded.Task.WaitAsync(Patience, TimeProvider.System, TestContext.Current.CancellationToken);

    public void Dispose() => _listener.Dispose();

    private void Count(Instrument instrument, long change, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        bool isHere = false;
        foreach ((string name, object? value) in tags)
            isHere |= name == "server.port" && value is int port && port == _port;
        if (!isHere)
            return;
        lock (_counting)
        {
            _open += change;
            if (change < 0 && _open == 0)
                _allEnded.TrySetResult();
        }
    }
}
