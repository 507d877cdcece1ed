using System.Buffers.Binary;
using System.Security.Cryptography;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// A disk or point as a grant shows it: the bytes of the engine's view and, except for guests, the 512 bytes of a VHD footer behind them.
/// <code>
///   0 … DiskBytes-1        bytes of the view
///   DiskBytes … +511       Footer: ours (Read), the client's or zeros (Upload); not there for Guest
/// </code>
/// </summary>
internal sealed class Blob : IDisposable
{
    private readonly VolumeView _view;
    private byte[]? _footer;

    /// <param name="clientFooter">Of an upload: 512 bytes, or empty when they were not written.</param>
    public Blob(AccessGrant grant, VolumeView view, byte[]? clientFooter, BlobVersion version)
    {
        Grant = grant;
        _view = view;
        _footer = grant.Kind == AccessKind.Guest ? [] : clientFooter;
        DiskBytes = view.SizeBytes;
        LengthBytes = grant.Kind == AccessKind.Guest ? DiskBytes : DiskBytes + VhdFooter.LengthBytes;
        Identity = IdentityAt(version);
    }

    public AccessGrant Grant { get; }

    /// <summary>Bytes of the disk, without footer. Fixed when the blob is opened, also when the disk grows meanwhile.</summary>
    public long DiskBytes { get; }

    public long LengthBytes { get; }

    /// <summary>512 bytes, or empty: not there, or not written.</summary>
    public ReadOnlySpan<byte> Footer => _footer ??= VhdFooter.Build(DiskBytes, Grant.VolumeId);

    public BlobIdentity Identity { get; }

    /// <summary>What this blob shows at another of its versions.</summary>
    public BlobIdentity IdentityAt(BlobVersion version) => new(MakeETag(Grant, version.Number, LengthBytes), version.LastModified);

    public void Read(long offsetBytes, Span<byte> destination)
    {
        int fromDisk = (int)Math.Clamp(DiskBytes - offsetBytes, 0, destination.Length);
        if (fromDisk > 0)
            _view.Read(offsetBytes, destination[..fromDisk]);
        if (fromDisk == destination.Length)
            return;

        Span<byte> rest = destination[fromDisk..];
        if (Footer.IsEmpty)
            rest.Clear();
        else
            Footer.Slice((int)(offsetBytes + fromDisk - DiskBytes), rest.Length).CopyTo(rest);
    }

    /// <summary>Allocated ranges, ascending; the footer is one of them, because clients write zeros where no range is.</summary>
    public IEnumerable<PageRange> GetPageRanges(ByteRange range)
    {
        ByteRange onDisk = range.CutAt(DiskBytes);
        if (onDisk.LengthBytes > 0)
            foreach (PageRange pages in _view.GetPageRanges(onDisk.Start, onDisk.LengthBytes))
                yield return pages;
        if (range.End > DiskBytes && !Footer.IsEmpty)
            yield return new(DiskBytes, VhdFooter.LengthBytes, PageRangeKind.Allocated);
    }

    /// <summary>Changes of the disk's own bytes since a point of the same volume.</summary>
    public IEnumerable<PageRange> GetDiskChangesSince(Guid olderPointId, ByteRange range)
    {
        ByteRange onDisk = range.CutAt(DiskBytes);
        return onDisk.LengthBytes > 0 ? _view.GetChangesSince(olderPointId, onDisk.Start, onDisk.LengthBytes) : [];
    }

    public void Dispose() => _view.Dispose();

    /// <summary>Of a point: from its identity, so it stays the same over requests, grants and restarts. Of a live disk: from its version.</summary>
    private static string MakeETag(AccessGrant grant, long version, long lengthBytes)
    {
        Span<byte> identity = stackalloc byte[48];
        grant.VolumeId.TryWriteBytes(identity);
        grant.PointId.GetValueOrDefault().TryWriteBytes(identity[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(identity[32..], version);
        BinaryPrimitives.WriteInt64LittleEndian(identity[40..], lengthBytes);
        return $"\"0x8D{Convert.ToHexString(SHA256.HashData(identity), 0, 6)}\"";
    }
}

/// <param name="ETag">Quoted.</param>
internal readonly record struct BlobIdentity(string ETag, DateTimeOffset LastModified);
