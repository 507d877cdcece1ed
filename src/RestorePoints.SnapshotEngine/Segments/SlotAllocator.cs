namespace RestorePoints.SnapshotEngine;

/// <summary>Which slots are free, across all segments.</summary>
/// <remarks>
/// Invariants:
/// <list type="number">
/// <item>A slot has one owner at most: it is marked used from allocation until it is released.</item>
/// <item>A freed slot is released only when the record that freed it is durable and everybody who started before it was freed has ended.</item>
/// <item><see cref="UsedSlots"/> counts the slots that some version owns; freed slots that still wait are not among them.</item>
/// </list>
/// </remarks>
internal sealed class SlotAllocator(string directory, Geometry geometry, ReadEpochs epochs) : IDisposable
{
    // Punching costs 61-200 us a piece, whatever its length; the rest waits for the next second.
    private const int PunchesPerTrim = 256;

    private readonly int _punchRunSlots = Math.Max(1, Math.Min(64, geometry.SlotsPerSegment / 8));
    private readonly Lock _lock = new();
    private readonly Queue<FreedRun> _freed = [];
    private readonly int _slotsPerSegment = geometry.SlotsPerSegment;
    private Segment?[] _segments = [];
    private int _current;
    private long _freeSlots;
    private bool _directoryChanged;
    private bool _recovering = true;

    private readonly record struct FreedRun(long Slot, int Count, long Sequence, long Epoch);

    public long UsedSlots { get; private set; }

    /// <summary>The last record that a power loss cannot take; what it and earlier ones freed may be used again.</summary>
    public long DurableSequence { get; set; }

    public long AllocatedBytes
    {
        get
        {
            lock (_lock) return _segments.Sum(segment => segment?.AllocatedBytes ?? 0);
        }
    }

    public Segment SegmentOf(long slot, out long offsetBytes)
    {
        long number = slot / _slotsPerSegment;
        offsetBytes = (slot - number * _slotsPerSegment) * Geometry.PageBytes;
        return Volatile.Read(ref _segments)[number]!;
    }

    /// <summary>Could be handed out now.</summary>
    public bool IsFree(long slot)
    {
        lock (_lock) return _segments[slot / _slotsPerSegment] is { } segment && !segment.Used[(int)(slot % _slotsPerSegment)];
    }

    public bool StartsSegment(long slot) => slot % _slotsPerSegment == 0;

    /// <summary>Hands out free slots: one contiguous run where there is one, several when the free space lies scattered.</summary>
    public void Allocate(int count, SlotRunList runs)
    {
        lock (_lock)
        {
            ReleaseFreed();
            while (count > 0)
            {
                // Scattered free space is used up before the store grows by more than a fourth over it.
                bool scattered = _freeSlots > Math.Max(_slotsPerSegment, UsedSlots / 4);
                SlotRun run = FindRun(count) ?? (scattered ? FindRun(1, count) : null) ?? GrowBy(count);
                Take(run);
                runs.Add(run.Slot, run.Count);
                count -= run.Count;
            }
        }
    }

    /// <summary>Gives back slots that were allocated and never came into any map.</summary>
    public void Abandon(SlotRunList runs)
    {
        lock (_lock)
        {
            foreach (SlotRun run in runs.Runs)
            {
                UsedSlots -= run.Count;
                Release(run.Slot, run.Count);
            }
        }
    }

    /// <summary>Takes slots that left the map; they wait until invariant 2 holds.</summary>
    public void Free(SlotRunList runs, long sequence)
    {
        if (runs.Runs.IsEmpty) return;
        if (_recovering)
        {
            Abandon(runs);
            return;
        }

        long epoch = epochs.Advance();
        lock (_lock)
        {
            foreach (SlotRun run in runs.Runs)
            {
                UsedSlots -= run.Count;
                _freed.Enqueue(new FreedRun(run.Slot, run.Count, sequence, epoch));
            }
        }
    }

