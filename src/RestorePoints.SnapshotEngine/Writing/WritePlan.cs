namespace RestorePoints.SnapshotEngine;

/// <summary>What happens to one page of a request.</summary>
internal enum PageAction : byte
{
    /// <summary>Nothing changes: clearing what is not allocated, zeros over zeros of the same generation.</summary>
    Keep,

    /// <summary>Into the slot it has. Only when nobody but the head can see that slot and no metadata changes.</summary>
    InPlace,

    /// <summary>Into a fresh slot, whole.</summary>
    Fresh,

    /// <summary>Into a fresh slot, together with the sectors of the page that the request leaves alone.</summary>
    FreshMerged,

    /// <summary>Becomes a page of zeros without a slot.</summary>
    ToZero,

    /// <summary>Becomes unallocated.</summary>
    ToClear,
}

/// <summary>The working memory of one request, one per thread.</summary>
internal sealed class WritePlan(int pages)
{
    [ThreadStatic]
    private static WritePlan? s_current;

    public long[] Places { get; } = new long[pages];

    public uint[] Births { get; } = new uint[pages];

    public PageAction[] Actions { get; } = new PageAction[pages];

    public ushort[] ChangedPages { get; } = new ushort[pages];

    public long[] ChangedPlaces { get; } = new long[pages];

    public SlotRunList Fresh { get; } = new();

    public SlotRunList Freed { get; } = new();

    public byte[] Merged { get; } = new byte[Geometry.PageBytes];

    public static WritePlan Start(int pages)
    {
        WritePlan plan = s_current is { } current && current.Places.Length >= pages ? current : s_current = new WritePlan(pages);
        plan.Fresh.Clear();
        plan.Freed.Clear();
        return plan;
    }
}
