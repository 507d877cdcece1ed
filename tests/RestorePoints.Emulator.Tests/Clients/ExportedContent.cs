using System.Buffers.Binary;
using System.Security.Cryptography;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>What a disk must contain, in sectors of 512 bytes; a sector that was never written, or was cleared, takes no space here either.</summary>
internal sealed class ExportedContent
{
    public const int SectorBytes = 512;
    private readonly SortedDictionary<long, byte[]> _sectors = [];

    /// <param name="offset">A multiple of 512, as is the length of the data.</param>
    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        for (int at = 0; at < data.Length; at += SectorBytes)
            _sectors[offset + at] = data.Slice(at, SectorBytes).ToArray();
    }

    public void Clear(long offset, long length)
    {
        foreach (long sector in _sectors.Keys.Where(key => key >= offset && key < offset + length).ToList())
            _sectors.Remove(sector);
    }

    /// <summary>SHA-256 of every sector that is not zero, each behind its offset in 8 bytes, little endian; the programs in JavaScript and Python compute the same.</summary>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> offset = stackalloc byte[8];
        foreach ((long at, byte[] data) in _sectors)
        {
            if (!data.AsSpan().ContainsAnyExcept((byte)0))
                continue;
            BinaryPrimitives.WriteInt64LittleEndian(offset, at);
            hash.AppendData(offset);
            hash.AppendData(data);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The first bytes of the disk.</summary>
    public byte[] ToArray(int length)
    {
        byte[] bytes = new byte[length];
        foreach ((long at, byte[] data) in _sectors)
            data.CopyTo(bytes, (int)at);
        return bytes;
    }
}
