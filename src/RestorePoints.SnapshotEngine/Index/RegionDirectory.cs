namespace RestorePoints.SnapshotEngine;

/// <summary>
/// The touched regions of a volume by number, as a tree of three levels that exists only where regions do:
/// 20 KiB for the first touch anywhere in 32 TiB. Lookups take no lock.
/// </summary>
internal sealed class RegionDirectory
{
    private const int LeafBits = 8;
    private const int MiddleBits = 8;
    private const int TopBits = 11;

    public const int MaxRegions = 1 << (TopBits + MiddleBits + LeafBits);

    private Region?[]?[]?[]? _top;

    public Region? Find(int region)
    {
        Region?[]?[]? middle = Volatile.Read(ref _top)?[region >> (MiddleBits + LeafBits)];
        Region?[]? leaf = middle?[(region >> LeafBits) & ((1 << MiddleBits) - 1)];
        return leaf is null ? null : Volatile.Read(ref leaf[region & ((1 << LeafBits) - 1)]);
    }

    /// <summary>Adds a region that is not there yet; the caller keeps others from adding the same one.</summary>
    public void Add(int region, Region value)
    {
        lock (this)
        {
            if (_top is null) Volatile.Write(ref _top, new Region?[]?[]?[1 << TopBits]);
            ref Region?[]?[]? middle = ref _top[region >> (MiddleBits + LeafBits)];
            if (middle is null) Volatile.Write(ref middle, new Region?[]?[1 << MiddleBits]);
            ref Region?[]? leaf = ref middle[(region >> LeafBits) & ((1 << MiddleBits) - 1)];
            if (leaf is null) Volatile.Write(ref leaf, new Region?[1 << LeafBits]);
            Volatile.Write(ref leaf[region & ((1 << LeafBits) - 1)], value);
        }
    }

    /// <summary>The number of the first touched region at or after the given one, or <see cref="MaxRegions"/>.</summary>
    public int NextTouched(int region)
    {
        Region?[]?[]?[]? top = Volatile.Read(ref _top);
        if (top is null) return MaxRegions;
        while (region < MaxRegions)
        {
            Region?[]?[]? middle = top[region >> (MiddleBits + LeafBits)];
            if (middle is null)
            {
                region = ((region >> (MiddleBits + LeafBits)) + 1) << (MiddleBits + LeafBits);
                continue;
            }

            Region?[]? leaf = middle[(region >> LeafBits) & ((1 << MiddleBits) - 1)];
            if (leaf is null)
            {
                region = ((region >> LeafBits) + 1) << LeafBits;
                continue;
            }

            if (leaf[region & ((1 << LeafBits) - 1)] is not null) return region;
            region++;
        }

        return MaxRegions;
    }
}