    /// <summary>Recovery: a record or checkpoint says that these slots are owned.</summary>
    public void Own(long slot, int count)
    {
        int number = (int)(slot / _slotsPerSegment), index = (int)(slot % _slotsPerSegment);
        if (number >= _segments.Length || _segments[number] is null) AddSegment(Segment.Missing(number, geometry));
        Segment segment = _segments[number]!;
        if (index == 0 || segment.Used.NextSet(index, index + count) != index + count)
            throw new StoreFormatException(Segment.FileName(number), $"slots {index} to {index + count - 1} have two owners.");
        Take(new SlotRun(slot, count));
    }

    /// <summary>Every slot in use but the headers, ascending, in runs that end with their segment at the latest. Nobody changes anything meanwhile.</summary>
    public IEnumerable<SlotRun> OwnedRuns()
    {
        foreach (Segment? segment in _segments)
        {
            if (segment is null) continue;
            for (int start = segment.Used.NextSet(1, _slotsPerSegment), end; start < _slotsPerSegment; start = segment.Used.NextSet(end, _slotsPerSegment))
            {
                end = segment.Used.NextClear(start, _slotsPerSegment);
                yield return new SlotRun((long)segment.Number * _slotsPerSegment + start, end - start);
            }
        }
    }

    /// <summary>
    /// Ends recovery, during which freed slots did not wait: nobody reads yet, and all is flushed before the first write.
    /// A segment that only old records mention was unlinked when it had become empty.
    /// </summary>
    public void EndRecovery()
    {
        for (int i = 0; i < _segments.Length; i++)
        {
            if (_segments[i] is not { Exists: false } segment) continue;
            if (segment.FreeCount < _slotsPerSegment - 1) throw new StoreFormatException(Segment.FileName(i), "is missing, but versions of pages are in it.");
            _freeSlots -= segment.FreeCount;
            _segments[i] = null;
        }

        _recovering = false;
    }

    /// <summary>Segments with the slots that are owned in them.</summary>
    public IEnumerable<(int Number, int UsedSlots)> UsedBySegment() =>
        _segments.OfType<Segment>().Select(segment => (segment.Number, _slotsPerSegment - 1 - segment.FreeCount));

    /// <summary>Flushes all data written before the call. The result tells whether there was any.</summary>
    public bool Flush()
    {
        bool any = false;
        foreach (Segment? segment in Volatile.Read(ref _segments)) any |= segment?.Flush() ?? false;
        bool changed;
        lock (_lock)
        {
            changed = _directoryChanged;
            _directoryChanged = false;
        }

        if (changed) LinuxFileSystem.FlushDirectory(directory);
        return any || changed;
    }

    public void OpenExisting()
    {
        foreach (string path in Directory.EnumerateFiles(directory, "segment-*"))
        {
            int number = Convert.ToInt32(Path.GetFileName(path)["segment-".Length..], 16);
            AddSegment(Segment.Open(directory, number, geometry));
        }
    }

    /// <summary>Gives space back to the file system: empty segments are unlinked (one is kept), long free runs punched.</summary>
    public void Trim()
    {
        int budget = PunchesPerTrim;
        foreach (Segment? segment in Volatile.Read(ref _segments))
        {
            lock (_lock)
            {
                ReleaseFreed();
                if (segment is null) continue;
                if (segment.FreeCount == _slotsPerSegment - 1 && segment.Number != _current && _segments.Count(other => other is not null) > 1)
                {
                    Remove(segment);
                    continue;
                }

                if (!segment.HasPunchCandidates) continue;
            }

            Punch(segment, ref budget);
            if (budget == 0) return;
        }
    }

    public void Dispose()
    {
        foreach (Segment? segment in _segments) segment?.Dispose();
    }

    private void Punch(Segment segment, ref int budget)
    {
        int from = 1;
        for (; budget > 0; budget--)
        {
            int start, count;
            lock (_lock)
            {
                (start, count) = NextPunchable(segment, from);
                if (count == 0)
                {
                    if (from == 1) segment.HasPunchCandidates = false;
                    return;
                }

                // Nobody may be given these slots while their blocks go.
                segment.Used.Set(start, count);
                segment.FreeCount -= count;
                _freeSlots -= count;
            }

            try
            {
                segment.Punch(start, count);
            }
            finally
            {
                lock (_lock)
                {
                    segment.Backed.Clear(start, count);
                    bool candidates = segment.HasPunchCandidates;
                    Release((long)segment.Number * _slotsPerSegment + start, count);
                    segment.HasPunchCandidates = candidates;
                }
            }

            from = start + count;
        }
    }

