namespace RestorePoints.SnapshotEngine;

// How volumes come, grow and lose their head.
public sealed partial class SnapshotStore
{
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
}
