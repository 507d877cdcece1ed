using Microsoft.Net.Http.Headers;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Put Page (update and clear) of the Azure Storage REST reference, and what azcopy calls before and after it: Put Blob, Set Blob Properties.</summary>
internal sealed class PageWrites(Blobs blobs, RegionStores stores, LiveBlobs liveBlobs, UploadFooters uploadFooters, SasAuthentication authentication)
{
    private const string BlobType = "x-ms-blob-type";
    private const string BlobContentLength = "x-ms-blob-content-length";
    private static readonly string[] s_fixedProperties = [BlobContentLength, "x-ms-blob-content-md5", "x-ms-sequence-number-action", "x-ms-blob-sequence-number"];

    public async Task PutPageAsync(BlobCall call)
    {
        RequireUpdate(call.Request);
        ByteRange range = RangeHeader.OfWrite(call.Request);
        PageBody.CheckLength(call.Request, range.LengthBytes);
        Blob blob = await CheckAsync(call, range);
        using PageBody body = await PageBody.ReadAsync(call, (int)range.LengthBytes);
        await WriteAsync(call, blob, range, body);
    }

    /// <summary>Writes pages that are complete and checked, and acknowledges them.</summary>
    /// <param name="blob">From <see cref="CheckAsync"/>.</param>
    public async Task WriteAsync(BlobCall call, Blob blob, ByteRange range, PageBody body)
    {
        ByteRange onDisk = range.CutAt(blob.DiskBytes);
        BlobVersion version = Change(call, blob, onDisk, body);
        if (range.End > blob.DiskBytes)
            version = await SaveFooterAsync(call, body.Bytes[(int)onDisk.LengthBytes..].ToArray());
        Acknowledge(call, blob, version);
    }

    public async Task ClearPagesAsync(BlobCall call)
    {
        ByteRange range = RangeHeader.OfWrite(call.Request);
        RequireNoBody(call.Request);
        Blob blob = await CheckAsync(call, range);
        Acknowledge(call, blob, await ClearAsync(call, blob, range));
    }

    /// <summary>
    /// The blob is there from the start and keeps its length; a client that creates it first must mean the same length. As in the service the
    /// blob is empty afterwards: azcopy then sends nothing for the parts of its file that are zeros.
    /// </summary>
    public async Task PutBlobAsync(BlobCall call)
    {
        IHeaderDictionary headers = call.Request.Headers;
        string type = headers[BlobType].ToString();
        if (type.Length == 0)
            throw StorageErrors.MissingRequiredHeader(BlobType).AsException();
        if (type != "PageBlob")
            throw StorageErrors.InvalidBlobType.AsException();
        string length = headers[BlobContentLength].ToString();
        if (length.Length == 0)
            throw StorageErrors.MissingRequiredHeader(BlobContentLength).AsException();
        if (headers.IfNoneMatch == "*")
            throw StorageErrors.BlobAlreadyExists.AsException();
        RequireNoBody(call.Request);

        Blob blob = await CheckAsync(call, default);
        if (length != blob.LengthBytes.ToString())
            throw StorageErrors.InvalidHeaderValue(BlobContentLength, length).AsException();
        Acknowledge(call, blob, await ClearAsync(call, blob, new ByteRange(0, blob.LengthBytes)));
    }

    /// <summary>
    /// azcopy's last call of an upload. The content headers of a disk are fixed and stay as they are; what would change the length or the
    /// sequence number, or claim a checksum of the whole, is refused.
    /// </summary>
    public async Task SetPropertiesAsync(BlobCall call)
    {
        IHeaderDictionary headers = call.Request.Headers;
        if (s_fixedProperties.Any(name => headers[name].ToString().Length > 0))
            throw StorageErrors.UnsupportedHttpVerb.AsException();
        RequireNoBody(call.Request);
        Blob blob = await CheckAsync(call, default);
        Acknowledge(call, blob, liveBlobs.Get(blob.Grant.VolumeId).Version, StatusCodes.Status200OK);
    }

