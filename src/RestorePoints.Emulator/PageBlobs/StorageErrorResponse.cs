using System.Security;
using System.Text;
using System.Xml;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Turns a <see cref="StorageError"/> into the answer; the one place that writes an error body of the data plane.</summary>
internal static class StorageErrorResponse
{
    /// <param name="version">For the header x-ms-version.</param>
    public static async Task WriteAsync(HttpContext context, StorageError error, string version, DateTimeOffset now)
    {
        HttpResponse response = context.Response;
        response.Clear();
        BlobHeaders.SetCommon(context);
        response.Headers[ServiceVersion.Header] = version;
        response.StatusCode = error.Status;
        response.Headers["x-ms-error-code"] = error.Code;
        foreach ((string name, string value) in error.Headers)
            response.Headers[name] = value;

        // A HEAD must not announce a body either: .NET clients would try to parse it and fail with an XmlException.
        if (HttpMethods.IsHead(context.Request.Method) || error.Status == StatusCodes.Status304NotModified)
            return;

        byte[] body = Render(error, response.Headers["x-ms-request-id"].ToString(), now);
        response.ContentType = "application/xml";
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, CancellationToken.None);
    }

    /// <summary>UTF-8 with a byte order mark, as the service sends it.</summary>
    private static byte[] Render(StorageError error, string requestId, DateTimeOffset now)
    {
        var xml = new StringBuilder(512)
            .Append('\uFEFF')
            .Append("""<?xml version="1.0" encoding="utf-8"?><Error><Code>""").Append(error.Code)
            .Append("</Code><Message>").Append(Escape(error.Message))
            .Append("\nRequestId:").Append(requestId)
            .Append("\nTime:").Append(SharedAccessSignature.FormatSnapshotTime(now))
            .Append("</Message>");
        foreach ((string element, string value) in error.Extra)
            xml.Append('<').Append(element).Append('>').Append(Escape(value)).Append("</").Append(element).Append('>');
        return Encoding.UTF8.GetBytes(xml.Append("</Error>").ToString());
    }

    /// <summary>Values come from requests: characters that XML cannot carry are left out.</summary>
    private static string? Escape(string text) => SecurityElement.Escape(string.Concat(text.Where(c => XmlConvert.IsXmlChar(c))));
}
