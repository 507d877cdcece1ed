namespace RestorePoints.SnapshotEngine;

/// <summary>The invariants of the index, of a store that stands still.</summary>
internal sealed class IndexVerification(Geometry geometry, VolumeSet volumes, List<StoreFinding> findings)
{
    /// <summary>Of one volume; the rest is counted.</summary>
    private const int MaxFindings = 20;

    private int _foundInVolume;

    public long VersionCount { get; private set; }

    public void Run()
    {
        var children = volumes.All.Where(volume => volume.Parent is not null).ToLookup(volume => volume.ParentViewer!);
        foreach (Volume volume in volumes.All)
        {
            _foundInVolume = 0;
            CheckViewers(volume, children);
            CheckVersions(volume);
            if (_foundInVolume > MaxFindings) findings.Add(new StoreFinding(true, $"volume {volume.Id}", $"{_foundInVolume - MaxFindings} more of the kind."));
        }
    }

    private void CheckViewers(Volume volume, ILookup<Viewer, Volume> children)
    {
        string where = $"volume {volume.Id}";
        if (volumes.HasEnded(volume.Id)) Add(where, "is there and has ended.");
        long last = -1, lastSize = 0;
        foreach (Viewer viewer in volume.Viewers.Frozen)
        {
            string point = $"{where}, point {viewer.PointId?.ToString() ?? "without id"}";
            if (viewer.Generation <= last) Add(point, $"has generation {viewer.Generation}, the one before {last}.");
            if (viewer.Generation >= volume.Generation) Add(point, $"has generation {viewer.Generation}, the volume {volume.Generation}.");
            // What is only pinned keeps its size, but not whether it was resized.
            bool hasItsSize = viewer is { PointId: not null, IsResized: false };
            if (hasItsSize && viewer.SizeBytes < lastSize) Add(point, $"has {viewer.SizeBytes} bytes, an older one {lastSize}.");
            if (viewer.ForkPins != children[viewer].Count()) Add(point, $"has {viewer.ForkPins} pins of {children[viewer].Count()} volumes that were made from it.");
            if (!viewer.IsNeeded) Add(point, "is kept by nobody.");
            last = viewer.Generation;
            if (hasItsSize) lastSize = viewer.SizeBytes;
        }

        if (volume.HasHead != volume.Viewers.Head is not null) Add(where, volume.HasHead ? "has a head that sees nothing." : "has no head, but keeps what it saw.");
        if (volume.Viewers.Head is { } head && head.Generation != volume.Generation) Add(where, $"has generation {volume.Generation}, its head {head.Generation}.");
        if (volume.HasHead && volume.SizeBytes < lastSize) Add(where, $"has {volume.SizeBytes} bytes, its last point {lastSize}.");
        if (volume.Viewers.IsEmpty) Add(where, "has no viewer and has not ended.");
        if (volume.Parent is { } parent && !parent.Viewers.Frozen.Contains(volume.ParentViewer)) Add(where, $"was made from a point of {parent.Id} that is not there.");
    }

    private void CheckVersions(Volume volume)
    {
        Dictionary<Viewer, HashSet<int>> lists = [];
        long pages = Math.Max(volume.SizeBytes, volume.Viewers.Frozen.ToArray().Select(viewer => viewer.SizeBytes).DefaultIfEmpty().Max()) / Geometry.PageBytes;
        for (int number = volume.Regions.NextTouched(0); number < RegionDirectory.MaxRegions; number = volume.Regions.NextTouched(number + 1))
        {
            Region region = volume.Regions.Find(number)!;
            VersionCount += region.Count;
            string where = $"volume {volume.Id}, region {number}";
            if (region.ListedGeneration > volume.Generation) Add(where, $"was listed by generation {region.ListedGeneration}, the volume has {volume.Generation}.");
            // Else the next write would not list it.
            if (volume.HasHead && region.ListedGeneration == volume.Generation && !ListOf(volume.Viewers.Head!).Contains(number)) Add(where, "is not in the list of the head that has listed it.");
            for (int i = 0; i < region.Count; i++) CheckVersion(volume, number, region, i, pages, where);
            CheckInherited(volume, number, region, where);
        }

        HashSet<int> ListOf(Viewer viewer)
        {
            if (!lists.TryGetValue(viewer, out HashSet<int>? list)) lists.Add(viewer, list = [.. viewer.Regions.ToSorted()]);
            return list;
        }

        void CheckVersion(Volume volume, int number, Region region, int i, long pages, string where)
        {
            ushort page = region.Pages[i];
            uint birth = region.Births[i];
            long place = region.Places[i];
            where = $"{where}, page {page} born {birth}";
            if (page >= geometry.PagesPerRegion || (long)number * geometry.PagesPerRegion + page >= pages) Add(where, "is behind the end of the volume.");
            if (i > 0 && (region.Pages[i - 1] > page || (region.Pages[i - 1] == page && region.Births[i - 1] >= birth))) Add(where, $"follows page {region.Pages[i - 1]} born {region.Births[i - 1]}.");
            if (birth > volume.Generation) Add(where, $"is younger than the volume, which has generation {volume.Generation}.");
            if (place < Place.Clear || (Place.IsData(place) && place % geometry.SlotsPerSegment == 0)) Add(where, $"is at the place {place}, which does not exist.");
            if (birth == 0)
            {
                if (volume.Parent is null) Add(where, "was inherited, but the volume was made from nothing.");
                return;
            }

            bool superseded = i + 1 < region.Count && region.Pages[i + 1] == page;
            if (superseded ? !volume.Viewers.AnyIn(birth, region.Births[i + 1]) : birth > volume.Viewers.NewestGeneration) Add(where, "is seen by nobody and takes space.");
            if (volume.Viewers.After(birth - 1) is { } viewer && !ListOf(viewer).Contains(number)) Add(where, $"is missing in the list of generation {viewer.Generation}: a difference would not show it.");
        }
    }

    /// <summary>What a region inherited is what the point shows that the volume was made from.</summary>
    private void CheckInherited(Volume volume, int number, Region region, string where)
    {
        if (volume.Parent is null || !region.Births.Contains(0u)) return;
        long[] places = new long[geometry.PagesPerRegion];
        volume.Parent.Resolve(number, 0, volume.ParentViewer!.Generation, places, []);
        for (int i = 0; i < region.Count; i++)
        {
            if (region.Births[i] == 0 && region.Pages[i] < places.Length && places[region.Pages[i]] != region.Places[i])
                Add($"{where}, page {region.Pages[i]}", $"inherited the place {region.Places[i]}, but the point that it comes from has it at {places[region.Pages[i]]}.");
        }
    }

    private void Add(string where, string what)
    {
        if (++_foundInVolume <= MaxFindings) findings.Add(new StoreFinding(true, where, what));
    }
}