    private (int Start, int Count) NextPunchable(Segment segment, int from)
    {
        while (from < _slotsPerSegment)
        {
            int start = segment.Used.NextClear(from, _slotsPerSegment);
            int end = segment.Used.NextSet(start, _slotsPerSegment);
            if (end - start >= _punchRunSlots && segment.Backed.NextSet(start, end) < end) return (start, end - start);
            from = end;
        }

        return (0, 0);
    }

    private void ReleaseFreed()
    {
        if (_freed.Count == 0 || _freed.Peek().Sequence > DurableSequence) return;
        long oldest = epochs.Oldest();
        while (_freed.TryPeek(out FreedRun run) && run.Sequence <= DurableSequence && run.Epoch <= oldest)
        {
            _freed.Dequeue();
            Release(run.Slot, run.Count);
        }
    }

    private SlotRun? FindRun(int atLeast, int atMost = 0)
    {
        atMost = Math.Max(atLeast, atMost);
        if (_freeSlots < atLeast) return null;
        for (int i = 0; i < _segments.Length; i++)
        {
            int number = (_current + i) % _segments.Length;
            if (_segments[number] is not { } segment || segment.LongestFreeRun < atLeast || segment.FreeCount < atLeast) continue;
            SlotRun? run = FindRun(segment, segment.Cursor, atLeast, atMost) ?? FindRun(segment, 1, atLeast, atMost);
            if (run is not null)
            {
                _current = number;
                return run;
            }

            segment.LongestFreeRun = atLeast - 1;
        }

        return null;
    }

    private SlotRun? FindRun(Segment segment, int from, int atLeast, int atMost)
    {
        while (from < _slotsPerSegment)
        {
            int start = segment.Used.NextClear(from, _slotsPerSegment);
            int end = segment.Used.NextSet(start, Math.Min(_slotsPerSegment, start + atMost));
            if (end - start >= atLeast) return new SlotRun((long)segment.Number * _slotsPerSegment + start, end - start);
            from = end + 1;
        }

        return null;
    }

    private SlotRun GrowBy(int count)
    {
        int number = Array.IndexOf(_segments, null);
        Segment segment = Segment.Create(directory, number < 0 ? _segments.Length : number, geometry);
        AddSegment(segment);
        _current = segment.Number;
        _directoryChanged = true;
        return new SlotRun((long)segment.Number * _slotsPerSegment + 1, Math.Min(count, _slotsPerSegment - 1));
    }

    private void AddSegment(Segment segment)
    {
        Segment?[] segments = _segments;
        if (segment.Number >= segments.Length) Array.Resize(ref segments, segment.Number + 1);
        segments[segment.Number] = segment;
        _freeSlots += segment.FreeCount;
        Volatile.Write(ref _segments, segments);
    }

    private void Remove(Segment segment)
    {
        _freeSlots -= segment.FreeCount;
        _segments[segment.Number] = null;
        _directoryChanged = true;
        segment.Delete();
    }

    private void Take(SlotRun run)
    {
        Segment segment = _segments[run.Slot / _slotsPerSegment]!;
        int index = (int)(run.Slot % _slotsPerSegment);
        segment.Used.Set(index, run.Count);
        segment.Backed.Set(index, run.Count);
        segment.FreeCount -= run.Count;
        segment.Cursor = index + run.Count;
        _freeSlots -= run.Count;
        UsedSlots += run.Count;
    }

    private void Release(long slot, int count)
    {
        Segment segment = _segments[slot / _slotsPerSegment]!;
        segment.Used.Clear((int)(slot % _slotsPerSegment), count);
        segment.FreeCount += count;
        segment.LongestFreeRun = _slotsPerSegment;
        segment.HasPunchCandidates = true;
        _freeSlots += count;
    }
}
