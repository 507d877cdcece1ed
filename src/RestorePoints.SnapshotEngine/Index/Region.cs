namespace RestorePoints.SnapshotEngine;

/// <summary>
/// All versions of the pages of one region (2 MiB of a volume), sorted by page, then by birth. Callers hold the region's monitor.
/// </summary>
/// <remarks>
/// Invariants: (page, birth) is unique; a version that no viewer sees is gone once <see cref="Prune"/> has run;
/// a version with birth 0 was inherited from the point the volume was made from, its slot belongs to another volume, and it may
/// linger unseen until the region is next pruned, because no viewer's list names it.
/// Three arrays, 14 bytes per version: a search for births reads nothing but births.
/// </remarks>
internal sealed class Region
{
    private ushort[] _pages = [];
    private uint[] _births = [];
    private long[] _places = [];

    public int Count { get; private set; }

    /// <summary>The last generation whose list names this region.</summary>
    public uint ListedGeneration { get; set; }

    public ReadOnlySpan<ushort> Pages => _pages.AsSpan(0, Count);

    public ReadOnlySpan<uint> Births => _births.AsSpan(0, Count);

    public ReadOnlySpan<long> Places => _places.AsSpan(0, Count);

    public static Region FromVersions(ushort[] pages, uint[] births, long[] places) =>
        new() { _pages = pages, _births = births, _places = places, Count = pages.Length };

    /// <summary>The places and births of adjacent pages as a generation sees them; clear and birth 0 where it sees nothing.</summary>
    public void Resolve(int firstPage, uint generation, Span<long> places, Span<uint> births)
    {
        places.Fill(Place.Clear);
        births.Clear();
        int end = firstPage + places.Length;
        int i = UpperBound(firstPage - 1, uint.MaxValue, 0);
        while (i < Count && _pages[i] < end)
        {
            int page = _pages[i];
            int next = i + 1;
            if (next < Count && _pages[next] == page) next = UpperBound(page, uint.MaxValue, next);
            int newest = next - 1;
            if (_births[newest] > generation) newest = UpperBound(page, generation, i) - 1;
            if (newest >= i)
            {
                places[page - firstPage] = _places[newest];
                if (!births.IsEmpty) births[page - firstPage] = _births[newest];
            }

            i = next;
        }
    }

    /// <summary>
    /// Makes the given places the newest versions of their pages (ascending). A version that only its own generation could see,
    /// being younger than every frozen viewer, is replaced and its slot freed; an older one stays below.
    /// </summary>
    public void Put(ReadOnlySpan<ushort> pages, ReadOnlySpan<long> places, uint birth, long lastFrozenGeneration, SlotRunList freed)
    {
        int inserts = 0, from = 0;
        for (int i = 0; i < pages.Length; i++)
        {
            from = UpperBound(pages[i], uint.MaxValue, from);
            int newest = from - 1;
            if (newest >= 0 && _pages[newest] == pages[i] && _births[newest] > lastFrozenGeneration)
            {
                FreeSlot(newest, freed);
                _births[newest] = birth;
                _places[newest] = places[i];
            }
            else
            {
                inserts++;
            }
        }

        if (inserts > 0) Insert(pages, places, birth, inserts);
    }

    /// <summary>Drops each version that nobody sees. Idempotent; besides replacement in <see cref="Put"/> the only place that frees slots.</summary>
    public void Prune(Viewers viewers, SlotRunList freed)
    {
        long newestGeneration = viewers.NewestGeneration;
        ReadOnlySpan<ushort> pages = Pages;
        int kept = 0, from = 0;
        for (int i = 0; i < pages.Length; i++)
        {
            bool superseded = i + 1 < pages.Length && pages[i + 1] == pages[i];
            bool seen = superseded ? viewers.AnyIn(_births[i], _births[i + 1]) : _births[i] <= newestGeneration;
            if (seen) continue;
            FreeSlot(i, freed);
            Move(from, i, ref kept);
            from = i + 1;
        }

        Move(from, pages.Length, ref kept);
        Count = kept;
        if (kept < _pages.Length / 4) SetCapacity(kept);
    }

    /// <summary>Adds the pages in [first, end) whose version as seen by a generation was born after another generation.</summary>
    public void CollectChanges(int firstPage, int endPage, uint after, uint generation, List<(ushort Page, long Place)> changes)
    {
        for (int i = UpperBound(firstPage - 1, uint.MaxValue, 0); i < Count;)
        {
            int skip = _births.AsSpan(i, Count - i).IndexOfAnyInRange(after + 1, generation);
            if (skip < 0) return;
            i += skip;
            ushort page = _pages[i];
            if (page >= endPage) return;
            bool newest = i + 1 == Count || _pages[i + 1] != page || _births[i + 1] > generation;
            if (newest) changes.Add((page, _places[i]));
            i++;
        }
    }

    private void Insert(ReadOnlySpan<ushort> pages, ReadOnlySpan<long> places, uint birth, int inserts)
    {
        int source = Count, target = Count + inserts;
        if (target > _pages.Length) SetCapacity(inserts > 64 ? target : target + target / 4 + 3);
        Count = target;
        // From the last to the first, so that every version moves once and straight to its final position.
        for (int i = pages.Length - 1; i >= 0 && source < target; i--)
        {
            int at = UpperBound(pages[i], uint.MaxValue, 0, source);
            if (at > 0 && _pages[at - 1] == pages[i] && _births[at - 1] == birth) continue;
            int length = source - at;
            target -= length;
            Array.Copy(_pages, at, _pages, target, length);
            Array.Copy(_births, at, _births, target, length);
            Array.Copy(_places, at, _places, target, length);
            source = at;
            target--;
            _pages[target] = pages[i];
            _births[target] = birth;
            _places[target] = places[i];
        }
    }

    private void Move(int start, int end, ref int target)
    {
        int length = end - start;
        if (start != target && length > 0)
        {
            Array.Copy(_pages, start, _pages, target, length);
            Array.Copy(_births, start, _births, target, length);
            Array.Copy(_places, start, _places, target, length);
        }

        target += length;
    }

    private void FreeSlot(int index, SlotRunList freed)
    {
        if (_births[index] > 0 && Place.IsData(_places[index])) freed.Add(_places[index]);
    }

    private void SetCapacity(int capacity)
    {
        Array.Resize(ref _pages, capacity);
        Array.Resize(ref _births, capacity);
        Array.Resize(ref _places, capacity);
    }

    private int UpperBound(int page, uint birth, int from) => UpperBound(page, birth, from, Count);

    /// <summary>The index of the first version in [from, end) behind (page, birth).</summary>
    private int UpperBound(int page, uint birth, int from, int end)
    {
        int low = from, high = end;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            int other = _pages[middle];
            if (other < page || (other == page && _births[middle] <= birth)) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
