using System.Collections.Concurrent;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>The copies to another region that run now: how far each is, how it is stopped, and where it can be held.</summary>
public sealed class Replications(Faults faults, RegionStates regions) : IDisposable
{
    // Copies take turns piece by piece, so that many of them leave threads to the requests. One that is held takes no room.
    private readonly SemaphoreSlim _room = new(Math.Max(2, Environment.ProcessorCount / 2));
    private readonly ConcurrentDictionary<Guid, Running> _running = new();

    /// <summary>
    /// The one place where a copy can be held: awaited before each piece (at most one percent) and when all bytes are there, with the id of the disk
    /// restore point, the percent reached, and a token that ends the wait. null: nothing is held.
    /// </summary>
    public Func<Guid, int, CancellationToken, ValueTask>? Hold { get; set; }

    /// <summary>What ARM shows as <c>completionPercent</c>: 100 only when the bytes can be read.</summary>
    public int PercentOf(DiskRestorePoint disk) => disk.ReplicationState switch
    {
        null or ReplicationState.Succeeded => 100,
        ReplicationState.Replicating when _running.TryGetValue(disk.Id, out Running? running) => Math.Min(99, running.Copy.Percent),
        _ => 0,
    };

    /// <summary>Runs a copy to its last byte. It stays known until <see cref="End"/>.</summary>
    /// <param name="target">Where the bytes go.</param>
    /// <param name="targetId">ARM id of the restore point that is the copy.</param>
    /// <param name="sourceLocation">Where they come from. While it or the target's region is lost, the copy waits.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public async Task RunAsync(DiskRestorePoint target, string targetId, string sourceLocation, PointCopy copy, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _running[target.Id] = new Running(copy, stop);
        bool isInside = false;
        try
        {
            await copy.RunAsync(TakeTurnAsync, stop.Token);
        }
        finally
        {
            Leave();
        }

        async ValueTask TakeTurnAsync()
        {
            Leave();
            if (Hold is { } hold)
                await hold(target.Id, copy.Percent, stop.Token);
            await faults.WhenNotStalledAsync(target.RestorePointId, "RestorePoints_Create", targetId, copy.Percent, stop.Token);
            await regions.WhenOnlineAsync(sourceLocation, stop.Token);
            await regions.WhenOnlineAsync(target.Location, stop.Token);
            await _room.WaitAsync(stop.Token);
            isInside = true;
        }

        void Leave()
        {
            if (isInside)
                _room.Release();
            isInside = false;
        }
    }

    /// <summary>Stops the copy of a disk restore point that is deleted. None runs: does nothing.</summary>
    public void Cancel(Guid diskRestorePointId)
    {
        if (!_running.TryRemove(diskRestorePointId, out Running? running))
            return;
        try
        {
            running.Stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself.
        }
    }

    /// <summary>The row of the disk restore point says now how it ended.</summary>
    public void End(Guid diskRestorePointId) => _running.TryRemove(diskRestorePointId, out _);

    public void Dispose() => _room.Dispose();

    private sealed record Running(PointCopy Copy, CancellationTokenSource Stop);
}
