namespace RestorePoints.SnapshotEngine.Tests;

/// <summary>What the engine must behave like, with a full copy for every point.</summary>
internal sealed class StoreModel
{
    public const int PageBytes = Geometry.PageBytes;

    public List<ModelVolume> Volumes { get; } = [];

    /// <summary>Counts changes, so that "changed after a point" is a comparison of numbers.</summary>
    public int Now { get; set; } = 1;

    public StoreModel Clone()
    {
        var clone = new StoreModel { Now = Now };
        clone.Volumes.AddRange(Volumes.Select(volume => volume.Clone()));
        return clone;
    }
}

internal sealed class ModelVolume(Guid id, int pages)
{
    public Guid Id { get; } = id;

    public bool HasHead { get; set; } = true;

    public ModelContent Head { get; set; } = new(pages);

    public List<ModelPoint> Points { get; } = [];

    public ModelVolume Clone()
    {
        var clone = new ModelVolume(Id, 1) { HasHead = HasHead, Head = Head.Copy(Head.Pages) };
        clone.Points.AddRange(Points);
        return clone;
    }
}

internal sealed record ModelPoint(Guid Id, ModelContent Content, int TakenAt);

internal sealed class ModelContent(int pages)
{
    public int Pages => pages;

    public byte[] Bytes { get; } = new byte[pages * StoreModel.PageBytes];

    public bool[] Allocated { get; } = new bool[pages];

    public int[] ChangedAt { get; } = new int[pages];

    public ModelContent Copy(int newPages)
    {
        var copy = new ModelContent(newPages);
        Bytes.CopyTo(copy.Bytes, 0);
        Allocated.CopyTo(copy.Allocated, 0);
        ChangedAt.CopyTo(copy.ChangedAt, 0);
        return copy;
    }

    /// <summary>What a volume made from this point starts with: nothing of it counts as changed.</summary>
    public ModelContent Inherit(int newPages)
    {
        ModelContent copy = Copy(newPages);
        copy.ChangedAt.AsSpan().Clear();
        return copy;
    }

    public void Write(int offset, ReadOnlySpan<byte> data, int now)
    {
        data.CopyTo(Bytes.AsSpan(offset));
        for (int page = offset / StoreModel.PageBytes; page * StoreModel.PageBytes < offset + data.Length; page++)
        {
            Allocated[page] = true;
            ChangedAt[page] = now;
        }
    }

    public void Clear(int offset, int length, int now)
    {
        Bytes.AsSpan(offset, length).Clear();
        for (int page = offset / StoreModel.PageBytes; page * StoreModel.PageBytes < offset + length; page++)
        {
            if (!Allocated[page]) continue;
            bool whole = page * StoreModel.PageBytes >= offset && (page + 1) * StoreModel.PageBytes <= offset + length;
            if (whole) Allocated[page] = false;
            ChangedAt[page] = now;
        }
    }
}
