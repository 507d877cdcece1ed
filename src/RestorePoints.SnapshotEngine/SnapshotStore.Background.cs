namespace RestorePoints.SnapshotEngine;

// What happens beside the callers: flushing, giving space back, checkpoints.
// A checkpoint is a durable replacement: new file, flushed, renamed, directory flushed; only then do the journal files that it
// contains go. The index is copied to the page cache while no change runs; flushing happens after changes run again.
public sealed partial class SnapshotStore
{
    private static readonly TimeSpan s_flushInterval = TimeSpan.FromSeconds(1);

    // Replay reads a journal file at once.
    private const long MaxJournalBytes = 1L << 30;

    private int _checkpointWanted;

    /// <summary>What the timer does every second.</summary>
    internal void FlushInBackground()
    {
        // A flush that takes longer than the interval is not run twice.
        if (!_journal.FlushLock.TryEnter()) return;
        try
        {
            if (_disposed || _journal.HasFailed) return;
            try
            {
                if (_options.Durability == Durability.Process) _journal.Flush();
                _slots.Trim();
            }
            catch (StoreFailedException)
            {
                // The next change reports it.
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // Space that could not be given back stays free inside the segment.
            }
        }
        finally
        {
            _journal.FlushLock.Exit();
        }
    }

    /// <summary>Writes a checkpoint and cuts the journal.</summary>
    internal void WriteCheckpoint()
    {
        lock (_journal.FlushLock)
        {
            if (_disposed) return;
            string draftPath = Path.Combine(_directory, CheckpointDraftName);
            string[] contained;
            long sequence, length;
            StoreFile draft = StoreFile.Create(draftPath);
            try
            {
                _operations.EnterExclusive();
                try
                {
                    contained = Directory.GetFiles(_directory, "journal-*");
                    _olderJournalBytes += _journal.LengthBytes;
                    _journal.StartFile(++_journalOrdinal, earlierIsDurable: false);
                    sequence = _journal.LastSequence;
                    length = new CheckpointWriter(draft).Write(_geometry, sequence, _volumes);
                }
                finally
                {
                    _operations.ExitExclusive();
                }

                _journal.Guarded(() =>
                {
                    _slots.Flush();
                    draft.Flush();
                });
            }
            finally
            {
                draft.Dispose();
            }

            _journal.Guarded(() =>
            {
                File.Move(draftPath, CheckpointPath, overwrite: true);
                LinuxFileSystem.FlushDirectory(_directory);
                _journal.DropEarlierFiles();
                foreach (string path in contained) File.Delete(path);
            });
            _slots.DurableSequence = Math.Max(_slots.DurableSequence, sequence);
            _checkpointBytes = length;
            _olderJournalBytes = 0;
        }
    }

    private void CheckpointIfLong()
    {
        // A checkpoint as long as the last one each time keeps the bytes written in proportion to the changes.
        long limit = Math.Max(_options.JournalLimitBytes, Math.Min(_checkpointBytes, MaxJournalBytes));
        if (_journal.LengthBytes + _olderJournalBytes <= limit || Interlocked.Exchange(ref _checkpointWanted, 1) != 0) return;
        ThreadPool.QueueUserWorkItem(_ =>
        {
            try
            {
                if (!_journal.HasFailed) WriteCheckpoint();
            }
            catch (Exception failure) when (failure is StoreFailedException or IOException or UnauthorizedAccessException)
            {
                // The journal still has everything; a failed flush is reported by the next change.
            }
            finally
            {
                Volatile.Write(ref _checkpointWanted, 0);
            }
        });
    }

    private long MetadataBytes() => _journal.LengthBytes + _olderJournalBytes + _checkpointBytes;

    private void CloseFiles()
    {
        _journal.Dispose();
        _slots.Dispose();
        _lockFile.Dispose();
    }
}
