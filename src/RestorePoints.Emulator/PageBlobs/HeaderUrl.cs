using RestorePoints.Emulator.Hosting;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>The URL of a blob that a header names beside the one that is called: the previous point of a difference, the source of a copy.</summary>
/// <param name="Address">null: does not name a blob.</param>
/// <param name="IsHere">Whether it leads to this emulator, under whichever of its names: the two URLs may have been handed out to different clients.</param>
internal sealed record HeaderUrl(BlobAddress? Address, BlobQuery Query, bool IsHere)
{
    /// <exception cref="StorageException">InvalidHeaderValue, without the signature: not an absolute URL of http or https.</exception>
    public static HeaderUrl Of(BlobCall call, string header)
    {
        string text = call.Request.Headers[header].ToString();
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https"))
            throw StorageErrors.InvalidHeaderValue(header, SecretRedaction.Redact(text)).AsException();
        bool isHere = url.IsLoopback || BlobAddress.IsHostStyle(url.Host)
            || url.Host.Equals(call.Request.Host.Host, StringComparison.OrdinalIgnoreCase)
            || (Uri.TryCreate(call.Grant.BaseUrl, UriKind.Absolute, out Uri? own) && url.Host.Equals(own.Host, StringComparison.OrdinalIgnoreCase));
        return new(BlobAddress.Find(url.Host, Uri.UnescapeDataString(url.AbsolutePath)), new BlobQuery(url.Query), isHere);
    }
}
