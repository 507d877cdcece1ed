using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;

namespace RestorePoints.Emulator.Tests.StateArchives;

/// <summary>Takes an archive apart and puts another one together, by the format as docs/state-archives.md has it.</summary>
internal static class ArchiveFile
{
    public const string Manifest = "manifest.json";
    public const string Checksums = "checksums.json";

    /// <summary>Without the gzip.</summary>
    public static byte[] Inflate(byte[] archive)
    {
        using var gzip = new GZipStream(new MemoryStream(archive), CompressionMode.Decompress);
        var tar = new MemoryStream();
        gzip.CopyTo(tar);
        return tar.ToArray();
    }

    public static byte[] Deflate(byte[] tar)
    {
        var archive = new MemoryStream();
        using (var gzip = new GZipStream(archive, CompressionLevel.Fastest))
            gzip.Write(tar);
        return archive.ToArray();
    }

    /// <summary>The members in their order, without the checksums.</summary>
    public static List<(string Name, byte[] Content)> Unpack(byte[] archive)
    {
        List<(string, byte[])> members = [];
        using var tar = new TarReader(new MemoryStream(Inflate(archive)));
        while (tar.GetNextEntry() is { } entry)
        {
            var content = new MemoryStream();
            entry.DataStream?.CopyTo(content);
            if (entry.Name != Checksums)
                members.Add((entry.Name, content.ToArray()));
        }
        return members;
    }

    /// <summary>With checksums that fit, unless the members have some.</summary>
    public static byte[] Pack(IReadOnlyList<(string Name, byte[] Content)> members, TarEntryType type = TarEntryType.RegularFile)
    {
        var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in members)
                Add(name, content, type);
            if (members.Count == 0 || members[^1].Name != Checksums)
                Add(Checksums, JsonSerializer.SerializeToUtf8Bytes(members.Select(member => new { name = member.Name, bytes = member.Content.Length, sha256 = Convert.ToHexStringLower(SHA256.HashData(member.Content)) })), TarEntryType.RegularFile);

            void Add(string name, byte[] content, TarEntryType entryType)
            {
                var entry = new PaxTarEntry(entryType, name);
                if (entryType == TarEntryType.RegularFile)
                    entry.DataStream = new MemoryStream(content);
                else
                    entry.LinkName = "/etc/hostname";
                tar.WriteEntry(entry);
            }
        }
        return Deflate(archive.ToArray());
    }

    /// <summary>The archive with one member changed.</summary>
    public static byte[] With(byte[] archive, string name, Func<byte[], byte[]> change) =>
        Pack([.. Unpack(archive).Select(member => member.Name == name ? (member.Name, change(member.Content)) : member)]);
}
