namespace RestorePoints.SnapshotEngine;

/// <summary>One frozen generation of a volume, or its head: who can see it and where it differs from the viewer before.</summary>
internal sealed class Viewer(uint generation, long sizeBytes)
{
    public uint Generation { get; } = generation;

    public long SizeBytes { get; set; } = sizeBytes;

    /// <summary>Whether the point has another size than it froze.</summary>
    public bool IsResized { get; set; }

    /// <summary>The restore point that this viewer is; null when only pins are left, and for the head.</summary>
    public Guid? PointId { get; set; }

    /// <summary>Volumes that were made from this point and have not ended.</summary>
    public int ForkPins { get; set; }

    /// <summary>Open views. They are not recorded: after a crash nobody looks any more.</summary>
    public int ViewPins { get; set; }

    public RegionList Regions { get; init; } = new();

    public bool IsNeeded => PointId is not null || ForkPins > 0 || ViewPins > 0;
}

/// <summary>
/// The viewers of a volume at one moment, oldest first. Immutable: the array is shared with later moments that only append to it.
/// </summary>
internal sealed class Viewers
{
    private readonly Viewer[] _frozen;

    private Viewers(Viewer[] frozen, int count, Viewer? head)
    {
        _frozen = frozen;
        Count = count;
        Head = head;
    }

    /// <summary>Frozen viewers, without the head.</summary>
    public int Count { get; }

    /// <summary>Null when the head is gone and no open view shows it.</summary>
    public Viewer? Head { get; }

    public ReadOnlySpan<Viewer> Frozen => _frozen.AsSpan(0, Count);

    public bool IsEmpty => Count == 0 && Head is null;

    /// <summary>-1 when there is none, which is before the birth of what a fork inherited.</summary>
    public long LastFrozenGeneration => Count == 0 ? -1 : _frozen[Count - 1].Generation;

    public static Viewers Create(ReadOnlySpan<Viewer> frozen, Viewer? head) => new(frozen.ToArray(), frozen.Length, head);

    /// <summary>The head becomes the newest frozen viewer. Must be called on the newest moment only.</summary>
    public Viewers Freeze(Viewer newHead)
    {
        Viewer[] frozen = _frozen;
        if (Count == frozen.Length) Array.Resize(ref frozen, Math.Max(4, Count * 2));
        frozen[Count] = Head!;
        return new Viewers(frozen, Count + 1, newHead);
    }

    public Viewers Without(Viewer viewer)
    {
        if (viewer == Head) return new Viewers(_frozen, Count, null);
        int at = FirstAtOrAfter(viewer.Generation);
        var frozen = new Viewer[Count - 1];
        Array.Copy(_frozen, frozen, at);
        Array.Copy(_frozen, at + 1, frozen, at, Count - 1 - at);
        return new Viewers(frozen, Count - 1, Head);
    }

    /// <summary>The oldest viewer newer than a generation, or null.</summary>
    public Viewer? After(uint generation)
    {
        int at = FirstAtOrAfter(generation + 1);
        return at < Count ? _frozen[at] : Head?.Generation > generation ? Head : null;
    }

    /// <summary>What was born later, nobody sees. -1 when there is no viewer.</summary>
    public long NewestGeneration => Head?.Generation ?? LastFrozenGeneration;

    /// <summary>Does anybody see the generations in [birth, end)?</summary>
    public bool AnyIn(uint birth, uint end)
    {
        int at = FirstAtOrAfter(birth);
        if (at < Count) return _frozen[at].Generation < end;
        return Head is not null && Head.Generation >= birth && Head.Generation < end;
    }

    private int FirstAtOrAfter(uint generation)
    {
        int low = 0, high = Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_frozen[middle].Generation < generation) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
