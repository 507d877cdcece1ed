using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// ETag and Last-Modified of live disks: they change with each write of the data plane. Kept in memory from a random start, so that
/// no value of an earlier run of the process returns.
/// </summary>
public sealed class LiveBlobs(TimeProvider time)
{
    private readonly ConcurrentDictionary<Guid, LiveBlob> _blobs = new();
    private readonly DateTimeOffset _start = time.GetUtcNow();
    private long _lastVersion = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(8));

    internal LiveBlob Get(Guid volumeId) =>
        _blobs.GetOrAdd(volumeId, static (_, blobs) => new LiveBlob(new(Interlocked.Increment(ref blobs._lastVersion), blobs._start)), this);

    /// <summary>To be called when a write is done and before it is acknowledged: who reads the new version sees the new bytes.</summary>
    internal BlobVersion Changed(Guid volumeId) => Get(volumeId).Version = new(Interlocked.Increment(ref _lastVersion), time.GetUtcNow());

    /// <summary>Does something between the writes of a disk: those before it are in the disk, those after it find it done.</summary>
    internal void BetweenWrites(Guid volumeId, Action action) => Get(volumeId).Alone(() => { action(); return 0; });
}

[SuppressMessage("Design", "CA1001", Justification = "The gate holds nothing of the system once nobody waits.")]
internal sealed class LiveBlob(BlobVersion version)
{
    private volatile BlobVersion _version = version;

    private readonly ReaderWriterLockSlim _gate = new();

    public BlobVersion Version
    {
        get => _version;
        set => _version = value;
    }

    /// <summary>Runs a write without conditions, side by side with others of its kind.</summary>
    public T Shared<T>(Func<T> write)
    {
        _gate.EnterReadLock();
        try
        {
            return write();
        }
        finally
        {
            _gate.ExitReadLock();
        }
    }

    /// <summary>Runs a write with conditions from their check to its new version: of two that name the same ETag only one succeeds.</summary>
    public T Alone<T>(Func<T> write)
    {
        _gate.EnterWriteLock();
        try
        {
            return write();
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }
}

internal sealed record BlobVersion(long Number, DateTimeOffset LastModified);
