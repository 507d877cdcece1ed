using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace RestorePoints.SnapshotEngine;

/// <summary>Brings the index back from a checkpoint and tells the allocator which slots are owned.</summary>
internal sealed class CheckpointReader(Geometry geometry, SlotAllocator slots, VolumeSet volumes)
{
    private readonly List<(Volume Child, Guid ParentId, uint Generation)> _forks = [];

    /// <summary>Returns the sequence number of the last record that the checkpoint contains.</summary>
    public long Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        CheckWhole(stream, Path.GetFileName(path));
        stream.Position = FileHeader.LengthBytes;
        using var reader = new BinaryReader(stream);
        long sequence = reader.ReadInt64();
        foreach (Guid ended in ReadArray<Guid>(reader)) volumes.AddEnded(ended);
        int count = reader.ReadInt32();
        for (int i = 0; i < count; i++) ReadVolume(reader);
        foreach ((Volume child, Guid parentId, uint generation) in _forks)
        {
            Volume parent = volumes.Find(parentId) ?? throw new StoreFormatException(Path.GetFileName(path), $"volume {child.Id} was made from {parentId}, which is missing.");
            Viewer point = parent.Viewers.Frozen.ToArray().Single(viewer => viewer.Generation == generation);
            point.ForkPins++;
            child.SetParent(parent, point);
        }

        DropUnneeded(sequence);
        return sequence;
    }

    private void CheckWhole(FileStream stream, string name)
    {
        byte[] buffer = new byte[1 << 20];
        var hash = new XxHash3();
        long hashed = stream.Length - sizeof(ulong);
        for (long offset = 0; offset < hashed;)
        {
            int count = (int)Math.Min(buffer.Length, hashed - offset);
            stream.ReadExactly(buffer, 0, count);
            // The version first: a newer format may not even have a hash at the end.
            if (offset == 0) FileHeader.Check(buffer.AsSpan(0, count), FileHeader.Checkpoint, geometry, name);
            hash.Append(buffer.AsSpan(0, count));
            offset += count;
        }

        if (hashed < FileHeader.LengthBytes) throw new StoreFormatException(name, "is too short.");
        stream.ReadExactly(buffer, 0, sizeof(ulong));
        if (BitConverter.ToUInt64(buffer) != hash.GetCurrentHashAsUInt64()) throw new StoreFormatException(name, "is damaged; its hash does not match.");
    }

    private void ReadVolume(BinaryReader reader)
    {
        Guid id = ReadValue<Guid>(reader);
        var volume = new Volume(id, reader.ReadInt64(), geometry.PagesPerRegion);
        long sizeBytes = reader.ReadInt64();
        uint generation = reader.ReadUInt32();
        int flags = reader.ReadInt32();
        Guid parentId = ReadValue<Guid>(reader);
        uint parentGeneration = reader.ReadUInt32();
        if ((flags & 4) != 0) _forks.Add((volume, parentId, parentGeneration));
        var frozen = new Viewer[reader.ReadInt32()];
        for (int i = 0; i < frozen.Length; i++)
        {
            uint frozenGeneration = reader.ReadUInt32();
            long frozenSizeBytes = reader.ReadInt64();
            int pointFlags = reader.ReadInt32();
            Guid pointId = ReadValue<Guid>(reader);
            frozen[i] = new Viewer(frozenGeneration, frozenSizeBytes)
            {
                PointId = (pointFlags & 1) != 0 ? pointId : null,
                IsResized = (pointFlags & 2) != 0,
                Regions = new RegionList(ReadArray<int>(reader)),
            };
        }

        Viewer? head = (flags & 2) == 0 ? null : new Viewer(generation, sizeBytes) { Regions = new RegionList(ReadArray<int>(reader)) };
        volume.Restore(generation, sizeBytes, (flags & 1) != 0, Viewers.Create(frozen, head));
        for (int number = reader.ReadInt32(); number >= 0; number = reader.ReadInt32())
        {
            uint listed = reader.ReadUInt32();
            int count = reader.ReadInt32();
            Region region = Region.FromVersions(ReadArray<ushort>(reader, count), ReadArray<uint>(reader, count), ReadArray<long>(reader, count));
            region.ListedGeneration = listed;
            volume.Regions.Add(number, region);
            Own(region);
        }

        volumes.Add(volume);
    }

    private void Own(Region region)
    {
        ReadOnlySpan<long> places = region.Places;
        for (int i = 0; i < places.Length;)
        {
            int start = i++;
            if (region.Births[start] == 0 || !Place.IsData(places[start])) continue;
            while (i < places.Length && region.Births[i] > 0 && places[i] == places[start] + (i - start) && !slots.StartsSegment(places[i])) i++;
            slots.Own(places[start], i - start);
        }
    }

    /// <summary>Viewers that only open views kept when the checkpoint was written: those views are gone.</summary>
    private void DropUnneeded(long sequence)
    {
        foreach (Volume volume in volumes.All.ToArray())
        {
            foreach (Viewer viewer in volume.Viewers.Frozen.ToArray())
            {
                if (!viewer.IsNeeded) volumes.Reclaim(volume, volume.DetachUnneeded(viewer), sequence);
            }

            if (!volume.HasHead && volume.Viewers.Head is { } head) volumes.Reclaim(volume, volume.DetachUnneeded(head), sequence);
        }
    }

    private static T ReadValue<T>(BinaryReader reader) where T : unmanaged
    {
        T value = default;
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(new Span<T>(ref value)));
        return value;
    }

    private static T[] ReadArray<T>(BinaryReader reader) where T : unmanaged => ReadArray<T>(reader, reader.ReadInt32());

    private static T[] ReadArray<T>(BinaryReader reader, int count) where T : unmanaged
    {
        T[] values = new T[count];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
