using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>An authenticated request of the data plane.</summary>
internal sealed record BlobCall(HttpContext Http, BlobOperation Operation, BlobAddress Address, BlobQuery Query, ServiceVersion Version, AccessGrant Grant)
{
    /// <summary>A fault spoils the checksums of the answer.</summary>
    public bool HasWrongChecksum { get; init; }

    public HttpRequest Request => Http.Request;

    public HttpResponse Response => Http.Response;

    public CancellationToken Aborted => Http.RequestAborted;
}
