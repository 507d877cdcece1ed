using Microsoft.AspNetCore.Connections.Features;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The URL of a request, decoded. A client repeats one URL with other headers again and again, and the server hands out the same strings as long
/// as a connection does: so the connection keeps the last one. Not that of HTTP/2, whose requests come side by side.
/// </summary>
internal sealed class RequestedUrl
{
    private static readonly object s_key = new();

    private readonly string? _host;
    private readonly string? _path;
    private readonly string? _query;

    private RequestedUrl(HttpRequest request)
    {
        (_host, _path, _query) = (request.Host.Value, request.Path.Value, request.QueryString.Value);
        Query = new BlobQuery(_query);
        Address = BlobAddress.Find(request.Host.Host, _path ?? "");
    }

    public BlobQuery Query { get; }

    /// <summary>null: the path names no blob.</summary>
    public BlobAddress? Address { get; }

    public static RequestedUrl Of(HttpContext context)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol) || context.Features.Get<IConnectionItemsFeature>()?.Items is not { } items)
            return new RequestedUrl(context.Request);
        if (items.TryGetValue(s_key, out object? kept) && kept is RequestedUrl last && last.IsThatOf(context.Request))
            return last;
        var url = new RequestedUrl(context.Request);
        items[s_key] = url;
        return url;
    }

    private bool IsThatOf(HttpRequest request) =>
        request.Path.Value == _path && request.QueryString.Value == _query && request.Host.Value == _host;
}
