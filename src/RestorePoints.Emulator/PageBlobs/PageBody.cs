using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Net.Http.Headers;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// What Put Page writes, from the request's body or from another blob: complete and checked before any byte of it becomes visible. One pooled
/// buffer of at most 4 MiB and what framing there can be.
/// </summary>
internal sealed class PageBody : IDisposable
{
    public const string Crc64Header = "x-ms-content-crc64";

    /// <summary>Limit of Put Page, on the bytes without framing.</summary>
    public const int MaxBytes = 4 << 20;

    /// <summary>From this version on the answer has Content-MD5 only when the request had it, else the CRC-64.</summary>
    private const string FirstVersionWithCrc64 = "2019-02-02";

    private const string SourceMd5Header = "x-ms-source-content-md5";
    private const string SourceCrc64Header = "x-ms-source-content-crc64";

    /// <summary>What must have come, of a longer body, before it gets its buffer: clients that announce much and send nothing hold no memory.</summary>
    private const int FirstBytes = 64 * 1024;

    private readonly byte[] _buffer;
    private readonly int _length;

    private PageBody(byte[] buffer, int length)
    {
        _buffer = buffer;
        _length = length;
    }

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <summary>Refuses by the headers what need not be read.</summary>
    /// <param name="rangeBytes">Length of the pages named.</param>
    public static void CheckLength(HttpRequest request, long rangeBytes)
    {
        if (request.ContentLength is not { } wireBytes)
            throw StorageErrors.MissingContentLength.AsException();
        string lengthHeader = HeaderNames.ContentLength;
        long contentBytes = wireBytes;
        if (StructuredMessage.IsRequested(request))
        {
            lengthHeader = StructuredMessage.ContentLengthHeader;
            string text = request.Headers[lengthHeader].ToString();
            if (text.Length == 0)
                throw StorageErrors.MissingRequiredHeader(lengthHeader).AsException();
            if (!long.TryParse(text, out contentBytes) || contentBytes < 0)
                throw StorageErrors.InvalidHeaderValue(lengthHeader, text).AsException();
            if (wireBytes > StructuredMessage.MostFramedBytes(Math.Min(contentBytes, MaxBytes)))
                throw StorageErrors.RequestBodyTooLarge(MaxBytes).AsException();
        }
        if (contentBytes > MaxBytes)
            throw StorageErrors.RequestBodyTooLarge(MaxBytes).AsException();
        if (contentBytes != rangeBytes)
            throw StorageErrors.InvalidHeaderValue(lengthHeader, contentBytes.ToString()).AsException();
    }

    /// <summary>Reads the body, checks every checksum that came with it and sets the headers that acknowledge them.</summary>
    /// <param name="rangeBytes">As checked by <see cref="CheckLength"/>.</param>
    public static async Task<PageBody> ReadAsync(BlobCall call, int rangeBytes)
    {
        HttpRequest request = call.Request;
        (byte[]? md5, byte[]? crc64) = Checksums(request, HeaderNames.ContentMD5, Crc64Header);

        int wireBytes = (int)request.ContentLength!.Value;
        ReadResult first = await request.BodyReader.ReadAtLeastAsync(Math.Min(wireBytes, FirstBytes), call.Aborted);
        request.BodyReader.AdvanceTo(first.Buffer.Start);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(wireBytes);
        try
        {
            if (await request.Body.ReadAtLeastAsync(buffer.AsMemory(0, wireBytes), wireBytes, throwOnEndOfStream: false, call.Aborted) < wireBytes)
                throw StorageErrors.UnreadableRequest(StatusCodes.Status400BadRequest).AsException();
            bool structured = StructuredMessage.IsRequested(request);
            int length = structured ? StructuredMessage.Decode(buffer.AsSpan(0, wireBytes)) : wireBytes;
            if (length != rangeBytes)
                throw StorageErrors.InvalidHeaderValue(StructuredMessage.ContentLengthHeader, rangeBytes.ToString()).AsException();
            if (structured)
                call.Response.Headers[StructuredMessage.Header] = StructuredMessage.WithCrc64;

            CheckAndAcknowledge(call, buffer.AsSpan(0, length), md5, crc64);
            return new PageBody(buffer, length);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    /// <summary>Copies bytes of another blob, checks every checksum that the request has of them and sets the headers that acknowledge them.</summary>
    /// <param name="range">Of at most <see cref="MaxBytes"/>, within the source.</param>
    public static PageBody Copy(BlobCall call, Blob source, ByteRange range)
    {
        (byte[]? md5, byte[]? crc64) = Checksums(call.Request, SourceMd5Header, SourceCrc64Header);
        int length = (int)range.LengthBytes;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            source.Read(range.Start, buffer.AsSpan(0, length));
            CheckAndAcknowledge(call, buffer.AsSpan(0, length), md5, crc64);
            return new PageBody(buffer, length);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private static void CheckAndAcknowledge(BlobCall call, ReadOnlySpan<byte> data, byte[]? md5, byte[]? crc64)
    {
        if (md5 is not null || !call.Version.IsAtLeast(FirstVersionWithCrc64))
        {
            string computed = ContentMd5.Compute(data);
            if (md5 is not null && Convert.ToBase64String(md5) is var sent && sent != computed)
                throw StorageErrors.Md5Mismatch(sent, computed).AsException();
            call.Response.Headers[HeaderNames.ContentMD5] = computed;
        }
        else
        {
            string computed = Crc64Nvme.ToBase64(Crc64Nvme.Compute(data));
            if (crc64 is not null && Convert.ToBase64String(crc64) is var sent && sent != computed)
                throw StorageErrors.Crc64Mismatch(sent, computed).AsException();
            call.Response.Headers[Crc64Header] = computed;
        }
    }

    private static (byte[]? Md5, byte[]? Crc64) Checksums(HttpRequest request, string md5Header, string crc64Header)
    {
        byte[]? md5 = Checksum(request, md5Header, ContentMd5.LengthBytes, StorageErrors.InvalidMd5);
        byte[]? crc64 = Checksum(request, crc64Header, Crc64Nvme.LengthBytes, StorageErrors.InvalidCrc64);
        return md5 is null || crc64 is null ? (md5, crc64) : throw StorageErrors.BothCrc64AndMd5.AsException();
    }

    private static byte[]? Checksum(HttpRequest request, string header, int lengthBytes, StorageError malformed)
    {
        string text = request.Headers[header].ToString();
        if (text.Length == 0)
            return null;
        var bytes = new byte[lengthBytes + 3];
        return Convert.TryFromBase64String(text, bytes, out int length) && length == lengthBytes ? bytes[..length] : throw malformed.AsException();
    }
}
