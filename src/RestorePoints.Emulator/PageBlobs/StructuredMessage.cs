using System.Buffers.Binary;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The framing <c>XSM/1.0</c> that carries CRC-64 checksums inside a body, after "Structured body format" of the Azure Storage REST reference.
/// Little-endian:
/// <code>
///   u8 version=1 | u64 length of all | u16 flags (1 = crc64) | u16 segments
///   per segment:  u16 number from 1 | u64 length | data | u64 crc64(data)
///   u64 crc64(all data)
/// </code>
/// </summary>
internal static class StructuredMessage
{
    public const string Header = "x-ms-structured-body";
    public const string ContentLengthHeader = "x-ms-structured-content-length";
    public const string WithCrc64 = "XSM/1.0; properties=crc64";

    public const int HeaderBytes = 13;
    public const int SegmentHeaderBytes = 10;

    /// <summary>Of the segments that we send; larger only where there would be more than fit into 16 bits.</summary>
    public const int SegmentBytes = 4 << 20;

    private const byte Version = 1;
    private const ushort Crc64Flag = 1;

    /// <summary>Whether the request asks for, or has, a structured body.</summary>
    /// <exception cref="StorageException">InvalidHeaderValue: of a kind that is not known.</exception>
    public static bool IsRequested(HttpRequest request)
    {
        string value = request.Headers[Header].ToString();
        if (value.Length == 0)
            return false;
        return value.Replace(" ", "").Equals("XSM/1.0;properties=crc64", StringComparison.OrdinalIgnoreCase)
            ? true
            : throw StorageErrors.InvalidHeaderValue(Header, value).AsException();
    }

    public static long SegmentBytesFor(long contentBytes) => Math.Max(SegmentBytes, (contentBytes + ushort.MaxValue - 1) / ushort.MaxValue);

    public static long FramedBytes(long contentBytes) =>
        HeaderBytes + contentBytes + Crc64Nvme.LengthBytes + (Segments(contentBytes) * (SegmentHeaderBytes + Crc64Nvme.LengthBytes));

    /// <summary>Of a client that makes its segments as small as their number allows.</summary>
    public static long MostFramedBytes(long contentBytes) =>
        HeaderBytes + contentBytes + Crc64Nvme.LengthBytes + (ushort.MaxValue * (SegmentHeaderBytes + Crc64Nvme.LengthBytes));

    public static void WriteHeader(Span<byte> destination, long contentBytes)
    {
        destination[0] = Version;
        BinaryPrimitives.WriteInt64LittleEndian(destination[1..], FramedBytes(contentBytes));
        BinaryPrimitives.WriteUInt16LittleEndian(destination[9..], Crc64Flag);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[11..], (ushort)Segments(contentBytes));
    }

    public static void WriteSegmentHeader(Span<byte> destination, int number, long segmentBytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(destination, (ushort)number);
        BinaryPrimitives.WriteInt64LittleEndian(destination[2..], segmentBytes);
    }

    /// <summary>Checks a whole message and moves its data to the front of the buffer.</summary>
    /// <returns>Length of the data.</returns>
    /// <exception cref="StorageException">Crc64Mismatch, or InvalidInput: not well formed.</exception>
    public static int Decode(Span<byte> message)
    {
        if (message.Length < HeaderBytes || message[0] != Version || BinaryPrimitives.ReadInt64LittleEndian(message[1..]) != message.Length)
            throw StorageErrors.InvalidInput.AsException();
        ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(message[9..]);
        if (flags is not (0 or Crc64Flag))
            throw StorageErrors.InvalidInput.AsException();
        bool hasCrc = flags == Crc64Flag;
        int segments = BinaryPrimitives.ReadUInt16LittleEndian(message[11..]);
        int crcBytes = hasCrc ? Crc64Nvme.LengthBytes : 0;

        int length = 0;
        int at = HeaderBytes;
        for (int number = 1; number <= segments; number++)
        {
            if (message.Length - at < SegmentHeaderBytes || BinaryPrimitives.ReadUInt16LittleEndian(message[at..]) != number)
                throw StorageErrors.InvalidInput.AsException();
            ulong announcedBytes = BinaryPrimitives.ReadUInt64LittleEndian(message[(at + 2)..]);
            at += SegmentHeaderBytes;
            if (announcedBytes > (ulong)(message.Length - at))
                throw StorageErrors.InvalidInput.AsException();
            int segmentBytes = (int)announcedBytes;
            Span<byte> data = message.Slice(at, segmentBytes);
            at += segmentBytes;
            if (hasCrc)
                CheckCrc(message[at..], Crc64Nvme.Compute(data));
            data.CopyTo(message[length..]);
            length += segmentBytes;
            at += crcBytes;
        }
        if (message.Length - at != crcBytes)
            throw StorageErrors.InvalidInput.AsException();
        if (hasCrc)
            CheckCrc(message[at..], Crc64Nvme.Compute(message[..length]));
        return length;
    }

    private static void CheckCrc(ReadOnlySpan<byte> sent, ulong computed)
    {
        if (sent.Length < Crc64Nvme.LengthBytes)
            throw StorageErrors.InvalidInput.AsException();
        ulong crc = BinaryPrimitives.ReadUInt64LittleEndian(sent);
        if (crc != computed)
            throw StorageErrors.Crc64Mismatch(Crc64Nvme.ToBase64(crc), Crc64Nvme.ToBase64(computed)).AsException();
    }

    private static long Segments(long contentBytes) => (contentBytes + SegmentBytesFor(contentBytes) - 1) / SegmentBytesFor(contentBytes);
}
