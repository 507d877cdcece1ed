using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The CRC-64/NVME that Azure Storage calls crc64 (reflected polynomial 0x9A6C9329AC4BC9B5, initial value and final XOR all ones).
/// System.IO.Hashing.Crc64 is the ECMA variant and does not fit. Folds 64 bytes a step by carry-less multiplication where the processor can, else
/// takes 16 bytes a step over sixteen tables.
/// </summary>
internal static class Crc64Nvme
{
    public const int LengthBytes = 8;

    private const ulong Polynomial = 0x9A6C9329AC4BC9B5;
    private const int FoldBytes = 64;

    private static readonly ulong[] s_tables = BuildTables();
    private static readonly Vector128<ulong> s_by128Bits = FoldFactors(128);
    private static readonly Vector128<ulong> s_by512Bits = FoldFactors(512);

    public static ulong Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>The CRC of what <paramref name="crc"/> covers followed by <paramref name="data"/>; 0 is the CRC of nothing.</summary>
    public static ulong Append(ulong crc, ReadOnlySpan<byte> data)
    {
        ulong state = ~crc;
        if (Pclmulqdq.IsSupported && data.Length >= 2 * FoldBytes)
        {
            state = Fold(state, data);
            data = data[(data.Length / FoldBytes * FoldBytes)..];
        }
        return ~Divide(state, data);
    }

    /// <summary>As in <c>x-ms-content-crc64</c>: little-endian, base64.</summary>
    public static string ToBase64(ulong crc)
    {
        Span<byte> bytes = stackalloc byte[LengthBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, crc);
        return Convert.ToBase64String(bytes);
    }

    /// <summary>
    /// Four accumulators of 128 bits, each moved over 512 bits of data a step (Intel, "Fast CRC Computation for Generic Polynomials Using
    /// PCLMULQDQ Instruction"). What is left of them has the remainder of all the data, and 16 bytes are few enough for the tables.
    /// </summary>
    private static ulong Fold(ulong state, ReadOnlySpan<byte> data)
    {
        Vector128<ulong> a = Load(data) ^ Vector128.CreateScalar(state);
        Vector128<ulong> b = Load(data[16..]);
        Vector128<ulong> c = Load(data[32..]);
        Vector128<ulong> d = Load(data[48..]);
        Vector128<ulong> factors = s_by512Bits;
        for (data = data[FoldBytes..]; data.Length >= FoldBytes; data = data[FoldBytes..])
        {
            a = Multiply(a, factors) ^ Load(data);
            b = Multiply(b, factors) ^ Load(data[16..]);
            c = Multiply(c, factors) ^ Load(data[32..]);
            d = Multiply(d, factors) ^ Load(data[48..]);
        }
        b ^= Multiply(a, s_by128Bits);
        c ^= Multiply(b, s_by128Bits);
        d ^= Multiply(c, s_by128Bits);
        Span<byte> remainder = stackalloc byte[16];
        d.AsByte().CopyTo(remainder);
        return Divide(0, remainder);
    }

    private static ulong Divide(ulong state, ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<ulong> table = s_tables;
        while (data.Length >= 16)
        {
            ulong low = state ^ BinaryPrimitives.ReadUInt64LittleEndian(data);
            ulong high = BinaryPrimitives.ReadUInt64LittleEndian(data[8..]);
            state = 0;
            for (int at = 0; at < 8; at++)
                state ^= table[((15 - at) * 256) + (byte)(low >> (8 * at))] ^ table[((7 - at) * 256) + (byte)(high >> (8 * at))];
            data = data[16..];
        }
        foreach (byte value in data)
            state = table[(byte)(state ^ value)] ^ (state >> 8);
        return state;
    }

    private static Vector128<ulong> Load(ReadOnlySpan<byte> data) => Vector128.Create(data).AsUInt64();

    private static Vector128<ulong> Multiply(Vector128<ulong> value, Vector128<ulong> factors) =>
        Pclmulqdq.CarrylessMultiply(value, factors, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, factors, 0x11);

    /// <summary>Factors for the earlier and the later 64 bits of an accumulator; one less in the exponent, because reflected products come out one bit up.</summary>
    private static Vector128<ulong> FoldFactors(int bits) => Vector128.Create(PowerOfX(bits + 63), PowerOfX(bits - 1));

    /// <summary>x to that power, modulo the polynomial, reflected: bit 63 is the coefficient of 1.</summary>
    private static ulong PowerOfX(int exponent)
    {
        ulong power = 1UL << 63;
        for (; exponent > 0; exponent--)
            power = (power & 1) != 0 ? (power >> 1) ^ Polynomial : power >> 1;
        return power;
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
