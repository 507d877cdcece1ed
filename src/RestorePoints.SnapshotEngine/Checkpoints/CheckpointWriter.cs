using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace RestorePoints.SnapshotEngine;

/// <summary>Writes the whole index to a file, little-endian, with a hash at the end. docs/on-disk-format.md describes the layout.</summary>
internal sealed class CheckpointWriter(StoreFile file)
{
    private readonly byte[] _buffer = new byte[1 << 20];
    private readonly XxHash3 _hash = new();
    private long _offsetBytes;
    private int _filled;

    /// <summary>Nobody changes the index meanwhile. Nothing is flushed to disk here. Returns the length.</summary>
    public long Write(Geometry geometry, long sequence, VolumeSet volumes)
    {
        Span<byte> header = stackalloc byte[FileHeader.LengthBytes];
        FileHeader.Write(header, FileHeader.Checkpoint, geometry);
        Add<byte>(header);
        Add(sequence);
        Guid[] ended = [.. volumes.EndedIds];
        Add(ended.Length);
        Add<Guid>(ended);
        Volume[] all = [.. volumes.All];
        Add(all.Length);
        foreach (Volume volume in all) Add(volume);
        Drain();
        file.Write(_offsetBytes, BitConverter.GetBytes(_hash.GetCurrentHashAsUInt64()));
        return _offsetBytes + sizeof(ulong);
    }

    private void Add(Volume volume)
    {
        Viewers viewers = volume.Viewers;
        Add(volume.Id);
        Add(volume.InitialSizeBytes);
        Add(volume.SizeBytes);
        Add(volume.Generation);
        Add((volume.HasHead ? 1 : 0) | (viewers.Head is not null ? 2 : 0) | (volume.Parent is not null ? 4 : 0));
        Add(volume.Parent?.Id ?? Guid.Empty);
        Add(volume.ParentViewer?.Generation ?? 0);
        Add(viewers.Count);
        foreach (Viewer viewer in viewers.Frozen)
        {
            Add(viewer.Generation);
            Add(viewer.SizeBytes);
            Add(viewer.PointId is null ? 0 : viewer.IsResized ? 3 : 1);
            Add(viewer.PointId ?? Guid.Empty);
            Add(viewer.Regions);
        }

        if (viewers.Head is { } head) Add(head.Regions);
        for (int number = volume.Regions.NextTouched(0); number < RegionDirectory.MaxRegions; number = volume.Regions.NextTouched(number + 1))
        {
            Region region = volume.Regions.Find(number)!;
            Add(number);
            Add(region.ListedGeneration);
            Add(region.Count);
            Add(region.Pages);
            Add(region.Births);
            Add(region.Places);
        }

        Add(-1);
    }

    private void Add(RegionList list)
    {
        int[] regions = list.ToSorted();
        Add(regions.Length);
        Add<int>(regions);
    }

    private void Add<T>(T value) where T : unmanaged => Add(new ReadOnlySpan<T>(in value));

    private void Add<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        while (bytes.Length > 0)
        {
            int count = Math.Min(bytes.Length, _buffer.Length - _filled);
            bytes[..count].CopyTo(_buffer.AsSpan(_filled));
            _filled += count;
            bytes = bytes[count..];
            if (_filled == _buffer.Length) Drain();
        }
    }

    private void Drain()
    {
        Span<byte> filled = _buffer.AsSpan(0, _filled);
        _hash.Append(filled);
        file.Write(_offsetBytes, filled);
        _offsetBytes += _filled;
        _filled = 0;
    }
}
