using System.Collections.Concurrent;

namespace RestorePoints.SnapshotEngine;

/// <summary>
/// The volumes of a store and how they come and go. What a record does is done here, the same live and when the journal is replayed.
/// </summary>
internal sealed class VolumeSet(Geometry geometry, SlotAllocator slots)
{
    private readonly ConcurrentDictionary<Guid, Volume> _volumes = [];
    private readonly ConcurrentDictionary<Guid, bool> _endedIds = [];

    public ICollection<Volume> All => _volumes.Values;

    /// <summary>Kept for good, so that an id that has ended does not come back.</summary>
    public ICollection<Guid> EndedIds => _endedIds.Keys;

    public Volume? Find(Guid id) => _volumes.GetValueOrDefault(id);

    public bool HasEnded(Guid id) => _endedIds.ContainsKey(id);

    public void AddEnded(Guid id) => _endedIds[id] = true;

    public void Add(Volume volume) => _volumes[volume.Id] = volume;

    /// <summary>Volumes with their points, oldest first. What only disks made from its points still need is nothing that a catalog knows.</summary>
    public List<VolumeDescription> Describe()
    {
        var list = new List<VolumeDescription>();
        foreach (Volume volume in _volumes.Values)
        {
            lock (volume.PinLock)
            {
                List<Guid> points = [];
                foreach (Viewer viewer in volume.Viewers.Frozen)
                {
                    if (viewer.PointId is { } pointId) points.Add(pointId);
                }

                if (volume.HasHead || points.Count > 0) list.Add(new VolumeDescription(volume.Id, volume.SizeBytes, volume.HasHead, points));
            }
        }

        return list;
    }

    public void Create(Guid id, long sizeBytes) => Add(new Volume(id, sizeBytes, geometry.PagesPerRegion));

    /// <summary>A volume that shows what a point shows. The pin keeps the point's bytes; the caller holds the parent's gate exclusively.</summary>
    public void Fork(Guid id, Volume parent, Viewer point, long sizeBytes)
    {
        lock (parent.PinLock) point.ForkPins++;
        var child = new Volume(id, sizeBytes, geometry.PagesPerRegion);
        child.SetParent(parent, point);
        Add(child);
    }

    /// <summary>The point stops being one; the result names the regions to prune. The caller holds the gate exclusively.</summary>
    public static int[] DropPoint(Volume volume, Guid pointId, Viewer point)
    {
        lock (volume.PinLock)
        {
            volume.Points.Remove(pointId);
            point.PointId = null;
            return volume.DetachUnneeded(point);
        }
    }

    /// <summary>The head stops being one; the result names the regions to prune. The caller holds the gate exclusively.</summary>
    public static int[] DropHead(Volume volume)
    {
        lock (volume.PinLock)
        {
            volume.DropHead();
            return volume.DetachUnneeded(volume.Viewers.Head!);
        }
    }

    /// <summary>
    /// Frees what lost its last viewer. A volume without viewers ends, then its pin on the parent goes, and so on up.
    /// No gate is held: a version without viewers gets none again.
    /// </summary>
    public void Reclaim(Volume volume, int[] regions, long sequence)
    {
        while (true)
        {
            var freed = new SlotRunList();
            foreach (int region in regions) volume.Prune(region, freed);
            bool ends = TryEnd(volume);
            if (ends)
            {
                for (int region = volume.Regions.NextTouched(0); region < RegionDirectory.MaxRegions; region = volume.Regions.NextTouched(region + 1)) volume.Prune(region, freed);
            }

            slots.Free(freed, sequence);
            if (!ends || volume.Parent is not { } parent) return;
            regions = Unpin(parent, volume.ParentViewer!);
            volume = parent;
        }
    }

    private bool TryEnd(Volume volume)
    {
        volume.Gate.EnterExclusive();
        try
        {
            if (volume.Ended || !volume.Viewers.IsEmpty) return false;
            volume.Ended = true;
        }
        finally
        {
            volume.Gate.ExitExclusive();
        }

        // In this order: an id is always in one of both.
        AddEnded(volume.Id);
        _volumes.TryRemove(volume.Id, out _);
        return true;
    }

    private static int[] Unpin(Volume parent, Viewer point)
    {
        parent.Gate.EnterExclusive();
        try
        {
            lock (parent.PinLock)
            {
                point.ForkPins--;
                return parent.DetachUnneeded(point);
            }
        }
        finally
        {
            parent.Gate.ExitExclusive();
        }
    }
}
