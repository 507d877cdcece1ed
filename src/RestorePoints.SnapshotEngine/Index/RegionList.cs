namespace RestorePoints.SnapshotEngine;

/// <summary>
/// The regions in which a version was born in (previous viewer, this viewer]. It may name a region too many or twice,
/// never one too few: the births in the region's own versions decide, this list only says where to look.
/// </summary>
internal sealed class RegionList
{
    private int[] _regions;
    private int _count;
    private bool _sorted;

    public RegionList() => _regions = [];

    public RegionList(int[] regions)
    {
        _regions = regions;
        _count = regions.Length;
    }

    public int Count { get { lock (this) return _count; } }

    public void Add(int region)
    {
        lock (this)
        {
            if (_count == _regions.Length) Array.Resize(ref _regions, Math.Max(4, _count * 2));
            _regions[_count++] = region;
            _sorted = false;
        }
    }

    /// <summary>Frees what growing by doubling reserved; for lists that will hardly change again.</summary>
    public void Trim()
    {
        lock (this)
        {
            if (_count < _regions.Length) Array.Resize(ref _regions, _count);
        }
    }

    /// <summary>A copy, ascending, each region once.</summary>
    public int[] ToSorted()
    {
        lock (this)
        {
            Sort();
            return _regions.AsSpan(0, _count).ToArray();
        }
    }

    /// <summary>Takes over the regions of a viewer that is gone.</summary>
    public void Merge(int[] sorted)
    {
        lock (this)
        {
            if (sorted.Length == 0) return;
            Sort();
            int[] merged = new int[_count + sorted.Length];
            int count = 0, own = 0, other = 0;
            while (own < _count && other < sorted.Length)
            {
                int a = _regions[own], b = sorted[other];
                merged[count++] = Math.Min(a, b);
                if (a <= b) own++;
                if (b <= a) other++;
            }

            int rest = _count - own;
            _regions.AsSpan(own, rest).CopyTo(merged.AsSpan(count));
            count += rest;
            sorted.AsSpan(other).CopyTo(merged.AsSpan(count));
            count += sorted.Length - other;
            _regions = merged;
            _count = count;
        }
    }

    private void Sort()
    {
        if (_sorted) return;
        Span<int> regions = _regions.AsSpan(0, _count);
        regions.Sort();
        int unique = 0;
        for (int i = 0; i < regions.Length; i++)
        {
            if (unique == 0 || regions[unique - 1] != regions[i]) regions[unique++] = regions[i];
        }

        _count = unique;
        _sorted = true;
    }
}
