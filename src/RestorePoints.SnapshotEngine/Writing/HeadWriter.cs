namespace RestorePoints.SnapshotEngine;

/// <summary>Writes to and clears the head of a volume.</summary>
/// <remarks>
/// One request of at most <see cref="Geometry.PagesPerRequest"/> pages, under the volume's shared gate and the latches of its regions:
/// <code>
///   1 look up      newest version of each page
///   2 decide       page by page: keep, in place, fresh slot, zero, clear
///   3 allocate     one contiguous run for all fresh pages
///   4 write data   in place and fresh; a fresh slot is in no map yet, so nobody sees half of it
///   5 append       one record with all pages whose place changed; none when all went in place
///   6 map          the new places become the newest versions, replaced ones are freed
/// </code>
/// A crash before 5 leaves free slots with bytes in them; a crash after 5 replays 6.
/// In place means birth == generation and no change of metadata. The rule is never widened when points are deleted: a running
/// reader of the deleted point, or a power loss that brings the point back, would see the new bytes.
/// </remarks>
internal sealed class HeadWriter(Geometry geometry, SlotAllocator slots, Journal journal)
{
    private static readonly byte[] s_zeros = new byte[Geometry.PageBytes];

    /// <summary>Writes data within one request. Returns the group to wait for.</summary>
    public long Write(Volume volume, long offsetBytes, ReadOnlySpan<byte> data) => Run(volume, offsetBytes, data.Length, data, clear: false);

    /// <summary>Clears within one request. Returns the group to wait for.</summary>
    public long Clear(Volume volume, long offsetBytes, int lengthBytes) => Run(volume, offsetBytes, lengthBytes, default, clear: true);

    private long Run(Volume volume, long offsetBytes, int lengthBytes, ReadOnlySpan<byte> data, bool clear)
    {
        var request = new Request(offsetBytes, lengthBytes, data, clear);
        WritePlan plan = WritePlan.Start(Math.Max(request.PageCount, geometry.PagesPerRegion));
        int firstRegion = (int)(request.FirstPage / geometry.PagesPerRegion);
        int lastRegion = (int)((request.FirstPage + request.PageCount - 1) / geometry.PagesPerRegion);
        volume.EnterLatches(firstRegion, lastRegion);
        try
        {
            LookUp(volume, request, plan);
            (int fresh, bool changed, bool inPlace) = Decide(request, plan, volume.Generation);
            if (fresh > 0) slots.Allocate(fresh, plan.Fresh);
            if (inPlace) volume.BeginInPlace(firstRegion, lastRegion);
            try
            {
                WriteData(request, plan);
            }
            catch
            {
                slots.Abandon(plan.Fresh);
                throw;
            }
            finally
            {
                if (inPlace) volume.EndInPlace(firstRegion, lastRegion);
            }

            if (!changed) return journal.OpenGroup;
            long group = journal.Append(JournalRecordType.Write, Encode(volume, request, plan).Bytes);
            Map(volume, request, plan);
            slots.Free(plan.Freed, journal.LastSequence);
            return group;
        }
        finally
        {
            volume.ExitLatches(firstRegion, lastRegion);
        }
    }

    private void LookUp(Volume volume, in Request request, WritePlan plan)
    {
        for (int i = 0; i < request.PageCount;)
        {
            int inRegion = (int)((request.FirstPage + i) % geometry.PagesPerRegion);
            int count = Math.Min(request.PageCount - i, geometry.PagesPerRegion - inRegion);
            int region = (int)((request.FirstPage + i) / geometry.PagesPerRegion);
            volume.Resolve(region, inRegion, uint.MaxValue, plan.Places.AsSpan(i, count), plan.Births.AsSpan(i, count));
            i += count;
        }
    }

    private static (int Fresh, bool Changed, bool InPlace) Decide(in Request request, WritePlan plan, uint generation)
    {
        int fresh = 0;
        bool changed = false, inPlace = false;
        for (int i = 0; i < request.PageCount; i++)
        {
            PageAction action = Decide(request, i, plan.Places[i], plan.Births[i] == generation);
            plan.Actions[i] = action;
            if (action is PageAction.Fresh or PageAction.FreshMerged) fresh++;
            changed |= action is not (PageAction.Keep or PageAction.InPlace);
            inPlace |= action is PageAction.InPlace;
        }

        return (fresh, changed, inPlace);
    }

    private static PageAction Decide(in Request request, int index, long place, bool bornNow)
    {
        request.SectorsOf(index, out _, out int lengthBytes, out int sourceBytes);
        bool whole = lengthBytes == Geometry.PageBytes;
        if (request.IsClear)
        {
            if (place == Place.Clear) return PageAction.Keep;
            if (whole) return PageAction.ToClear;
        }

        bool zeros = request.IsClear || request.Data.Slice(sourceBytes, lengthBytes).IndexOfAnyExcept((byte)0) < 0;
        if (zeros && (whole || !Place.IsData(place))) return place == Place.Zero && bornNow ? PageAction.Keep : PageAction.ToZero;
        if (bornNow && Place.IsData(place)) return PageAction.InPlace;
        return whole ? PageAction.Fresh : PageAction.FreshMerged;
    }

