namespace RestorePoints.SnapshotEngine;

/// <summary>A read view of the head or of a point of a volume. Holds space that is freed meanwhile: dispose it soon.</summary>
public sealed class VolumeView : IDisposable
{
    /// <summary>So often a read of the head beside writes into the same slots is tried before it keeps them out.</summary>
    private const int HeadReadAttempts = 4;

    private readonly SnapshotStore _store;
    private readonly Volume _volume;
    private readonly Viewer? _point;
    private readonly int _pagesPerRegion;
    private int _disposed;

    internal VolumeView(SnapshotStore store, Volume volume, Viewer? point)
    {
        _store = store;
        _volume = volume;
        _point = point;
        _pagesPerRegion = store.PagesPerRegion;
    }

    /// <summary>Size of what is viewed, in bytes.</summary>
    public long SizeBytes => _point?.SizeBytes ?? _volume.SizeBytes;

    // The head sees every birth there is or will be.
    private uint Generation => _point?.Generation ?? uint.MaxValue;

    /// <summary>
    /// Fills <paramref name="destination"/> from <paramref name="offsetBytes"/>, any alignment, within the size. Each sector of 512 bytes is of one
    /// write, also beside writers of the head.
    /// </summary>
    public void Read(long offsetBytes, Span<byte> destination)
    {
        CheckRange(offsetBytes, destination.Length);
        if (destination.IsEmpty) return;
        if (_point is not null)
        {
            // What a point sees is never written again.
            Copy(offsetBytes, destination);
            return;
        }

        int firstRegion = (int)(offsetBytes / Geometry.PageBytes / _pagesPerRegion);
        int lastRegion = (int)((offsetBytes + destination.Length - 1) / Geometry.PageBytes / _pagesPerRegion);
        for (int attempt = 0; attempt < HeadReadAttempts; attempt++)
        {
            if (_volume.InPlaceWrites(firstRegion, lastRegion) is not { } before) continue;
            Copy(offsetBytes, destination);
            if (_volume.InPlaceWrites(firstRegion, lastRegion) == before) return;
        }

        _volume.EnterLatches(firstRegion, lastRegion);
        try
        {
            Copy(offsetBytes, destination);
        }
        finally
        {
            _volume.ExitLatches(firstRegion, lastRegion);
        }
    }

    private void Copy(long offsetBytes, Span<byte> destination)
    {
        using ReadEpochs.Ticket inside = _store.Epochs.Enter();
        Span<long> places = stackalloc long[_pagesPerRegion];
        var input = new AdjacentReads(_store.Slots, destination);
        int filled = 0;
        while (filled < destination.Length)
        {
            long page = (offsetBytes + filled) / Geometry.PageBytes;
            int region = (int)(page / _pagesPerRegion);
            int inRegion = (int)(page % _pagesPerRegion);
            long lastPage = (offsetBytes + destination.Length - 1) / Geometry.PageBytes;
            int count = (int)Math.Min(lastPage - page + 1, _pagesPerRegion - inRegion);
            _volume.Resolve(region, inRegion, Generation, places[..count], []);
            for (int i = 0; i < count; i++)
            {
                int inPage = (int)((offsetBytes + filled) % Geometry.PageBytes);
                int length = Math.Min(Geometry.PageBytes - inPage, destination.Length - filled);
                input.Add(places[i], inPage, length);
                filled += length;
            }
        }

        input.Flush();
    }

    /// <summary>The allocated ranges (data and written zeros) in [offset, offset + length), ascending, adjacent ones merged, cut to the range. Lazily computed.</summary>
    public IEnumerable<PageRange> GetPageRanges(long offsetBytes, long lengthBytes)
    {
        CheckRange(offsetBytes, lengthBytes);
        return RangeMerger.Merge(AllocatedPages(offsetBytes, lengthBytes), offsetBytes, lengthBytes);
    }

    /// <summary>
    /// What was written (<see cref="PageRangeKind.Allocated"/>) or cleared (<see cref="PageRangeKind.Cleared"/>) after the older point
    /// and up to this view, ascending, interleaved, adjacent ones of a kind merged, cut to the range. Lazily computed.
    /// </summary>
    /// <exception cref="PointNotFoundException">The volume has no such point, or it is newer than this view.</exception>
    public IEnumerable<PageRange> GetChangesSince(Guid olderPointId, long offsetBytes, long lengthBytes)
    {
        CheckRange(offsetBytes, lengthBytes);
        uint after;
        lock (_volume.PinLock)
        {
            if (!_volume.Points.TryGetValue(olderPointId, out Viewer? older) || older.Generation > Generation)
                throw new PointNotFoundException(_volume.Id, olderPointId);
            after = older.Generation;
        }

        return RangeMerger.Merge(ChangedPages(after, offsetBytes, lengthBytes), offsetBytes, lengthBytes);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _store.CloseView(_volume, _point);
    }

