using System.Collections.Concurrent;
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
}

internal sealed class LiveBlob(BlobVersion version)
{
    private volatile BlobVersion _version = version;

    /// <summary>Held by writes with conditions from the check to the new version: of two that name the same ETag only one succeeds.</summary>
    public Lock Gate { get; } = new();

    public BlobVersion Version
    {
        get => _version;
        set => _version = value;
    }
}

internal sealed record BlobVersion(long Number, DateTimeOffset LastModified);
