using System.Buffers.Binary;
using RestorePoints.Emulator.PageBlobs;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>Makes structured messages as clients do.</summary>
internal static class StructuredMessages
{
    public static byte[] Encode(ReadOnlySpan<byte> data, int segmentBytes)
    {
        int segments = (data.Length + segmentBytes - 1) / segmentBytes;
        var message = new byte[13 + data.Length + (segments * 18) + 8];
        message[0] = 1;
        BinaryPrimitives.WriteInt64LittleEndian(message.AsSpan(1), message.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(9), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(11), (ushort)segments);
        int at = 13;
        for (int number = 0; number < segments; number++)
        {
            ReadOnlySpan<byte> segment = data[(number * segmentBytes)..Math.Min(data.Length, (number + 1) * segmentBytes)];
            BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(at), (ushort)(number + 1));
            BinaryPrimitives.WriteInt64LittleEndian(message.AsSpan(at + 2), segment.Length);
            segment.CopyTo(message.AsSpan(at + 10));
            BinaryPrimitives.WriteUInt64LittleEndian(message.AsSpan(at + 10 + segment.Length), Crc64Nvme.Compute(segment));
            at += segment.Length + 18;
        }
        BinaryPrimitives.WriteUInt64LittleEndian(message.AsSpan(at), Crc64Nvme.Compute(data));
        return message;
    }
}
