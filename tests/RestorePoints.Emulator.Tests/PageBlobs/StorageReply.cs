using System.Net;
using System.Text;
using System.Xml.Linq;
using RestorePoints.SnapshotEngine;
using Shouldly;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>What tests read out of answers.</summary>
internal static class StorageReply
{
    public static string? Header(this HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) || response.Content.Headers.TryGetValues(name, out values) ? string.Join(", ", values) : null;

    /// <summary>Checks status and code of an error with a body, and that body and header agree.</summary>
    public static async Task<XElement> ShouldFailAsync(this HttpResponseMessage response, int status, string code)
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        ((int)response.StatusCode, response.Header("x-ms-error-code")).ShouldBe((status, code), Encoding.UTF8.GetString(body));
        response.Header("Content-Type").ShouldBe("application/xml");
        body[..3].ShouldBe([0xEF, 0xBB, 0xBF]);
        XElement error = XElement.Load(new MemoryStream(body));
        error.Element("Code")!.Value.ShouldBe(code);
        error.Element("Message")!.Value.ShouldContain($"RequestId:{response.Header("x-ms-request-id")}");
        return error;
    }

    public static async Task<byte[]> BytesAsync(this HttpResponseMessage response, HttpStatusCode status)
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        response.StatusCode.ShouldBe(status, Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 500))));
        return body;
    }

    public static async Task<(List<PageRange> Ranges, string? Marker)> PageListAsync(this HttpResponseMessage response)
    {
        string text = Encoding.UTF8.GetString(await response.BytesAsync(HttpStatusCode.OK));
        response.Header("Content-Type").ShouldBe("application/xml");
        XElement list = XElement.Parse(text);
        List<PageRange> ranges = [.. list.Elements().Where(element => element.Name != "NextMarker").Select(ToRange)];
        long end = 0;
        foreach (PageRange range in ranges)
        {
            range.OffsetBytes.ShouldBeGreaterThanOrEqualTo(end);
            (range.OffsetBytes % 512, range.LengthBytes % 512).ShouldBe((0, 0));
            range.LengthBytes.ShouldBeGreaterThan(0);
            end = range.OffsetBytes + range.LengthBytes;
        }
        return (ranges, list.Element("NextMarker")?.Value);
    }

    /// <summary>As ShouldBe, which takes seconds for a mebibyte.</summary>
    public static void ShouldBeBytes(this byte[] actual, byte[] expected, string? what = null)
    {
        actual.Length.ShouldBe(expected.Length, what);
        int same = actual.AsSpan().CommonPrefixLength(expected);
        if (same < expected.Length)
            throw new ShouldAssertException($"{what} byte {same} should be {expected[same]} but was {actual[same]}");
    }

    public static PageRange Data(long offset, long length) => new(offset, length, PageRangeKind.Allocated);

    public static PageRange Cleared(long offset, long length) => new(offset, length, PageRangeKind.Cleared);

    public static byte[] Bytes(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static PageRange ToRange(XElement element)
    {
        long start = (long)element.Element("Start")!;
        return new(start, (long)element.Element("End")! - start + 1, element.Name == "ClearRange" ? PageRangeKind.Cleared : PageRangeKind.Allocated);
    }
}
