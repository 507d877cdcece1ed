using System.Buffers.Binary;
using System.IO.Hashing;

namespace RestorePoints.SnapshotEngine;

/// <summary>The layout of a journal file: a header of 64 bytes, then records, each with a sequence number and a hash.</summary>
internal static class JournalFile
{
    public const int HeaderBytes = 64;

    /// <summary>Payload length, type and sequence in front of the payload; the hash behind it.</summary>
    public const int RecordOverheadBytes = 24;

    private const int PrefixBytes = 16;
    private const int HashBytes = 8;

    public static string Name(int ordinal) => $"journal-{ordinal:x8}";

    public static int Ordinal(string path) => Convert.ToInt32(Path.GetFileName(path)["journal-".Length..], 16);

    public static StoreFile Create(string directory, int ordinal, Geometry geometry, JournalHeader header)
    {
        StoreFile file = StoreFile.Create(Path.Combine(directory, Name(ordinal)));
        Span<byte> bytes = stackalloc byte[HeaderBytes];
        bytes.Clear();
        FileHeader.Write(bytes, FileHeader.Journal, geometry);
        header.BootId.TryWriteBytes(bytes[32..]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[48..], header.FirstSequence);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[56..], (header.IsPowerDurable ? 1u : 0) | (header.EarlierIsDurable ? 2u : 0));
        file.Write(0, bytes);
        return file;
    }

    /// <summary>Null when the header was never written completely, so that no record can follow.</summary>
    public static JournalHeader? ReadHeader(ReadOnlySpan<byte> bytes, Geometry geometry, string file)
    {
        if (bytes.Length < HeaderBytes || bytes[..HeaderBytes].IndexOfAnyExcept((byte)0) < 0) return null;
        FileHeader.Check(bytes, FileHeader.Journal, geometry, file);
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(bytes[56..]);
        return new JournalHeader(new Guid(bytes.Slice(32, 16)), BinaryPrimitives.ReadInt64LittleEndian(bytes[48..]), (flags & 1) != 0, (flags & 2) != 0);
    }

    public static int WriteRecord(Span<byte> destination, JournalRecordType type, long sequence, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteInt32LittleEndian(destination, payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], (uint)type);
        BinaryPrimitives.WriteInt64LittleEndian(destination[8..], sequence);
        payload.CopyTo(destination[PrefixBytes..]);
        int hashed = PrefixBytes + payload.Length;
        BinaryPrimitives.WriteUInt64LittleEndian(destination[hashed..], XxHash3.HashToUInt64(destination[..hashed]));
        return hashed + HashBytes;
    }

    /// <summary>Whether it is worth to compute a hash here: the fields in front are those of a record later than another.</summary>
    public static bool CouldStartRecord(ReadOnlySpan<byte> bytes, long after)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (length < 0 || length > bytes.Length - RecordOverheadBytes) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) is < (uint)JournalRecordType.CreateVolume or > (uint)JournalRecordType.ResizePoint) return false;
        long sequence = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        // A record has at least its overhead.
        return sequence > after && sequence - after <= int.MaxValue / RecordOverheadBytes;
    }

    /// <summary>Reads the record at an offset. False at the end and at the first one that is not whole.</summary>
    public static bool TryReadRecord(ReadOnlySpan<byte> bytes, ref int offsetBytes, out JournalRecordType type, out long sequence, out ReadOnlySpan<byte> payload)
    {
        type = default;
        sequence = 0;
        payload = default;
        ReadOnlySpan<byte> rest = bytes[offsetBytes..];
        if (rest.Length < RecordOverheadBytes) return false;
        int length = BinaryPrimitives.ReadInt32LittleEndian(rest);
        if (length < 0 || length > rest.Length - RecordOverheadBytes) return false;
        int hashed = PrefixBytes + length;
        if (BinaryPrimitives.ReadUInt64LittleEndian(rest[hashed..]) != XxHash3.HashToUInt64(rest[..hashed])) return false;
        type = (JournalRecordType)BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
        sequence = BinaryPrimitives.ReadInt64LittleEndian(rest[8..]);
        payload = rest[PrefixBytes..hashed];
        offsetBytes += hashed + HashBytes;
        return true;
    }
}

/// <param name="BootId">The kernel under which the file was written.</param>
/// <param name="FirstSequence">The sequence number of the first record, whether it exists or not.</param>
/// <param name="IsPowerDurable">Every whole record has its data on disk; no markers are needed.</param>
/// <param name="EarlierIsDurable">When the file was created, everything before its first record was on disk.</param>
internal sealed record JournalHeader(Guid BootId, long FirstSequence, bool IsPowerDurable, bool EarlierIsDurable);
