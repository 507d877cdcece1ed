namespace RestorePoints.Emulator.PageBlobs;

/// <summary>What a request asks of a page blob; the names are those of the journal and of fault rules.</summary>
public enum BlobOperation
{
    GetBlob,
    GetBlobProperties,
    GetPageRanges,
    GetPageRangesDiff,
    PutPage,
    ClearPages,

    /// <summary>Put Page with the bytes of another blob of this emulator.</summary>
    PutPageFromUrl,

    /// <summary>Put Blob with the length that the blob has: clients that create before they upload.</summary>
    PutBlob,

    /// <summary>Set Blob Properties with content headers: clients that do so after they uploaded.</summary>
    SetBlobProperties,

    /// <summary>A CORS preflight.</summary>
    Preflight,

    /// <summary>Nothing that a managed disk offers.</summary>
    Unsupported,
}

public static class BlobOperations
{
    internal const string PageWrite = "x-ms-page-write";
    internal const string CopySource = "x-ms-copy-source";

    /// <summary>Also for what looks at a request before it is served.</summary>
    public static BlobOperation Identify(HttpRequest request) => Identify(request, new BlobQuery(request.QueryString.Value));

    internal static BlobOperation Identify(HttpRequest request, BlobQuery query)
    {
        bool copies = request.Headers[CopySource].ToString().Length > 0;
        return (request.Method, query["comp"], query["restype"]) switch
        {
            ("OPTIONS", _, _) => BlobOperation.Preflight,
            ("GET", null, null) => BlobOperation.GetBlob,
            ("HEAD", null, null) => BlobOperation.GetBlobProperties,
            ("GET", "pagelist", null) => IsDiff(request, query) ? BlobOperation.GetPageRangesDiff : BlobOperation.GetPageRanges,
            ("PUT", "page", null) when copies => BlobOperation.PutPageFromUrl,
            ("PUT", "page", null) => IsClear(request) ? BlobOperation.ClearPages : BlobOperation.PutPage,
            ("PUT", null, null) when !copies => BlobOperation.PutBlob,
            ("PUT", "properties", null) => BlobOperation.SetBlobProperties,
            _ => BlobOperation.Unsupported,
        };
    }

    private static bool IsDiff(HttpRequest request, BlobQuery query) =>
        query["prevsnapshot"] is not null || request.Headers[PreviousSnapshot.UrlHeader].ToString().Length > 0;

    private static bool IsClear(HttpRequest request) => request.Headers[PageWrite].ToString().Equals("clear", StringComparison.OrdinalIgnoreCase);
}