    private IEnumerable<PageRange> AllocatedPages(long offsetBytes, long lengthBytes)
    {
        if (lengthBytes == 0) yield break;
        long firstPage = offsetBytes / Geometry.PageBytes, lastPage = (offsetBytes + lengthBytes - 1) / Geometry.PageBytes;
        int lastRegion = (int)(lastPage / _pagesPerRegion);
        long[] places = new long[_pagesPerRegion];
        for (int region = _volume.NextTouched((int)(firstPage / _pagesPerRegion)); region <= lastRegion; region = _volume.NextTouched(region + 1))
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            long regionPage = (long)region * _pagesPerRegion;
            int from = (int)Math.Max(0, firstPage - regionPage);
            int end = (int)Math.Min(_pagesPerRegion, lastPage + 1 - regionPage);
            _volume.Resolve(region, from, Generation, places.AsSpan(from, end - from), []);
            for (int i = from; i < end;)
            {
                int start = i;
                bool allocated = places[i] != Place.Clear;
                while (i < end && places[i] != Place.Clear == allocated) i++;
                if (allocated) yield return Pages(regionPage + start, i - start, PageRangeKind.Allocated);
            }
        }
    }

    /// <summary>
    /// A page changed in (after, generation] exactly when the version this view sees was born later than after. The lists of the viewers
    /// in between only say which regions can hold such a version.
    /// </summary>
    private IEnumerable<PageRange> ChangedPages(uint after, long offsetBytes, long lengthBytes)
    {
        if (lengthBytes == 0 || after == Generation) yield break;
        long firstPage = offsetBytes / Geometry.PageBytes, lastPage = (offsetBytes + lengthBytes - 1) / Geometry.PageBytes;
        var changes = new List<(ushort Page, long Place)>();
        foreach (int number in ListedRegions(after))
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            long regionPage = (long)number * _pagesPerRegion;
            if (regionPage + _pagesPerRegion <= firstPage) continue;
            if (regionPage > lastPage) break;
            changes.Clear();
            if (_volume.Regions.Find(number) is not { } region) continue;
            int from = (int)Math.Max(0, firstPage - regionPage);
            int end = (int)Math.Min(_pagesPerRegion, lastPage + 1 - regionPage);
            lock (region) region.CollectChanges(from, end, after, Generation, changes);
            foreach ((ushort page, long place) in changes)
            {
                yield return Pages(regionPage + page, 1, place == Place.Clear ? PageRangeKind.Cleared : PageRangeKind.Allocated);
            }
        }
    }

    private int[] ListedRegions(uint after)
    {
        var lists = new List<int[]>();
        Viewers viewers = _volume.Viewers;
        for (Viewer? viewer = viewers.After(after); viewer is not null && viewer.Generation <= Generation; viewer = viewers.After(viewer.Generation))
        {
            lists.Add(viewer.Regions.ToSorted());
        }

        return lists.Count == 1 ? lists[0] : new RegionList([.. lists.SelectMany(list => list)]).ToSorted();
    }

    private static PageRange Pages(long page, long count, PageRangeKind kind) => new(page * Geometry.PageBytes, count * Geometry.PageBytes, kind);

    private void CheckRange(long offsetBytes, long lengthBytes)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offsetBytes, SizeBytes - lengthBytes);
    }

    /// <summary>Collects pages that are adjacent on disk into one read.</summary>
    private ref struct AdjacentReads(SlotAllocator slots, Span<byte> destination)
    {
        private readonly Span<byte> _destination = destination;
        private Segment? _segment;
        private long _offsetBytes;
        private int _targetBytes;
        private int _lengthBytes;

        public void Add(long place, int inPageBytes, int lengthBytes)
        {
            Segment? segment = null;
            long offsetBytes = 0;
            if (Place.IsData(place)) segment = slots.SegmentOf(place, out offsetBytes);
            offsetBytes += inPageBytes;
            if (segment == _segment && (segment is null || offsetBytes == _offsetBytes + _lengthBytes))
            {
                _lengthBytes += lengthBytes;
                return;
            }

            Flush();
            _segment = segment;
            _offsetBytes = offsetBytes;
            _lengthBytes = lengthBytes;
        }

        public void Flush()
        {
            Span<byte> target = _destination.Slice(_targetBytes, _lengthBytes);
            if (_segment is null) target.Clear();
            else _segment.Read(_offsetBytes, target);
            _targetBytes += _lengthBytes;
            _lengthBytes = 0;
        }
    }
}
