using System.Buffers.Binary;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The last 512 bytes of a fixed VHD: what an export appends to the bytes of a disk and what an upload has to end with.
/// Layout and geometry after Microsoft's "Virtual Hard Disk Image Format Specification" 1.0; all numbers big-endian.
/// </summary>
public static class VhdFooter
{
    public const int LengthBytes = 512;

    private const uint FixedDisk = 2;
    private const int ChecksumOffset = 64;

    /// <summary>
    /// The footer is a function of disk and size alone. Two points of a disk then end alike, as in the service, where nobody rewrites
    /// that page between snapshots: a difference shows it only when the disk has grown. The time stamp stays 0 for the same reason.
    /// </summary>
    /// <param name="volumeId">uniqueId of the disk; becomes the unique id of the VHD.</param>
    public static byte[] Build(long sizeBytes, Guid volumeId)
    {
        var footer = new byte[LengthBytes];
        Span<byte> bytes = footer;
        "conectix"u8.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], 2);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], 0x0001_0000);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], ulong.MaxValue);
        // Creator "win ": readers such as qemu then take the exact size instead of the rounded geometry.
        "win "u8.CopyTo(bytes[28..]);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[32..], 0x000A_0000);
        "Wi2k"u8.CopyTo(bytes[36..]);
        BinaryPrimitives.WriteInt64BigEndian(bytes[40..], sizeBytes);
        BinaryPrimitives.WriteInt64BigEndian(bytes[48..], sizeBytes);
        (ushort cylinders, byte heads, byte sectors) = Geometry(sizeBytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[56..], cylinders);
        bytes[58] = heads;
        bytes[59] = sectors;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[60..], FixedDisk);
        volumeId.TryWriteBytes(bytes[68..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[ChecksumOffset..], Checksum(bytes));
        return footer;
    }

    /// <summary>Cylinders, heads and sectors per track; the geometry ends at 127.5 GiB, larger disks show its maximum.</summary>
    public static (ushort Cylinders, byte Heads, byte Sectors) Geometry(long sizeBytes)
    {
        long total = Math.Min(sizeBytes / 512, 65535L * 16 * 255);
        if (total >= 65535L * 16 * 63)
            return ((ushort)(total / 255 / 16), 16, 255);

        long sectors = 17;
        long tracks = total / sectors;
        long heads = Math.Max(4, (tracks + 1023) / 1024);
        if (tracks >= heads * 1024 || heads > 16)
            (sectors, heads, tracks) = (31, 16, total / 31);
        if (tracks >= heads * 1024)
            (sectors, heads, tracks) = (63, 16, total / 63);
        return ((ushort)(tracks / heads), (byte)heads, (byte)sectors);
    }

    /// <summary>
    /// What is wrong with the end of an upload or import, as text of the ARM error <c>InvalidVhd</c>; null: it is the footer of a fixed VHD of this size.
    /// </summary>
    /// <param name="footer">The last 512 bytes; empty when they were never written.</param>
    /// <param name="sizeBytes">Size of the disk, without footer.</param>
    /// <param name="blobUrl">Address of the blob for the message, without its SAS.</param>
    public static string? FindFault(ReadOnlySpan<byte> footer, long sizeBytes, string blobUrl)
    {
        string Fault(string what, string expected) =>
            $"The specified {what} in VHD footer indicates that disk '{NameOf(blobUrl)}' with blob {blobUrl} is not a supported VHD. Disk is expected to have {expected}.";

        if (footer.Length != LengthBytes || !footer.StartsWith("conectix"u8))
            return Fault("cookie value", "cookie value 'conectix'");
        if (BinaryPrimitives.ReadUInt32BigEndian(footer[60..]) != FixedDisk)
            return Fault("disk type", "disk type 'Fixed'");
        if (BinaryPrimitives.ReadInt64BigEndian(footer[48..]) != sizeBytes)
            return Fault("current size", $"current size '{sizeBytes}'");
        uint checksum = Checksum(footer);
        if (BinaryPrimitives.ReadUInt32BigEndian(footer[ChecksumOffset..]) != checksum)
            return Fault("checksum", $"checksum '0x{checksum:X8}'");
        return null;
    }

    /// <summary>Text of <c>InvalidVhd</c> for what is wrong with a source as a whole.</summary>
    /// <param name="fault">Continues "Disk … with blob …", without full stop.</param>
    public static string NotSupported(string blobUrl, string fault) => $"Disk '{NameOf(blobUrl)}' with blob {blobUrl} {fault}.";

    /// <summary>Whether 512 bytes are a valid footer of a VHD that is not fixed: such a one has it at its beginning too.</summary>
    public static bool IsFooterOfSparseDisk(ReadOnlySpan<byte> bytes) => bytes.StartsWith("conectix"u8)
        && BinaryPrimitives.ReadUInt32BigEndian(bytes[60..]) != FixedDisk && BinaryPrimitives.ReadUInt32BigEndian(bytes[ChecksumOffset..]) == Checksum(bytes);

    /// <summary>The service calls a blob by the last segment of its path.</summary>
    private static string NameOf(string blobUrl) => blobUrl[(blobUrl.LastIndexOf('/') + 1)..];

    /// <summary>One's complement of the sum of all bytes but those of the checksum itself.</summary>
    private static uint Checksum(ReadOnlySpan<byte> footer)
    {
        uint sum = 0;
        for (int at = 0; at < footer.Length; at++)
            if (at is < ChecksumOffset or >= ChecksumOffset + 4)
                sum += footer[at];
        return ~sum;
    }
}
