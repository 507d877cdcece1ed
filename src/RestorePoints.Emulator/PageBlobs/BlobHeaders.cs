using Microsoft.Net.Http.Headers;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Headers that the answers of the data plane share.</summary>
internal static class BlobHeaders
{
    public const string ClientRequestId = "x-ms-client-request-id";
    private const int LongestClientRequestId = 1024;

    /// <summary>On every answer, errors included. A client request id is echoed as it came or not at all: .NET fails every call that gets another.</summary>
    public static void SetCommon(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers[HeaderNames.Server] = "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0";
        headers["x-ms-request-id"] = Guid.NewGuid().ToString();
        string clientId = context.Request.Headers[ClientRequestId].ToString();
        if (clientId.Length is > 0 and <= LongestClientRequestId && !clientId.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            headers[ClientRequestId] = clientId;
    }

    public static void SetIdentity(HttpResponse response, BlobIdentity identity)
    {
        response.Headers[HeaderNames.ETag] = identity.ETag;
        response.Headers[HeaderNames.LastModified] = identity.LastModified.ToString("R");
    }

    /// <summary>Of Get Blob and Get Blob Properties.</summary>
    public static void SetProperties(HttpResponse response, Blob blob)
    {
        SetIdentity(response, blob.Identity);
        IHeaderDictionary headers = response.Headers;
        headers[HeaderNames.AcceptRanges] = "bytes";
        headers[HeaderNames.ContentType] = "application/octet-stream";
        headers["x-ms-blob-type"] = "PageBlob";
        headers["x-ms-blob-sequence-number"] = SequenceConditions.NumberText;
        headers["x-ms-lease-status"] = "unlocked";
        headers["x-ms-lease-state"] = "available";
        headers["x-ms-server-encrypted"] = "true";
        headers["x-ms-creation-time"] = (blob.Grant.PointTime ?? blob.Grant.CreatedOn).ToString("R");
    }
}
