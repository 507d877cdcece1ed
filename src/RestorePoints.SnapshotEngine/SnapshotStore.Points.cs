namespace RestorePoints.SnapshotEngine;

// Freezing, growing and deleting points.
public sealed partial class SnapshotStore
{
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

    /// <summary>Grows the point of one volume: its bytes stay, the new space is clear in it. Other points, the head and differences are as before.</summary>
    /// <exception cref="PointNotFoundException">The volume has no such point, or there is no such volume.</exception>
    public void ResizePoint(Guid volumeId, Guid pointId, long sizeBytes)
    {
        CheckSize(sizeBytes);
        Change(() =>
        {
            Volume volume = _volumes.Find(volumeId) ?? throw new PointNotFoundException(volumeId, pointId);
            volume.Gate.EnterExclusive();
            try
            {
                if (!volume.Points.TryGetValue(pointId, out Viewer? point)) throw new PointNotFoundException(volumeId, pointId);
                if (sizeBytes < point.SizeBytes) throw new ArgumentOutOfRangeException(nameof(sizeBytes), sizeBytes, $"A point never shrinks; it has {point.SizeBytes} bytes.");
                if (sizeBytes == point.SizeBytes) return _journal.OpenGroup;
                long group = _journal.Append(JournalRecordType.ResizePoint, JournalPayload.Start().Add(volumeId).Add(pointId).Add(sizeBytes).Bytes);
                Volume.ResizePoint(point, sizeBytes);
                return group;
            }
            finally
            {
                volume.Gate.ExitExclusive();
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
}
