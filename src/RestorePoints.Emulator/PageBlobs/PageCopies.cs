using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// Put Page From URL of the Azure Storage REST reference, for sources that this emulator serves. A source is read through its own SAS and in this
/// process: no request ever leaves the emulator.
/// </summary>
internal sealed class PageCopies(Blobs blobs, PageWrites writes, SasAuthentication authentication)
{
    private const string FirstVersion = "2018-11-09";
    private const string SourceAuthorization = "x-ms-copy-source-authorization";

    public async Task PutPageFromUrlAsync(BlobCall call)
    {
        if (!call.Version.IsAtLeast(FirstVersion))
            throw StorageErrors.FeatureVersionMismatch.AsException();
        PageWrites.RequireUpdate(call.Request);
        PageWrites.RequireNoBody(call.Request);
        ByteRange range = RangeHeader.OfWrite(call.Request);
        if (range.LengthBytes > PageBody.MaxBytes)
            throw StorageErrors.RequestBodyTooLarge(PageBody.MaxBytes).AsException();
        ByteRange sourceRange = RangeHeader.OfSource(call.Request, range.LengthBytes);
        Blob blob = await writes.CheckAsync(call, range);
        using PageBody body = await ReadSourceAsync(call, sourceRange);
        await writes.WriteAsync(call, blob, range, body);
    }

    /// <summary>All bytes are read from one view before the first is written: the source may be the blob that is written to.</summary>
    private async Task<PageBody> ReadSourceAsync(BlobCall call, ByteRange range)
    {
        using Blob source = await OpenSourceAsync(call);
        BlobConditions.CheckSource(call.Request, source.Identity);
        if (range.End > source.LengthBytes)
            throw StorageErrors.InvalidRange(source.LengthBytes).AsException();
        return PageBody.Copy(call, source, range);
    }

    private async Task<Blob> OpenSourceAsync(BlobCall call)
    {
        var url = HeaderUrl.Of(call, BlobOperations.CopySource);
        if (!url.IsHere)
            throw StorageErrors.CopySourceElsewhere.AsException();
        try
        {
            if (url.Address is not { } address || !SasAuthentication.IsPresent(url.Query))
                throw StorageErrors.ResourceNotFound.AsException();
            AccessGrant grant = await authentication.AuthenticateAsync(call.Request, address, url.Query, SourceAuthorization);
            if (url.Query.Single("snapshot") is not null && grant.SnapshotTime is null)
                throw StorageErrors.BlobNotFound.AsException();
            return await blobs.OpenAsync(grant, call.Aborted);
        }
        catch (StorageException cause)
        {
            throw StorageErrors.CannotVerifyCopySource(cause.Error).AsException();
        }
    }
}
