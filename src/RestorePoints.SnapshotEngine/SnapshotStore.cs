namespace RestorePoints.SnapshotEngine;

/// <summary>
/// The block store of one Azure region: volumes (the content of managed disks), points (what restore points froze)
/// and the bytes behind both, in one directory. All members are safe to call from any thread; all offsets and
/// lengths are bytes.
/// </summary>
/// <remarks>
/// Every change has the same order: fresh data, then a journal record, then the map in memory, then the return to the caller.
/// Locks are taken in this order: flush lock, <see cref="_operations"/>, volume gates by id, latches, the journal's append lock.
/// </remarks>
public sealed partial class SnapshotStore : IDisposable
{
    private readonly string _directory;
    private readonly SnapshotStoreOptions _options;
    private readonly Geometry _geometry;
    private readonly FileStream _lockFile;
    private readonly ReadEpochs _epochs = new();
    private readonly SlotAllocator _slots;
    private readonly VolumeSet _volumes;
    private readonly Journal _journal;
    private readonly HeadWriter _writer;

    // Shared by every change from before its record to the end of what it frees; exclusive while a checkpoint copies the index.
    private readonly Gate _operations = new();
    private readonly Lock _creation = new();
    private readonly ITimer _flushTimer;
    private bool _disposed;

    /// <summary>Opens the store in <paramref name="directory"/>, creating it when absent, and recovers it from whatever state a crash left.</summary>
    /// <exception cref="StoreFormatException">The directory was written by another version, or is damaged beyond what a crash can do.</exception>
    public static SnapshotStore Open(string directory, SnapshotStoreOptions? options = null)
    {
        Directory.CreateDirectory(directory);
        var lockFile = new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        try
        {
            return new SnapshotStore(directory, options ?? new SnapshotStoreOptions(), lockFile);
        }
        catch
        {
            lockFile.Dispose();
            throw;
        }
    }

    /// <summary>Writes a checkpoint, so that the next <see cref="Open"/> has nothing to replay, and closes the files. Open views can no longer be read.</summary>
    public void Dispose()
    {
        lock (_journal.FlushLock)
        {
            if (_disposed) return;
            _flushTimer.Dispose();
            try
            {
                if (!_journal.HasFailed) WriteCheckpoint();
            }
            catch (Exception failure) when (failure is StoreFailedException or IOException)
            {
                // The journal still has all that was acknowledged; the next opening replays it.
            }
            finally
            {
                _operations.EnterExclusive();
                _disposed = true;
                _operations.ExitExclusive();
                CloseFiles();
            }
        }
    }
}
