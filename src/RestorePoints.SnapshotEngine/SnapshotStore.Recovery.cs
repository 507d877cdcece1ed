namespace RestorePoints.SnapshotEngine;

// Opening: checkpoint, journal, what of the journal can be believed.
//  1 checkpoint        the index as of record s
//  2 read journals     in order, up to the first record that is not whole or does not follow its predecessor
//  3 limit             the same kernel: all of it, the page cache survived. Another kernel: up to the last marker
//                      (Power: all of it, a record is written only when its data is on disk)
//  4 replay            records in (s, limit], each delete completed before the next record
//  5 cut               the rest of the journal goes; segments and journal are flushed
//  6 new journal file  appending never continues a file of the past
public sealed partial class SnapshotStore
{
    internal const string CheckpointName = "checkpoint";
    private const string CheckpointDraftName = "checkpoint.new";

    private int _journalOrdinal;
    private long _olderJournalBytes;
    private long _checkpointBytes;

    private SnapshotStore(string directory, SnapshotStoreOptions options, FileStream lockFile)
    {
        _directory = directory;
        _options = options;
        _geometry = options.Geometry;
        _lockFile = lockFile;
        _slots = new SlotAllocator(directory, _geometry, _epochs);
        _volumes = new VolumeSet(_geometry, _slots);
        Guid bootId = options.BootId ?? LinuxFileSystem.BootId();
        try
        {
            long sequence = Recover(bootId);
            _journal = new Journal(directory, _geometry, _slots, options.Durability, bootId, sequence);
            _journal.StartFile(++_journalOrdinal, earlierIsDurable: true);
            _slots.DurableSequence = sequence;
            _writer = new HeadWriter(_geometry, _slots, _journal);
        }
        catch
        {
            _journal?.Dispose();
            _slots.Dispose();
            throw;
        }

        _flushTimer = options.TimeProvider.CreateTimer(_ => FlushInBackground(), null, s_flushInterval, s_flushInterval);
    }

    private string CheckpointPath => Path.Combine(_directory, CheckpointName);

    private long Recover(Guid bootId)
    {
        File.Delete(Path.Combine(_directory, CheckpointDraftName));
        _slots.OpenExisting();
        long sequence = 0;
        if (File.Exists(CheckpointPath))
        {
            _checkpointBytes = new FileInfo(CheckpointPath).Length;
            sequence = new CheckpointReader(_geometry, _slots, _volumes).Read(CheckpointPath);
        }

        sequence = ReplayJournals(bootId, sequence);
        _slots.EndRecovery();
        _slots.Flush();
        LinuxFileSystem.FlushDirectory(_directory);
        return sequence;
    }

    private long ReplayJournals(Guid bootId, long checkpointSequence)
    {
        var journals = new JournalSet(_directory, _geometry);
        _journalOrdinal = journals.LastOrdinal;
        long sequence = journals.Replay(bootId, checkpointSequence, new JournalReplay(_geometry, _slots, _volumes));
        foreach (JournalSet.ReplayedFile file in journals.Files) Keep(file.Path, file.CountedBytes, file.LengthBytes);
        return sequence;
    }

    /// <summary>Cuts a journal file behind its last replayed record, so that nothing behind can ever be taken for a successor.</summary>
    private void Keep(string path, int keptBytes, long lengthBytes)
    {
        if (keptBytes == 0)
        {
            File.Delete(path);
            return;
        }

        using StoreFile file = StoreFile.Open(path);
        if (keptBytes < lengthBytes) file.SetLength(keptBytes);
        file.Flush();
        _olderJournalBytes += keptBytes;
    }
}
