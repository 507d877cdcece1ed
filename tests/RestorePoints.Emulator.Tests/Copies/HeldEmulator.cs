using System.Diagnostics;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Tests.Copies;

/// <summary>The whole server inside this process, so that a test can hold its copies at a percentage and let them go.</summary>
internal sealed class HeldEmulator : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly Task _main;
    private readonly Lock _lock = new();
    private readonly HashSet<Guid> _held = [];
    private int _percent = int.MaxValue, _copies, _waiting;
    private TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private HeldEmulator(IHost host, Task main)
    {
        (_host, _main) = (host, main);
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{host.Services.GetRequiredService<ListenSockets>().HttpPort}") };
        host.Services.GetRequiredService<Replications>().Hold = HoldAsync;
    }

    public HttpClient Http { get; }

    /// <summary>The copies that are held now.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Ends when a region's store has so many volumes, those that no resource shows too, and points in them: bytes go after the operation that deletes their resource has succeeded.</summary>
    public async Task HasAsync(string region, int volumes, int points)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            IReadOnlyList<VolumeDescription> found = _host.Services.GetRequiredService<RegionStores>().Get(region).ListVolumes();
            int foundPoints = found.Sum(volume => volume.PointIds.Count);
            if (found.Count == volumes && foundPoints == points)
                return;
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(60))
                throw new TimeoutException($"{region} has {found.Count} volumes and {foundPoints} points instead of {volumes} and {points}.");
            await Task.Yield();
        }
    }

    /// <summary>Runs the program's own entry point and takes hold of its host when it is built.</summary>
    /// <param name="settings">Further settings.</param>
    public static async Task<HeldEmulator> StartAsync(string dataDirectory, params string[] settings)
    {
        var started = new TaskCompletionSource<IHost>(TaskCreationOptions.RunContinuationsAsynchronously);
        string[] arguments = ["--applicationName=RestorePoints.Emulator", $"--Emulator:DataDirectory={dataDirectory}", "--Emulator:HttpPort=auto", "--Emulator:HttpsPort=0", "--Logging:LogLevel:Default=Critical", .. settings];
        var main = Task.Run(async () =>
        {
            using IDisposable listening = DiagnosticListener.AllListeners.Subscribe(new HostObserver(started));
            MethodInfo entry = typeof(Replications).Assembly.EntryPoint!;
            if (entry.Invoke(null, [arguments]) is Task<int> running)
                await running;
        });
        await await Task.WhenAny(started.Task, main);
        return new HeldEmulator(await started.Task, main);
    }

    /// <summary>From now on no copy gets past the percentage.</summary>
    /// <param name="copies">How many <see cref="HeldAsync"/> waits for: those of the disks of the machine of <see cref="CopyWorld"/>.</param>
    public void HoldAt(int percent, int copies = 2)
    {
        lock (_lock)
        {
            (_percent, _copies) = (percent, copies);
            _held.Clear();
            _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Ends when as many copies are held as <see cref="HoldAt"/> was told.</summary>
    public Task HeldAsync() => _reached.Task.WaitAsync(TimeSpan.FromSeconds(60));

    public void Release()
    {
        lock (_lock)
        {
            _percent = int.MaxValue;
            _released.TrySetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await _main;
    }

    private async ValueTask HoldAsync(Guid diskRestorePointId, int percent, CancellationToken cancellationToken)
    {
        Task released;
        lock (_lock)
        {
            if (percent < _percent)
                return;
            released = _released.Task;
            if (_held.Add(diskRestorePointId) && _held.Count == _copies)
                _reached.TrySetResult();
        }
        Interlocked.Increment(ref _waiting);
        try
        {
            await released.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>The generic host announces itself to diagnostics when it is built, and again when it has started.</summary>
    private sealed class HostObserver(TaskCompletionSource<IHost> started) : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
    {
        // Flows with the asynchronous call: of servers that start side by side, each sees its own.
        private readonly AsyncLocal<bool> _isOurs = new() { Value = true };

        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "Microsoft.Extensions.Hosting")
                value.Subscribe(this);
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (_isOurs.Value && value is { Key: "HostBuilt", Value: IHost host })
                host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(() => started.TrySetResult(host));
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }
}
