using System.Buffers.Binary;

namespace RestorePoints.SnapshotEngine;

/// <summary>
/// The first 32 bytes of every file: what it is, in which format version, for which geometry.
/// The version covers all files; it changes when any of them changes.
/// </summary>
internal static class FileHeader
{
    public const int LengthBytes = 32;
    public const uint FormatVersion = 1;

    public static ReadOnlySpan<byte> Segment => "RPSEGMNT"u8;

    public static ReadOnlySpan<byte> Journal => "RPJOURNL"u8;

    public static ReadOnlySpan<byte> Checkpoint => "RPCHECKP"u8;

    public static void Write(Span<byte> header, ReadOnlySpan<byte> magic, Geometry geometry)
    {
        header[..LengthBytes].Clear();
        magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], FormatVersion);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], Geometry.PageBytes);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], geometry.SlotsPerSegment);
        BinaryPrimitives.WriteInt32LittleEndian(header[20..], geometry.PagesPerRegion);
    }

    public static void Check(ReadOnlySpan<byte> header, ReadOnlySpan<byte> magic, Geometry geometry, string file)
    {
        if (header.Length < LengthBytes || !header[..8].SequenceEqual(magic))
            throw new StoreFormatException(file, "is not a file of this kind; the magic number does not match.");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        if (version != FormatVersion)
            throw new StoreFormatException(file, $"has format version {version}; this program reads version {FormatVersion}.");
        int pageBytes = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        int slots = BinaryPrimitives.ReadInt32LittleEndian(header[16..]);
        int pages = BinaryPrimitives.ReadInt32LittleEndian(header[20..]);
        if (pageBytes != Geometry.PageBytes || slots != geometry.SlotsPerSegment || pages != geometry.PagesPerRegion)
            throw new StoreFormatException(file, $"was written with {slots} slots of {pageBytes} bytes per segment and {pages} pages per region; expected {geometry.SlotsPerSegment}, {Geometry.PageBytes} and {geometry.PagesPerRegion}.");
    }
}
