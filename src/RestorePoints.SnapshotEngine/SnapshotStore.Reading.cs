namespace RestorePoints.SnapshotEngine;

// Views, and what there is.
public sealed partial class SnapshotStore
{
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

    /// <summary>Size of a point in bytes; null: the volume has no such point, or there is no such volume.</summary>
    public long? FindPointSize(Guid volumeId, Guid pointId)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_volumes.Find(volumeId) is not { } volume) return null;
        lock (volume.PinLock) return volume.Points.TryGetValue(pointId, out Viewer? point) ? point.SizeBytes : null;
    }

    /// <summary>Whether a point has another size than it froze. Absent: no.</summary>
    public bool WasPointResized(Guid volumeId, Guid pointId)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_volumes.Find(volumeId) is not { } volume) return false;
        lock (volume.PinLock) return volume.Points.TryGetValue(pointId, out Viewer? point) && point.IsResized;
    }

    /// <summary>The volumes of the store with their points, oldest first: what start-up compares with the catalog.</summary>
    public IReadOnlyList<VolumeDescription> ListVolumes() => _volumes.Describe();

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
}
