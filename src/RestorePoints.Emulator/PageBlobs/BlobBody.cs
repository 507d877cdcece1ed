using System.Buffers.Binary;
using System.IO.Pipelines;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Bytes of a blob on their way into a response: read straight into the pipe, span by span, at the pace of the client.</summary>
internal static class BlobBody
{
    /// <summary>One read of the engine.</summary>
    private const int SpanBytes = 256 * 1024;

    public static async Task WriteAsync(PipeWriter writer, Blob blob, ByteRange range, CancellationToken cancellationToken)
    {
        for (long at = range.Start; at < range.End;)
        {
            at += Put(writer, blob, at, range.End).Length;
            if ((await writer.FlushAsync(cancellationToken)).IsCompleted)
                return;
        }
    }

    /// <summary>The same as a structured message with checksums.</summary>
    /// <param name="crcFault">Bits that are wrong in each checksum; 0: none.</param>
    public static async Task WriteStructuredAsync(PipeWriter writer, Blob blob, ByteRange range, ulong crcFault, CancellationToken cancellationToken)
    {
        long segmentBytes = StructuredMessage.SegmentBytesFor(range.LengthBytes);
        StructuredMessage.WriteHeader(writer.GetSpan(StructuredMessage.HeaderBytes), range.LengthBytes);
        writer.Advance(StructuredMessage.HeaderBytes);

        ulong messageCrc = 0;
        int number = 0;
        for (long start = range.Start; start < range.End; start += segmentBytes)
        {
            long end = Math.Min(range.End, start + segmentBytes);
            StructuredMessage.WriteSegmentHeader(writer.GetSpan(StructuredMessage.SegmentHeaderBytes), ++number, end - start);
            writer.Advance(StructuredMessage.SegmentHeaderBytes);
            ulong segmentCrc = 0;
            for (long at = start; at < end;)
            {
                (int length, segmentCrc, messageCrc) = PutCounted(writer, blob, at, end, segmentCrc, messageCrc);
                at += length;
                if ((await writer.FlushAsync(cancellationToken)).IsCompleted)
                    return;
            }
            PutCrc(writer, segmentCrc ^ crcFault);
        }
        PutCrc(writer, messageCrc ^ crcFault);
        await writer.FlushAsync(cancellationToken);
    }

    private static ReadOnlySpan<byte> Put(PipeWriter writer, Blob blob, long at, long end)
    {
        int length = (int)Math.Min(SpanBytes, end - at);
        Span<byte> span = writer.GetSpan(length)[..length];
        blob.Read(at, span);
        writer.Advance(length);
        return span;
    }

    private static (int Length, ulong SegmentCrc, ulong MessageCrc) PutCounted(PipeWriter writer, Blob blob, long at, long end, ulong segmentCrc, ulong messageCrc)
    {
        ReadOnlySpan<byte> data = Put(writer, blob, at, end);
        return (data.Length, Crc64Nvme.Append(segmentCrc, data), Crc64Nvme.Append(messageCrc, data));
    }

    private static void PutCrc(PipeWriter writer, ulong crc)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(writer.GetSpan(Crc64Nvme.LengthBytes), crc);
        writer.Advance(Crc64Nvme.LengthBytes);
    }
}
