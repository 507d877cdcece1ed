using System.Collections.Concurrent;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>The copies to another region that run now: how far each is, how it is stopped, and where it can be held.</summary>
public sealed class Replications(RegionStores stores, Faults faults, RegionStates regions) : IDisposable
{
    // Copies take turns piece by piece, so that many of them leave threads to the requests. One that is held takes no room.
    private readonly SemaphoreSlim _room = new(Math.Max(2, Environment.ProcessorCount / 2));
    private readonly ConcurrentDictionary<Guid, Running> _running = new();

    /// <summary>
    /// The one place where a copy can be held: awaited before each piece (at most one percent) and when all bytes are there, with the id of the disk
    /// restore point or snapshot, the percent reached, and a token that ends the wait. null: nothing is held.
    /// </summary>
    public Func<Guid, int, CancellationToken, ValueTask>? Hold { get; set; }

    /// <summary>What ARM shows as <c>completionPercent</c>: 100 only when the bytes can be read.</summary>
    public int PercentOf(DiskRestorePoint disk) => PercentOf(disk.Id, disk.ReplicationState);

    /// <summary>The same of a snapshot.</summary>
    public int PercentOf(Snapshot snapshot) => PercentOf(snapshot.Id, snapshot.ReplicationState);

    /// <summary>
    /// Brings the bytes of a point into the head of a volume, to the last byte: the caller then freezes it. It stays known until <see cref="End"/>. While the region of
    /// either is lost, it waits.
    /// </summary>
    /// <param name="bases">Points that show the same in both, the newest first.</param>
    /// <exception cref="ArmException">OperationNotAllowed: the source was deleted. NotFound: the target was deleted, or everything was reset.</exception>
    public async Task RunAsync(Replication replication, IEnumerable<PointPair> bases, CancellationToken cancellationToken)
    {
        try
        {
            using PointCopy copy = new(stores.Get(replication.SourceLocation), replication.SourceVolumeId, replication.SourcePointId,
                stores.Get(replication.TargetLocation), replication.TargetVolumeId, bases);
            await RunAsync(replication, copy, cancellationToken);
        }
        catch (PointNotFoundException)
        {
            throw ArmErrors.CopySourceDeleted.AsException();
        }
        catch (Exception exception) when (exception is VolumeNotFoundException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw ArmErrors.EntityNotFound.AsException();
        }
    }

    /// <summary>Stops the copy of a disk restore point or snapshot that is deleted. None runs: does nothing.</summary>
    public void Cancel(Guid id)
    {
        if (!_running.TryRemove(id, out Running? running))
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

    /// <summary>The row of the disk restore point or snapshot says now how it ended.</summary>
    public void End(Guid id) => _running.TryRemove(id, out _);

    /// <summary>Of a world that is gone.</summary>
    public void Clear() => _running.Clear();

    public void Dispose() => _room.Dispose();

    private int PercentOf(Guid id, ReplicationState? state) => state switch
    {
        null or ReplicationState.Succeeded => 100,
        ReplicationState.Replicating when _running.TryGetValue(id, out Running? running) => Math.Min(99, running.Copy.Percent),
        _ => 0,
    };

    private async Task RunAsync(Replication replication, PointCopy copy, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _running[replication.Id] = new Running(copy, stop);
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
                await hold(replication.Id, copy.Percent, stop.Token);
            await faults.WhenNotStalledAsync(replication.ResourceRowId, replication.OperationId, replication.ResourceId, copy.Percent, stop.Token);
            await regions.WhenOnlineAsync(replication.SourceLocation, stop.Token);
            await regions.WhenOnlineAsync(replication.TargetLocation, stop.Token);
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

    private sealed record Running(PointCopy Copy, CancellationTokenSource Stop);
}

/// <summary>A copy of one point between regions.</summary>
/// <param name="Id">Row id of the disk restore point or snapshot that is made.</param>
public sealed record Replication(Guid Id)
{
    /// <summary>Row id of the restore point or snapshot that a client made.</summary>
    public required Guid ResourceRowId { get; init; }

    /// <summary>Its ARM id, and the operation that made it: what a fault rule matches.</summary>
    public required string ResourceId { get; init; }
    public required string OperationId { get; init; }

    public required string SourceLocation { get; init; }
    public required Guid SourceVolumeId { get; init; }
    public required Guid SourcePointId { get; init; }
    public required string TargetLocation { get; init; }
    public required Guid TargetVolumeId { get; init; }
}
