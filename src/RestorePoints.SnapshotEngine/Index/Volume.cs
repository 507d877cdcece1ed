namespace RestorePoints.SnapshotEngine;

/// <summary>
/// The content of one managed disk: its versions, its viewers, its generation. Outlives the disk while somebody sees it.
/// </summary>
/// <remarks>
/// Who may change what:
/// <list type="number">
/// <item>Generation, viewers, size, head and points change only under the exclusive gate (points and pins under <see cref="PinLock"/> too).</item>
/// <item>Versions are added under the shared gate and the latches of their regions, which a writer holds from lookup to map update.</item>
/// <item>A region's arrays are touched only under the region's own monitor, which nobody holds across input or output.</item>
/// <item>
/// Slots that the head shows are written only under the latches, between <see cref="BeginInPlace"/> and <see cref="EndInPlace"/>. Neither a mapping nor a
/// read of the file system shows a write as a whole, so a reader of the head that met one reads again.
/// </item>
/// </list>
/// Locks are taken in this order: gate, latches ascending, region, parent's region.
/// </remarks>
internal sealed class Volume
{
    private const int LatchCount = 16;

    private readonly Lock[] _latches = new Lock[LatchCount];

    // Of each latch: odd while its holder writes into slots that the head shows.
    private readonly long[] _inPlace = new long[LatchCount];
    private readonly int _pagesPerRegion;
    private Viewers _viewers;

    public Volume(Guid id, long initialSizeBytes, int pagesPerRegion)
    {
        Id = id;
        InitialSizeBytes = initialSizeBytes;
        _pagesPerRegion = pagesPerRegion;
        for (int i = 0; i < LatchCount; i++) _latches[i] = new Lock();
        _viewers = Viewers.Create([], new Viewer(1, initialSizeBytes));
        Generation = 1;
        SizeBytes = initialSizeBytes;
        HasHead = true;
    }

    public Guid Id { get; }

    /// <summary>The size it was created with: what tells a repeat of the creation from a clash of ids.</summary>
    public long InitialSizeBytes { get; }

    /// <summary>What the head writes into; the points have smaller ones. Starts at 1: 0 is the birth of what a fork inherits.</summary>
    public uint Generation { get; private set; }

    public long SizeBytes { get; set; }

    public bool HasHead { get; private set; }

    public int HeadViews { get; set; }

    /// <summary>True when nobody is left to see it; its slots are being freed or already were.</summary>
    public bool Ended { get; set; }

    /// <summary>The volume and point that this one was made from, or null.</summary>
    public Volume? Parent { get; private set; }

    public Viewer? ParentViewer { get; private set; }

    public Gate Gate { get; } = new();

    public Lock PinLock { get; } = new();

    public Dictionary<Guid, Viewer> Points { get; } = [];

    public RegionDirectory Regions { get; } = new();

    public Viewers Viewers => Volatile.Read(ref _viewers);

    private int ParentRegions => ParentViewer is null ? 0 : RegionsOf(ParentViewer.SizeBytes);

    public void SetParent(Volume parent, Viewer viewer)
    {
        Parent = parent;
        ParentViewer = viewer;
    }

    /// <summary>Brings back a volume from a checkpoint.</summary>
    public void Restore(uint generation, long sizeBytes, bool hasHead, Viewers viewers)
    {
        Generation = generation;
        SizeBytes = sizeBytes;
        HasHead = hasHead;
        _viewers = viewers;
        foreach (Viewer viewer in viewers.Frozen)
        {
            if (viewer.PointId is { } pointId) Points.Add(pointId, viewer);
        }
    }

    public void Freeze(Guid pointId)
    {
        lock (PinLock)
        {
            Viewer frozen = Viewers.Head!;
            frozen.PointId = pointId;
            frozen.SizeBytes = SizeBytes;
            frozen.Regions.Trim();
            Points.Add(pointId, frozen);
            Generation++;
            Volatile.Write(ref _viewers, Viewers.Freeze(new Viewer(Generation, SizeBytes)));
        }
    }

    public void Resize(long sizeBytes) => SizeBytes = sizeBytes;

    /// <summary>What the new space shows is clear: nothing was born there up to the point's generation.</summary>
    public static void ResizePoint(Viewer point, long sizeBytes)
    {
        point.SizeBytes = sizeBytes;
        point.IsResized = true;
    }

    public void DropHead() => HasHead = false;

    /// <summary>
    /// Takes a viewer out if nothing needs it any more and hands its regions to the next one.
    /// The result names the regions in which versions may have lost their last viewer: the smaller of both lists suffices,
    /// because such a version was born up to the viewer and superseded up to the next.
    /// </summary>
    public int[] DetachUnneeded(Viewer viewer)
    {
        lock (PinLock)
        {
            Viewers viewers = Viewers;
            bool isHead = viewer == viewers.Head;
            if (isHead ? HasHead || HeadViews > 0 : viewer.IsNeeded) return [];
            if (!isHead && !viewers.Frozen.Contains(viewer)) return [];
            Volatile.Write(ref _viewers, viewers.Without(viewer));
            int[] own = viewer.Regions.ToSorted();
            if (viewers.After(viewer.Generation) is not { } next) return own;
            int[] work = own.Length <= next.Regions.Count ? own : next.Regions.ToSorted();
            next.Regions.Merge(own);
            return work;
        }
    }

