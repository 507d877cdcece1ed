using System.Runtime.InteropServices;

namespace RestorePoints.SnapshotEngine;

/// <summary>Adjacent slots of one segment.</summary>
internal record struct SlotRun(long Slot, int Count);

/// <summary>Slots that an operation freed, in runs where they are adjacent.</summary>
internal sealed class SlotRunList
{
    private readonly List<SlotRun> _runs = [];

    public ReadOnlySpan<SlotRun> Runs => CollectionsMarshal.AsSpan(_runs);

    public void Add(long slot, int count = 1)
    {
        Span<SlotRun> runs = CollectionsMarshal.AsSpan(_runs);
        if (runs.Length > 0 && runs[^1].Slot + runs[^1].Count == slot) runs[^1].Count += count;
        else _runs.Add(new SlotRun(slot, count));
    }

    public void Clear() => _runs.Clear();
}