    private void WriteData(in Request request, WritePlan plan)
    {
        var output = new AdjacentWrites(slots, request.Data);
        ReadOnlySpan<SlotRun> runs = plan.Fresh.Runs;
        int run = 0, used = 0;
        for (int i = 0; i < request.PageCount; i++)
        {
            request.SectorsOf(i, out int inPageBytes, out int lengthBytes, out int sourceBytes);
            long old = plan.Places[i];
            switch (plan.Actions[i])
            {
                case PageAction.InPlace when request.IsClear:
                    output.WriteNow(old, inPageBytes, s_zeros.AsSpan(0, lengthBytes));
                    continue;
                case PageAction.InPlace:
                    output.Add(old, inPageBytes, sourceBytes, lengthBytes);
                    continue;
                case PageAction.ToZero:
                    plan.Places[i] = Place.Zero;
                    continue;
                case PageAction.ToClear:
                    plan.Places[i] = Place.Clear;
                    continue;
                case PageAction.Keep:
                    continue;
            }

            if (used == runs[run].Count)
            {
                run++;
                used = 0;
            }

            long slot = runs[run].Slot + used++;
            plan.Places[i] = slot;
            if (plan.Actions[i] == PageAction.Fresh)
            {
                output.Add(slot, 0, sourceBytes, lengthBytes);
                continue;
            }

            Span<byte> merged = plan.Merged;
            if (Place.IsData(old)) slots.SegmentOf(old, out long offsetBytes).Read(offsetBytes, merged);
            else merged.Clear();
            Span<byte> sectors = merged.Slice(inPageBytes, lengthBytes);
            if (request.IsClear) sectors.Clear();
            else request.Data.Slice(sourceBytes, lengthBytes).CopyTo(sectors);
            output.WriteNow(slot, 0, merged);
        }

        output.Flush();
    }

    private static JournalPayload Encode(Volume volume, in Request request, WritePlan plan)
    {
        JournalPayload payload = JournalPayload.Start().Add(volume.Id);
        for (int i = 0; i < request.PageCount;)
        {
            if (plan.Actions[i] is PageAction.Keep or PageAction.InPlace)
            {
                i++;
                continue;
            }

            int start = i;
            long place = plan.Places[i++];
            long step = Place.IsData(place) ? 1 : 0;
            while (i < request.PageCount && plan.Actions[i] is not (PageAction.Keep or PageAction.InPlace) && plan.Places[i] == place + (i - start) * step) i++;
            payload.Add(request.FirstPage + start).Add(i - start).Add(place);
        }

        return payload;
    }

    private void Map(Volume volume, in Request request, WritePlan plan)
    {
        for (int i = 0; i < request.PageCount;)
        {
            int region = (int)((request.FirstPage + i) / geometry.PagesPerRegion);
            int inRegion = (int)((request.FirstPage + i) % geometry.PagesPerRegion);
            int count = 0;
            for (; i < request.PageCount && inRegion < geometry.PagesPerRegion; i++, inRegion++)
            {
                if (plan.Actions[i] is PageAction.Keep or PageAction.InPlace) continue;
                plan.ChangedPages[count] = (ushort)inRegion;
                plan.ChangedPlaces[count++] = plan.Places[i];
            }

            if (count > 0) volume.Put(region, plan.ChangedPages.AsSpan(0, count), plan.ChangedPlaces.AsSpan(0, count), plan.Freed);
        }
    }

    private readonly ref struct Request(long offsetBytes, int lengthBytes, ReadOnlySpan<byte> data, bool clear)
    {
        public ReadOnlySpan<byte> Data { get; } = data;

        public bool IsClear { get; } = clear;

        public long FirstPage { get; } = offsetBytes / Geometry.PageBytes;

        public int PageCount { get; } = (int)((offsetBytes + lengthBytes - 1) / Geometry.PageBytes - offsetBytes / Geometry.PageBytes) + 1;

        private int LeadBytes { get; } = (int)(offsetBytes % Geometry.PageBytes);

        private int LengthBytes { get; } = lengthBytes;

        /// <summary>Which part of a page the request covers, and where in the data that part starts.</summary>
        public void SectorsOf(int index, out int inPageBytes, out int pageLengthBytes, out int sourceBytes)
        {
            int start = Math.Max(0, index * Geometry.PageBytes - LeadBytes);
            int end = Math.Min(LengthBytes, (index + 1) * Geometry.PageBytes - LeadBytes);
            inPageBytes = index == 0 ? LeadBytes : 0;
            pageLengthBytes = end - start;
            sourceBytes = start;
        }
    }

    /// <summary>Collects parts that are adjacent both in the request and on disk into one write.</summary>
    private ref struct AdjacentWrites(SlotAllocator slots, ReadOnlySpan<byte> data)
    {
        private readonly ReadOnlySpan<byte> _data = data;
        private Segment? _segment;
        private long _offsetBytes;
        private int _sourceBytes;
        private int _lengthBytes;

        public void Add(long slot, int inPageBytes, int sourceBytes, int lengthBytes)
        {
            Segment segment = slots.SegmentOf(slot, out long offsetBytes);
            offsetBytes += inPageBytes;
            if (segment == _segment && offsetBytes == _offsetBytes + _lengthBytes && sourceBytes == _sourceBytes + _lengthBytes)
            {
                _lengthBytes += lengthBytes;
                return;
            }

            Flush();
            _segment = segment;
            _offsetBytes = offsetBytes;
            _sourceBytes = sourceBytes;
            _lengthBytes = lengthBytes;
        }

        public readonly void WriteNow(long slot, int inPageBytes, ReadOnlySpan<byte> bytes) =>
            slots.SegmentOf(slot, out long offsetBytes).Write(offsetBytes + inPageBytes, bytes);

        public void Flush()
        {
            _segment?.Write(_offsetBytes, _data.Slice(_sourceBytes, _lengthBytes));
            _segment = null;
            _lengthBytes = 0;
        }
    }
}
