namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// Account, container and blob of a URL. Path style <c>/md-account/container/blob</c> is what is handed out, because every client parses
/// it on an IP address; host style <c>md-account.…/container/blob</c> is understood as well.
/// </summary>
internal readonly record struct BlobAddress(string Account, string Container, string Blob)
{
    private const string AccountPrefix = "md-";

    public static bool IsPageBlobRequest(HttpRequest request) =>
        IsPathStyle(request.Path.Value) || IsHostStyle(request.Host.Host);

    /// <param name="path">Decoded, with its leading slash.</param>
    public static BlobAddress? Find(string host, string path)
    {
        if (!IsPathStyle(path))
        {
            if (!IsHostStyle(host))
                return null;
            int dot = host.IndexOf('.');
            path = $"/{(dot < 0 ? host : host[..dot]).ToLowerInvariant()}{path}";
        }
        string[] parts = path.Split('/', 4);
        return parts is ["", var account, { Length: > 0 } container, { Length: > 0 } blob] ? new(account, container, blob) : null;
    }

    public static bool IsHostStyle(string host) => host.StartsWith(AccountPrefix, StringComparison.OrdinalIgnoreCase);

    private static bool IsPathStyle(string? path) => path is not null && path.StartsWith("/" + AccountPrefix, StringComparison.Ordinal);
}
