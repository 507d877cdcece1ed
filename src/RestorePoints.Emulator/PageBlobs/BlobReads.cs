using System.IO.Pipelines;
using Microsoft.Net.Http.Headers;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Get Blob and Get Blob Properties of the Azure Storage REST reference.</summary>
internal sealed class BlobReads(Blobs blobs)
{
    private const string WantMd5 = "x-ms-range-get-content-md5";
    private const string WantCrc64 = "x-ms-range-get-content-crc64";

    /// <summary>The longest range that gets a checksum header.</summary>
    private const int ChecksumRangeBytes = 4 << 20;

    public async Task GetPropertiesAsync(BlobCall call)
    {
        using Blob blob = await blobs.OpenAsync(call.Grant, call.Aborted);
        BlobConditions.CheckRead(call.Request, blob.Identity);
        BlobHeaders.SetProperties(call.Response, blob);
        call.Response.ContentLength = blob.LengthBytes;
    }

    public async Task GetAsync(BlobCall call)
    {
        HttpResponse response = call.Response;
        using Blob blob = await blobs.OpenAsync(call.Grant, call.Aborted);
        BlobConditions.CheckRead(call.Request, blob.Identity);
        ByteRange? asked = RangeHeader.OfRead(call.Request, blob.LengthBytes);
        ByteRange range = asked ?? new(0, blob.LengthBytes);
        string? checksum = WantedChecksum(call.Request, asked);
        bool structured = StructuredMessage.IsRequested(call.Request);

        BlobHeaders.SetProperties(response, blob);
        if (asked is not null)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers[HeaderNames.ContentRange] = $"bytes {range.Start}-{range.End - 1}/{blob.LengthBytes}";
        }
        if (structured)
        {
            response.Headers[StructuredMessage.Header] = StructuredMessage.WithCrc64;
            response.Headers[StructuredMessage.ContentLengthHeader] = range.LengthBytes.ToString();
            response.ContentLength = StructuredMessage.FramedBytes(range.LengthBytes);
            await BlobBody.WriteStructuredAsync(response.BodyWriter, blob, range, call.HasWrongChecksum ? 1UL : 0, call.Aborted);
            return;
        }
        response.ContentLength = range.LengthBytes;
        if (checksum is not null)
            await WriteWithChecksumAsync(call, blob, range, checksum);
        else
            await BlobBody.WriteAsync(response.BodyWriter, blob, range, call.Aborted);
    }

    /// <summary>The checksum goes before the bytes, so they are collected first; and they are what was summed even when the disk changes meanwhile.</summary>
    private static async Task WriteWithChecksumAsync(BlobCall call, Blob blob, ByteRange range, string checksum)
    {
        int length = (int)range.LengthBytes;
        PipeWriter writer = call.Response.BodyWriter;
        Memory<byte> data = writer.GetMemory(length)[..length];
        blob.Read(range.Start, data.Span);
        if (checksum == WantMd5)
            call.Response.Headers[HeaderNames.ContentMD5] = ContentMd5.Compute(data.Span);
        else
            call.Response.Headers[PageBody.Crc64Header] = Crc64Nvme.ToBase64(Crc64Nvme.Compute(data.Span));
        writer.Advance(length);
        await writer.FlushAsync(call.Aborted);
    }

    /// <summary>Name of the one header that asks for a checksum of the range; null: none does.</summary>
    private static string? WantedChecksum(HttpRequest request, ByteRange? range)
    {
        bool md5 = IsTrue(request, WantMd5);
        bool crc64 = IsTrue(request, WantCrc64);
        if (md5 && crc64)
            throw StorageErrors.BothCrc64AndMd5Range.AsException();
        if (!md5 && !crc64)
            return null;
        string header = md5 ? WantMd5 : WantCrc64;
        return range is { LengthBytes: <= ChecksumRangeBytes } ? header : throw StorageErrors.InvalidHeaderValue(header, "true").AsException();
    }

    private static bool IsTrue(HttpRequest request, string name)
    {
        string value = request.Headers[name].ToString();
        if (value.Length == 0)
            return false;
        return bool.TryParse(value, out bool wanted) ? wanted : throw StorageErrors.InvalidHeaderValue(name, value).AsException();
    }
}