    /// <summary>Everything that can be refused before the body is read. What is returned is closed: only its sizes and identity are used.</summary>
    public async Task<Blob> CheckAsync(BlobCall call, ByteRange range)
    {
        using Blob blob = await blobs.OpenAsync(call.Grant, call.Aborted);
        if (range.End > blob.LengthBytes)
            throw StorageErrors.InvalidPageRange.AsException();
        BlobConditions.CheckWrite(call.Request, blob.Identity);
        return blob;
    }

    public static void RequireUpdate(HttpRequest request)
    {
        string kind = request.Headers[BlobOperations.PageWrite].ToString();
        if (kind.Length == 0)
            throw StorageErrors.MissingRequiredHeader(BlobOperations.PageWrite).AsException();
        if (!kind.Equals("update", StringComparison.OrdinalIgnoreCase))
            throw StorageErrors.InvalidHeaderValue(BlobOperations.PageWrite, kind).AsException();
    }

    public static void RequireNoBody(HttpRequest request)
    {
        if (request.ContentLength is not { } bodyBytes)
            throw StorageErrors.MissingContentLength.AsException();
        if (bodyBytes != 0)
            throw StorageErrors.InvalidHeaderValue(HeaderNames.ContentLength, bodyBytes.ToString()).AsException();
    }

    private async Task<BlobVersion> ClearAsync(BlobCall call, Blob blob, ByteRange range)
    {
        BlobVersion version = Change(call, blob, range.CutAt(blob.DiskBytes), null);
        return range.End > blob.DiskBytes ? await SaveFooterAsync(call, []) : version;
    }

    /// <summary>Saved before the version that shows it.</summary>
    private async Task<BlobVersion> SaveFooterAsync(BlobCall call, byte[] footer)
    {
        await uploadFooters.SaveAsync(call.Grant, footer, call.Aborted);
        return liveBlobs.Changed(call.Grant.VolumeId);
    }

    /// <param name="onDisk">The part of the range that is not footer, possibly empty.</param>
    /// <param name="body">Starts with the bytes of that part; null: clear it.</param>
    private BlobVersion Change(BlobCall call, Blob blob, ByteRange onDisk, PageBody? body)
    {
        LiveBlob live = liveBlobs.Get(blob.Grant.VolumeId);
        if (!BlobConditions.AreGiven(call.Request))
            return live.Shared(() => Apply(blob.Grant, onDisk, body));
        return live.Alone(() =>
        {
            BlobConditions.CheckWrite(call.Request, blob.IdentityAt(live.Version));
            return Apply(blob.Grant, onDisk, body);
        });
    }

    private BlobVersion Apply(AccessGrant grant, ByteRange onDisk, PageBody? body)
    {
        // Its body may have been long on the way.
        authentication.RequireNotRevoked(grant);
        SnapshotStore store = stores.Get(grant.Location);
        if (onDisk.LengthBytes > 0 && body is not null)
            store.Write(grant.VolumeId, onDisk.Start, body.Bytes[..(int)onDisk.LengthBytes]);
        else if (onDisk.LengthBytes > 0)
            store.Clear(grant.VolumeId, onDisk.Start, onDisk.LengthBytes);
        return liveBlobs.Changed(grant.VolumeId);
    }

    /// <param name="version">That the write has made: a later one of somebody else's is not for this client to name in a condition.</param>
    private static void Acknowledge(BlobCall call, Blob blob, BlobVersion version, int status = StatusCodes.Status201Created)
    {
        HttpResponse response = call.Response;
        response.StatusCode = status;
        BlobHeaders.SetIdentity(response, blob.IdentityAt(version));
        response.Headers["x-ms-blob-sequence-number"] = SequenceConditions.NumberText;
        response.Headers["x-ms-request-server-encrypted"] = "true";
        response.ContentLength = 0;
    }
}
