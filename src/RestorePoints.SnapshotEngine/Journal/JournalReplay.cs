using System.Runtime.InteropServices;

namespace RestorePoints.SnapshotEngine;

/// <summary>Carries out the records of the journal on what the checkpoint brought back.</summary>
internal sealed class JournalReplay(Geometry geometry, SlotAllocator slots, VolumeSet volumes)
{
    private readonly SlotRunList _freed = new();
    private readonly List<ushort> _pages = [];
    private readonly List<long> _places = [];

    public void Apply(JournalRecordType type, long sequence, ReadOnlySpan<byte> payload)
    {
        var fields = new FieldReader(payload);
        switch (type)
        {
            case JournalRecordType.CreateVolume:
                volumes.Create(fields.Guid(), fields.Int64());
                break;
            case JournalRecordType.CreateVolumeFromPoint:
                Guid child = fields.Guid();
                Volume parent = Find(fields.Guid());
                volumes.Fork(child, parent, FindPoint(parent, fields.Guid()), fields.Int64());
                break;
            case JournalRecordType.Write:
                ApplyWrite(Find(fields.Guid()), ref fields, sequence);
                break;
            case JournalRecordType.CreatePoint:
                Guid pointId = fields.Guid();
                while (!fields.IsAtEnd) Find(fields.Guid()).Freeze(pointId);
                break;
            case JournalRecordType.DeletePoint:
                Volume owner = Find(fields.Guid());
                Guid deleted = fields.Guid();
                volumes.Reclaim(owner, VolumeSet.DropPoint(owner, deleted, FindPoint(owner, deleted)), sequence);
                break;
            case JournalRecordType.DeleteHead:
                Volume volume = Find(fields.Guid());
                volumes.Reclaim(volume, VolumeSet.DropHead(volume), sequence);
                break;
            case JournalRecordType.Resize:
                Find(fields.Guid()).Resize(fields.Int64());
                break;
            case JournalRecordType.ResizePoint:
                Volume resized = Find(fields.Guid());
                Volume.ResizePoint(FindPoint(resized, fields.Guid()), fields.Int64());
                break;
            case JournalRecordType.Marker:
                break;
            default:
                throw new StoreFormatException("journal", $"record {sequence} has the unknown type {(uint)type}.");
        }
    }

    private void ApplyWrite(Volume volume, ref FieldReader fields, long sequence)
    {
        int region = -1;
        _freed.Clear();
        while (!fields.IsAtEnd)
        {
            long page = fields.Int64();
            int count = fields.Int32();
            long place = fields.Int64();
            if (Place.IsData(place)) slots.Own(place, count);
            for (int i = 0; i < count; i++, page++)
            {
                int next = (int)(page / geometry.PagesPerRegion);
                if (next != region) PutCollected(volume, region);
                region = next;
                _pages.Add((ushort)(page % geometry.PagesPerRegion));
                _places.Add(Place.IsData(place) ? place + i : place);
            }
        }

        PutCollected(volume, region);
        slots.Free(_freed, sequence);
    }

    private void PutCollected(Volume volume, int region)
    {
        if (_pages.Count == 0) return;
        volume.Put(region, CollectionsMarshal.AsSpan(_pages), CollectionsMarshal.AsSpan(_places), _freed);
        _pages.Clear();
        _places.Clear();
    }

    private static Viewer FindPoint(Volume volume, Guid pointId) =>
        volume.Points.GetValueOrDefault(pointId) ?? throw new StoreFormatException("journal", $"mentions point {pointId}, which does not exist at that place.");

    private Volume Find(Guid id) => volumes.Find(id) ?? throw new StoreFormatException("journal", $"mentions volume {id}, which does not exist at that place.");
}
