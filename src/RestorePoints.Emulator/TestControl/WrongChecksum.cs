using Microsoft.Net.Http.Headers;
using RestorePoints.Emulator.PageBlobs;

namespace RestorePoints.Emulator.TestControl;

/// <summary>Spoils the checksum header of an answer of the data plane; where it has none, it gets a Content-MD5. The bytes stay right.</summary>
public static class WrongChecksum
{
    /// <summary>Before the request is served.</summary>
    public static void Apply(HttpContext context) => context.Response.OnStarting(() =>
    {
        IHeaderDictionary headers = context.Response.Headers;
        if (context.Response.StatusCode >= StatusCodes.Status400BadRequest || headers.ContainsKey(StructuredMessage.Header))
            return Task.CompletedTask;
        string name = headers.ContainsKey(PageBody.Crc64Header) ? PageBody.Crc64Header : HeaderNames.ContentMD5;
        string right = headers[name].ToString();
        byte[] checksum = right.Length > 0 ? Convert.FromBase64String(right) : new byte[ContentMd5.LengthBytes];
        checksum[0] ^= 1;
        headers[name] = Convert.ToBase64String(checksum);
        return Task.CompletedTask;
    });
}