    /// <summary>Resolves adjacent pages of one region as a generation sees them, also through what was inherited and not copied yet.</summary>
    public void Resolve(int regionNumber, int firstPage, uint generation, Span<long> places, Span<uint> births)
    {
        Volume volume = this;
        while (true)
        {
            if (volume.Regions.Find(regionNumber) is { } region)
            {
                lock (region) region.Resolve(firstPage, generation, places, births);
                break;
            }

            if (volume.Parent is null || regionNumber >= volume.ParentRegions)
            {
                places.Fill(Place.Clear);
                births.Clear();
                break;
            }

            generation = volume.ParentViewer!.Generation;
            volume = volume.Parent;
        }

        if (volume != this) births.Clear();
    }

    /// <summary>Makes places the newest versions of pages of one region; the caller holds the gate and the region's latch.</summary>
    public void Put(int regionNumber, ReadOnlySpan<ushort> pages, ReadOnlySpan<long> places, SlotRunList freed)
    {
        Viewers viewers = Viewers;
        Region region = Regions.Find(regionNumber) ?? AddRegion(regionNumber);
        bool listed;
        lock (region)
        {
            region.Put(pages, places, Generation, viewers.LastFrozenGeneration, freed);
            listed = region.ListedGeneration == Generation;
            region.ListedGeneration = Generation;
        }

        if (!listed) viewers.Head!.Regions.Add(regionNumber);
    }

    /// <summary>Drops what nobody sees from one region.</summary>
    public void Prune(int regionNumber, SlotRunList freed)
    {
        if (Regions.Find(regionNumber) is not { } region) return;
        // The viewers are read inside: a version that is in the region by then was put there after its generation became the head's.
        lock (region) region.Prune(Viewers, freed);
    }

    /// <summary>The first region at or after the given one that may hold versions, own or inherited.</summary>
    public int NextTouched(int regionNumber)
    {
        int next = Regions.NextTouched(regionNumber);
        for (Volume volume = this; volume.Parent is not null; volume = volume.Parent)
        {
            int inherited = volume.Parent.Regions.NextTouched(regionNumber);
            if (inherited < volume.ParentRegions) next = Math.Min(next, inherited);
        }

        return next;
    }

    public int RegionsOf(long sizeBytes)
    {
        long regionBytes = (long)_pagesPerRegion * Geometry.PageBytes;
        return (int)((sizeBytes + regionBytes - 1) / regionBytes);
    }

    public void EnterLatches(int firstRegion, int lastRegion)
    {
        for (int i = 0; i < LatchCount; i++)
        {
            if (Covers(firstRegion, lastRegion, i)) _latches[i].Enter();
        }
    }

    public void ExitLatches(int firstRegion, int lastRegion)
    {
        for (int i = LatchCount - 1; i >= 0; i--)
        {
            if (Covers(firstRegion, lastRegion, i)) _latches[i].Exit();
        }
    }

    public void BeginInPlace(int firstRegion, int lastRegion) => CountInPlace(firstRegion, lastRegion);

    public void EndInPlace(int firstRegion, int lastRegion) => CountInPlace(firstRegion, lastRegion);

    /// <summary>A number that differs when a write in place began or ended in between; null: one is going on.</summary>
    public long? InPlaceWrites(int firstRegion, int lastRegion)
    {
        // What was read before this call stays before it.
        Interlocked.MemoryBarrier();
        long sum = 0;
        for (int i = 0; i < LatchCount; i++)
        {
            if (!Covers(firstRegion, lastRegion, i)) continue;
            long count = Volatile.Read(ref _inPlace[i]);
            if (count % 2 != 0) return null;
            sum += count;
        }

        return sum;
    }

    private void CountInPlace(int firstRegion, int lastRegion)
    {
        for (int i = 0; i < LatchCount; i++)
        {
            if (Covers(firstRegion, lastRegion, i)) Interlocked.Increment(ref _inPlace[i]);
        }
    }

    private static bool Covers(int firstRegion, int lastRegion, int latch) =>
        ((latch - firstRegion) & (LatchCount - 1)) <= lastRegion - firstRegion;

    /// <summary>
    /// A region on its first touch: what an immutable point shows, so the same now and when the journal is replayed.
    /// Only its latch holder gets here.
    /// </summary>
    private Region AddRegion(int regionNumber)
    {
        Region region = new();
        if (Parent is not null && regionNumber < ParentRegions)
        {
            long[] places = new long[_pagesPerRegion];
            Parent.Resolve(regionNumber, 0, ParentViewer!.Generation, places, []);
            ushort[] pages = new ushort[_pagesPerRegion];
            int count = 0;
            for (int page = 0; page < places.Length; page++)
            {
                if (places[page] == Place.Clear) continue;
                pages[count] = (ushort)page;
                places[count++] = places[page];
            }

            region = Region.FromVersions(pages[..count], new uint[count], places[..count]);
        }

        Regions.Add(regionNumber, region);
        return region;
    }
}
