using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace RestorePoints.SnapshotEngine;

internal enum JournalRecordType : uint
{
    CreateVolume = 1,
    CreateVolumeFromPoint = 2,
    Write = 3,
    CreatePoint = 4,
    DeletePoint = 5,
    DeleteHead = 6,
    Resize = 7,
    Marker = 8,
    ResizePoint = 9,
}

/// <summary>A run of pages in a write record. A place that is data counts on from page to page, the others stay.</summary>
internal readonly record struct PageRun(long Page, int Count, long Place);

/// <summary>Builds the payload of one record; one per thread, reused.</summary>
internal sealed class JournalPayload
{
    [ThreadStatic]
    private static JournalPayload? s_current;

    private byte[] _bytes = new byte[256];
    private int _length;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public static JournalPayload Start()
    {
        JournalPayload payload = s_current ??= new JournalPayload();
        payload._length = 0;
        return payload;
    }

    public JournalPayload Add(Guid value)
    {
        value.TryWriteBytes(Reserve(16));
        return this;
    }

    public JournalPayload Add(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(Reserve(8), value);
        return this;
    }

    public JournalPayload Add(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), value);
        return this;
    }

    private Span<byte> Reserve(int count)
    {
        if (_length + count > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + count));
        Span<byte> reserved = _bytes.AsSpan(_length, count);
        _length += count;
        return reserved;
    }
}

/// <summary>Reads little-endian fields one after the other, from a record's payload or a checkpoint.</summary>
internal ref struct FieldReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public Guid Guid() => new(Take(16));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public T[] Array<T>(int count) where T : unmanaged => MemoryMarshal.Cast<byte, T>(Take(checked(count * System.Runtime.CompilerServices.Unsafe.SizeOf<T>()))).ToArray();

    public ReadOnlySpan<byte> Take(int count)
    {
        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
