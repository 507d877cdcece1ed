using System.Buffers;

namespace RestorePoints.SnapshotEngine;

/// <summary>The one appender. Every change of the index is a record here before it happens in memory.</summary>
/// <remarks>
/// Invariants:
/// <list type="number">
/// <item>Records reach the file in the order of their sequence numbers, without gaps.</item>
/// <item>Process: a record is in the page cache when <see cref="Append"/> returns. A marker names a sequence number up to which data and records are on disk.</item>
/// <item>Power: a record is written only after the data of its group is on disk, and acknowledged only after it is itself.</item>
/// <item>After a failed write or flush nothing is accepted: the page cache may have dropped what it could not write.</item>
/// </list>
/// </remarks>
internal sealed class Journal(string directory, Geometry geometry, SlotAllocator slots, Durability durability, Guid bootId, long lastSequence) : IDisposable
{
    private readonly Lock _append = new();
    private readonly Lock _flush = new();
    private ArrayBufferWriter<byte> _pending = new();
    private ArrayBufferWriter<byte> _committing = new();
    private byte[] _buffer = new byte[4096];
    private StoreFile? _file;

    // What a checkpoint leaves behind until it has ended well; else the next marker speaks for their records too.
    private readonly List<StoreFile> _unflushed = [];
    private long _offsetBytes;
    private long _lastSequence = lastSequence;
    private long _markedSequence = lastSequence;
    private long _openGroup = 1;
    private long _committedGroup;
    private volatile Exception? _failure;

    /// <summary>Held by whoever flushes, checkpoints or gives space back, one at a time. Taken before any gate.</summary>
    public Lock FlushLock => _flush;

    public long LastSequence => Volatile.Read(ref _lastSequence);

    public long LengthBytes => Volatile.Read(ref _offsetBytes);

    /// <summary>The group that collects what is not on its way to disk yet (Power only).</summary>
    public long OpenGroup => Volatile.Read(ref _openGroup);

    public bool HasFailed => _failure is not null;

    /// <summary>Adds a record and returns the group whose commit makes it durable.</summary>
    public long Append(JournalRecordType type, ReadOnlySpan<byte> payload)
    {
        int length = payload.Length + JournalFile.RecordOverheadBytes;
        lock (_append)
        {
            ThrowIfFailed();
            if (durability == Durability.Power)
            {
                JournalFile.WriteRecord(_pending.GetSpan(length), type, _lastSequence + 1, payload);
                _pending.Advance(length);
            }
            else
            {
                if (length > _buffer.Length) _buffer = new byte[length * 2];
                JournalFile.WriteRecord(_buffer, type, _lastSequence + 1, payload);
                try
                {
                    _file!.Write(_offsetBytes, _buffer.AsSpan(0, length));
                }
                catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
                {
                    _failure = failure;
                    throw new StoreFailedException(failure);
                }

                Volatile.Write(ref _offsetBytes, _offsetBytes + length);
            }

            Volatile.Write(ref _lastSequence, _lastSequence + 1);
            return _openGroup;
        }
    }

    /// <summary>Returns when the group is on disk. The first to come commits for all who joined meanwhile. Process: nothing to wait for.</summary>
    public void Commit(long group)
    {
        if (durability == Durability.Process || Volatile.Read(ref _committedGroup) >= group) return;
        lock (_flush)
        {
            if (_committedGroup < group) CommitOpenGroup();
        }
    }

    /// <summary>Makes everything durable that was acknowledged before the call.</summary>
    public void Flush()
    {
        lock (_flush)
        {
            if (durability == Durability.Power) CommitOpenGroup();
            else FlushAndMark();
        }
    }

    /// <summary>
    /// Goes on in a new file. Nobody appends meanwhile, and the caller holds the flush lock.
    /// </summary>
    /// <param name="earlierIsDurable">Whether everything before is on disk already.</param>
    public void StartFile(int ordinal, bool earlierIsDurable)
    {
        ThrowIfFailed();
        if (durability == Durability.Power && _file is not null) CommitOpenGroup();
        Guarded(() =>
        {
            StoreFile file = JournalFile.Create(directory, ordinal, geometry, new JournalHeader(bootId, _lastSequence + 1, durability == Durability.Power, earlierIsDurable));
            if (_file is not null && !earlierIsDurable) _unflushed.Add(_file);
            else _file?.Dispose();
            _file = file;
            file.Flush();
            LinuxFileSystem.FlushDirectory(directory);
        });
        Volatile.Write(ref _offsetBytes, JournalFile.HeaderBytes);
    }

    public void ThrowIfFailed()
    {
        if (_failure is { } failure) throw new StoreFailedException(failure);
    }

    /// <summary>Runs something that must not fail; if it does, the store accepts no more changes.</summary>
    public void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _failure = failure;
            throw new StoreFailedException(failure);
        }
    }

    public void Dispose()
    {
        DropEarlierFiles();
        _file?.Dispose();
    }

    /// <summary>A checkpoint that is on disk contains them. The caller holds the flush lock.</summary>
    public void DropEarlierFiles()
    {
        foreach (StoreFile file in _unflushed) file.Dispose();
        _unflushed.Clear();
    }

    private void CommitOpenGroup()
    {
        ThrowIfFailed();
        long group, sequence;
        lock (_append)
        {
            group = _openGroup;
            sequence = _lastSequence;
            Volatile.Write(ref _openGroup, group + 1);
            (_pending, _committing) = (_committing, _pending);
        }

        Guarded(() =>
        {
            slots.Flush();
            if (_committing.WrittenCount == 0) return;
            _file!.Write(_offsetBytes, _committing.WrittenSpan);
            _file.Flush();
            Volatile.Write(ref _offsetBytes, _offsetBytes + _committing.WrittenCount);
        });
        _committing.ResetWrittenCount();
        slots.DurableSequence = sequence;
        Volatile.Write(ref _committedGroup, group);
    }

    private void FlushAndMark()
    {
        ThrowIfFailed();
        long sequence = LastSequence;
        Guarded(() =>
        {
            slots.Flush();
            if (sequence == _markedSequence) return;
            foreach (StoreFile file in _unflushed) file.Flush();
            DropEarlierFiles();
            _file!.Flush();
            Append(JournalRecordType.Marker, JournalPayload.Start().Add(sequence).Bytes);
            _file.Flush();
        });
        if (sequence != _markedSequence && LastSequence == sequence + 1) _markedSequence = sequence + 1;
        slots.DurableSequence = sequence;
    }
}
