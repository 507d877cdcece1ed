using System.Buffers.Binary;

namespace RestorePoints.Emulator.Tests;

/// <summary>The 512 bytes behind a fixed VHD, made without the server's code.</summary>
internal static class UploadedVhd
{
    public static byte[] CreateFooter(long diskBytes)
    {
        byte[] footer = new byte[512];
        "conectix"u8.CopyTo(footer);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(8), 2);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(12), 0x00010000);
        BinaryPrimitives.WriteUInt64BigEndian(footer.AsSpan(16), ulong.MaxValue);
        "win "u8.CopyTo(footer.AsSpan(28));
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(32), 0x000a0000);
        "Wi2k"u8.CopyTo(footer.AsSpan(36));
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(40), diskBytes);
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(48), diskBytes);
        BinaryPrimitives.WriteUInt16BigEndian(footer.AsSpan(56), (ushort)(diskBytes / 512 / (4 * 17)));
        footer[58] = 4;
        footer[59] = 17;
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(60), 2);
        Guid.NewGuid().TryWriteBytes(footer.AsSpan(68));
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(64), Checksum(footer));
        return footer;
    }

    /// <summary>A fixed VHD file of the given content.</summary>
    public static async Task WriteAsync(string path, byte[] content)
    {
        await using FileStream file = File.Create(path);
        await file.WriteAsync(content);
        await file.WriteAsync(CreateFooter(content.Length));
    }

    /// <summary>One's complement of the sum of all bytes, the checksum's own left out.</summary>
    public static uint Checksum(ReadOnlySpan<byte> footer)
    {
        uint sum = 0;
        for (int i = 0; i < footer.Length; i++)
            sum += i is >= 64 and < 68 ? 0u : footer[i];
        return ~sum;
    }
}
