using System.Buffers.Binary;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The CRC-64/NVME that Azure Storage calls crc64 (reflected polynomial 0x9A6C9329AC4BC9B5, initial value and final XOR all ones).
/// System.IO.Hashing.Crc64 is the ECMA variant and does not fit. Sixteen bytes a step over sixteen tables.
/// </summary>
internal static class Crc64Nvme
{
    public const int LengthBytes = 8;

    private const ulong Polynomial = 0x9A6C9329AC4BC9B5;
    private static readonly ulong[] s_tables = BuildTables();

    public static ulong Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>The CRC of what <paramref name="crc"/> covers followed by <paramref name="data"/>; 0 is the CRC of nothing.</summary>
    public static ulong Append(ulong crc, ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<ulong> table = s_tables;
        ulong state = ~crc;
        while (data.Length >= 16)
        {
            ulong low = state ^ BinaryPrimitives.ReadUInt64LittleEndian(data);
            ulong high = BinaryPrimitives.ReadUInt64LittleEndian(data[8..]);
            state = table[(15 * 256) + (int)(byte)low] ^ table[(14 * 256) + (int)(byte)(low >> 8)]
                ^ table[(13 * 256) + (int)(byte)(low >> 16)] ^ table[(12 * 256) + (int)(byte)(low >> 24)]
                ^ table[(11 * 256) + (int)(byte)(low >> 32)] ^ table[(10 * 256) + (int)(byte)(low >> 40)]
                ^ table[(9 * 256) + (int)(byte)(low >> 48)] ^ table[(8 * 256) + (int)(low >> 56)]
                ^ table[(7 * 256) + (int)(byte)high] ^ table[(6 * 256) + (int)(byte)(high >> 8)]
                ^ table[(5 * 256) + (int)(byte)(high >> 16)] ^ table[(4 * 256) + (int)(byte)(high >> 24)]
                ^ table[(3 * 256) + (int)(byte)(high >> 32)] ^ table[(2 * 256) + (int)(byte)(high >> 40)]
                ^ table[256 + (int)(byte)(high >> 48)] ^ table[(int)(high >> 56)];
            data = data[16..];
        }
        foreach (byte value in data)
            state = table[(byte)(state ^ value)] ^ (state >> 8);
        return ~state;
    }

    /// <summary>As in <c>x-ms-content-crc64</c>: little-endian, base64.</summary>
    public static string ToBase64(ulong crc)
    {
        Span<byte> bytes = stackalloc byte[LengthBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, crc);
        return Convert.ToBase64String(bytes);
    }

    private static ulong[] BuildTables()
    {
        var tables = new ulong[16 * 256];
        for (int value = 0; value < 256; value++)
        {
            ulong crc = (ulong)value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ Polynomial : crc >> 1;
            tables[value] = crc;
        }
        for (int at = 256; at < tables.Length; at++)
            tables[at] = tables[(byte)tables[at - 256]] ^ (tables[at - 256] >> 8);
        return tables;
    }
}
