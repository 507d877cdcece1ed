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

    /// <summary>Creates an empty volume. A repeat with the same id and size does nothing.</summary>
    /// <param name="volumeId">Chosen by the caller; never used again after the volume ended.</param>
    /// <param name="sizeBytes">A multiple of 4,096.</param>
    /// <exception cref="InvalidOperationException">The id belongs to another volume or to one whose head was deleted.</exception>
    public void CreateVolume(Guid volumeId, long sizeBytes)
    {
        CheckSize(sizeBytes);
        Change(() =>
        {
            lock (_creation)
            {
                if (IsRepeat(volumeId, sizeBytes, null)) return _journal.OpenGroup;
                long group = _journal.Append(JournalRecordType.CreateVolume, JournalPayload.Start().Add(volumeId).Add(sizeBytes).Bytes);
                _volumes.Create(volumeId, sizeBytes);
                return group;
            }
        });
    }

    /// <summary>Creates a volume that starts with the content of a point, without copying data. A repeat does nothing.</summary>
    /// <param name="sizeBytes">At least the size of the point.</param>
    /// <exception cref="PointNotFoundException">The source volume has no such point.</exception>
    /// <exception cref="InvalidOperationException">The id belongs to another volume or to one whose head was deleted.</exception>
    public void CreateVolumeFromPoint(Guid volumeId, Guid sourceVolumeId, Guid pointId, long sizeBytes)
    {
        CheckSize(sizeBytes);
        Change(() =>
        {
            lock (_creation)
            {
                if (IsRepeat(volumeId, sizeBytes, sourceVolumeId)) return _journal.OpenGroup;
                Volume source = _volumes.Find(sourceVolumeId) ?? throw new PointNotFoundException(sourceVolumeId, pointId);
                source.Gate.EnterExclusive();
                try
                {
                    if (!source.Points.TryGetValue(pointId, out Viewer? point)) throw new PointNotFoundException(sourceVolumeId, pointId);
                    if (sizeBytes < point.SizeBytes) throw new ArgumentOutOfRangeException(nameof(sizeBytes), sizeBytes, $"The point has {point.SizeBytes} bytes.");
                    long group = _journal.Append(JournalRecordType.CreateVolumeFromPoint, JournalPayload.Start().Add(volumeId).Add(sourceVolumeId).Add(pointId).Add(sizeBytes).Bytes);
                    _volumes.Fork(volumeId, source, point, sizeBytes);
                    return group;
                }
                finally
                {
                    source.Gate.ExitExclusive();
                }
            }
        });
    }

    /// <summary>Deletes the head of a volume (its disk). Points of it stay readable; the volume ends with its last viewer. Absent: does nothing.</summary>
    public void DeleteHead(Guid volumeId) => Change(() =>
    {
        if (_volumes.Find(volumeId) is not { } volume) return _journal.OpenGroup;
        long group;
        int[] work;
        volume.Gate.EnterExclusive();
        try
        {
            if (!volume.HasHead) return _journal.OpenGroup;
            group = _journal.Append(JournalRecordType.DeleteHead, JournalPayload.Start().Add(volumeId).Bytes);
            work = VolumeSet.DropHead(volume);
        }
        finally
        {
            volume.Gate.ExitExclusive();
        }

        _volumes.Reclaim(volume, work, _journal.LastSequence);
        return group;
    });

    /// <summary>Grows the head. The new space is clear.</summary>
    /// <exception cref="VolumeNotFoundException">There is no such volume, or its head was deleted.</exception>
    public void Resize(Guid volumeId, long sizeBytes)
    {
        CheckSize(sizeBytes);
        Change(() =>
        {
            Volume volume = FindVolume(volumeId);
            volume.Gate.EnterExclusive();
            try
            {
                CheckHead(volume);
                if (sizeBytes < volume.SizeBytes) throw new ArgumentOutOfRangeException(nameof(sizeBytes), sizeBytes, $"A volume never shrinks; it has {volume.SizeBytes} bytes.");
                if (sizeBytes == volume.SizeBytes) return _journal.OpenGroup;
                long group = _journal.Append(JournalRecordType.Resize, JournalPayload.Start().Add(volumeId).Add(sizeBytes).Bytes);
                volume.Resize(sizeBytes);
                return group;
            }
            finally
            {
                volume.Gate.ExitExclusive();
            }
        });
    }

    /// <summary>Freezes the heads of all given volumes at one instant. A repeat with the same id and volumes does nothing.</summary>
    /// <exception cref="VolumeNotFoundException">There is no such volume, or its head was deleted.</exception>
    /// <exception cref="InvalidOperationException">Some of the volumes have a point with this id and others have not.</exception>
    public void CreatePoint(Guid pointId, IReadOnlyCollection<Guid> volumeIds)
    {
        ArgumentNullException.ThrowIfNull(volumeIds);
        if (volumeIds.Count == 0) throw new ArgumentException("A point freezes one volume at least.", nameof(volumeIds));
        Change(() =>
        {
            Volume[] volumes = [.. volumeIds.Distinct().Order().Select(FindVolume)];
            int entered = 0;
            try
            {
                // All gates first: no write of any of the disks falls between two of them.
                for (; entered < volumes.Length; entered++) volumes[entered].Gate.EnterExclusive();
                int present = volumes.Count(volume => volume.Points.ContainsKey(pointId));
                if (present == volumes.Length) return _journal.OpenGroup;
                if (present > 0) throw new InvalidOperationException($"Only {present} of {volumes.Length} volumes have the point {pointId} already.");
                JournalPayload payload = JournalPayload.Start().Add(pointId);
                foreach (Volume volume in volumes)
                {
                    CheckHead(volume);
                    payload.Add(volume.Id);
                }

                long group = _journal.Append(JournalRecordType.CreatePoint, payload.Bytes);
                foreach (Volume volume in volumes) volume.Freeze(pointId);
                return group;
            }
            finally
            {
                while (--entered >= 0) volumes[entered].Gate.ExitExclusive();
            }
        });
    }

    /// <summary>Deletes the point of one volume and frees what only it could see. Absent: does nothing.</summary>
    public void DeletePoint(Guid volumeId, Guid pointId) => Change(() =>
    {
        if (_volumes.Find(volumeId) is not { } volume) return _journal.OpenGroup;
        long group;
        int[] work;
        volume.Gate.EnterExclusive();
        try
        {
            if (!volume.Points.TryGetValue(pointId, out Viewer? point)) return _journal.OpenGroup;
            group = _journal.Append(JournalRecordType.DeletePoint, JournalPayload.Start().Add(volumeId).Add(pointId).Bytes);
            work = VolumeSet.DropPoint(volume, pointId, point);
        }
        finally
        {
            volume.Gate.ExitExclusive();
        }

        _volumes.Reclaim(volume, work, _journal.LastSequence);
        return group;
    });

    /// <summary>Writes to the head. Offset and length are multiples of 512. When it returns, the write survives a kill of the process.</summary>
    /// <exception cref="VolumeNotFoundException">There is no such volume, or its head was deleted.</exception>
    public void Write(Guid volumeId, long offsetBytes, ReadOnlySpan<byte> data)
    {
        CheckSectors(offsetBytes, data.Length);
        Volume volume = FindVolume(volumeId);
        while (data.Length > 0)
        {
            int length = RequestLength(offsetBytes, data.Length);
            EnterWrite(volume, offsetBytes, data.Length);
            long group;
            try
            {
                group = _writer.Write(volume, offsetBytes, data[..length]);
            }
            finally
            {
                ExitWrite(volume);
            }

            offsetBytes += length;
            data = data[length..];
            // Several requests of one call share the commit of the last.
            if (data.IsEmpty) _journal.Commit(group);
        }

        CheckpointIfLong();
    }

    /// <summary>Clears a range of the head: whole pages of 4,096 bytes become unallocated, parts of pages become zeros. Multiples of 512.</summary>
    /// <exception cref="VolumeNotFoundException">There is no such volume, or its head was deleted.</exception>
    public void Clear(Guid volumeId, long offsetBytes, long lengthBytes)
    {
        CheckSectors(offsetBytes, lengthBytes);
        Volume volume = FindVolume(volumeId);
        while (lengthBytes > 0)
        {
            EnterWrite(volume, offsetBytes, lengthBytes);
            long group;
            int length;
            try
            {
                long skip = Math.Min(lengthBytes, Math.Max(0, NextTouchedBytes(volume, offsetBytes) - offsetBytes));
                offsetBytes += skip;
                lengthBytes -= skip;
                length = RequestLength(offsetBytes, lengthBytes);
                group = length == 0 ? _journal.OpenGroup : _writer.Clear(volume, offsetBytes, length);
            }
            finally
            {
                ExitWrite(volume);
            }

            offsetBytes += length;
            lengthBytes -= length;
            if (lengthBytes == 0) _journal.Commit(group);
        }

        CheckpointIfLong();
    }

    /// <summary>Opens the head of a volume for reading; each read sees the bytes of its own moment.</summary>
    /// <exception cref="VolumeNotFoundException">There is no such volume, or its head was deleted.</exception>
    public VolumeView OpenHead(Guid volumeId)
    {
        Volume volume = FindVolume(volumeId);
        lock (volume.PinLock)
        {
            CheckHead(volume);
            volume.HeadViews++;
        }

        return new VolumeView(this, volume, null);
    }

    /// <summary>Opens a point for reading. What the view shows stays readable until it is disposed, also when the point is deleted meanwhile.</summary>
    /// <exception cref="PointNotFoundException">The volume has no such point, or there is no such volume.</exception>
    public VolumeView OpenPoint(Guid volumeId, Guid pointId)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Volume volume = _volumes.Find(volumeId) ?? throw new PointNotFoundException(volumeId, pointId);
        lock (volume.PinLock)
        {
            if (!volume.Points.TryGetValue(pointId, out Viewer? point)) throw new PointNotFoundException(volumeId, pointId);
            point.ViewPins++;
            return new VolumeView(this, volume, point);
        }
    }

    /// <summary>The volumes of the store with their points, oldest first: what start-up compares with the catalog.</summary>
    public IReadOnlyList<VolumeDescription> ListVolumes()
    {
        var list = new List<VolumeDescription>();
        foreach (Volume volume in _volumes.All)
        {
            lock (volume.PinLock)
            {
                List<Guid> points = [];
                long sizeBytes = volume.SizeBytes;
                foreach (Viewer viewer in volume.Viewers.Frozen)
                {
                    if (viewer.PointId is { } pointId) points.Add(pointId);
                }

                // What only disks made from its points still need is nothing the catalog knows.
                if (volume.HasHead || points.Count > 0) list.Add(new VolumeDescription(volume.Id, sizeBytes, volume.HasHead, points));
            }
        }

        return list;
    }

    /// <summary>What the store holds and what it takes on disk.</summary>
    public StoreUsage GetUsage()
    {
        ICollection<Volume> volumes = _volumes.All;
        int points = 0;
        foreach (Volume volume in volumes)
        {
            lock (volume.PinLock) points += volume.Points.Count;
        }

        return new StoreUsage(volumes.Count, points, _slots.UsedSlots * Geometry.PageBytes, _slots.AllocatedBytes, MetadataBytes());
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
