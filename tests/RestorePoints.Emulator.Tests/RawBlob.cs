using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Xml.Linq;

namespace RestorePoints.Emulator.Tests;

/// <summary>Calls the page-blob REST API behind one SAS.</summary>
public sealed class RawBlob(HttpClient http, string sas)
{
    public const int LargestWrite = 4 * 1024 * 1024;
    private const int Sector = 512;

    public string Sas { get; } = sas;

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string? comp = null, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, comp is null ? Sas : $"{Sas}&comp={comp}") { Content = content };
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await http.SendAsync(request);
    }

    public async Task<long> LengthAsync()
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Head);
        response.EnsureSuccessStatusCode();
        return response.Content.Headers.ContentLength!.Value;
    }

    public async Task<byte[]> ReadAsync(long offset, long length)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, headers: ("x-ms-range", $"bytes={offset}-{offset + length - 1}"));
        await ExpectAsync(response, 206);
        return await response.Content.ReadAsByteArrayAsync();
    }

    public async Task<byte[]> ReadAllAsync()
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get);
        await ExpectAsync(response, 200);
        return await response.Content.ReadAsByteArrayAsync();
    }

    /// <summary>Put Page in pieces of at most 4 MiB.</summary>
    public async Task WriteAsync(long offset, ReadOnlyMemory<byte> data)
    {
        for (int done = 0; done < data.Length; done += LargestWrite)
        {
            ReadOnlyMemory<byte> piece = data.Slice(done, Math.Min(LargestWrite, data.Length - done));
            var content = new ReadOnlyMemoryContent(piece);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            using HttpResponseMessage response = await SendAsync(HttpMethod.Put, "page", content,
                ("x-ms-page-write", "update"), ("x-ms-range", $"bytes={offset + done}-{offset + done + piece.Length - 1}"));
            await ExpectAsync(response, 201);
        }
    }

    public async Task ClearAsync(long offset, long length)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Put, "page", new ByteArrayContent([]),
            ("x-ms-page-write", "clear"), ("x-ms-range", $"bytes={offset}-{offset + length - 1}"));
        await ExpectAsync(response, 201);
    }

    /// <summary>Writes, and does the same to a copy of the content that the test keeps.</summary>
    public async Task WriteAsync(byte[] model, int offset, byte[] data)
    {
        await WriteAsync(offset, data);
        data.CopyTo(model, offset);
    }

    /// <summary>Clears, and does the same to a copy of the content that the test keeps.</summary>
    public async Task ClearAsync(byte[] model, int offset, int length)
    {
        await ClearAsync(offset, length);
        model.AsSpan(offset, length).Clear();
    }

    public async Task<IReadOnlyList<BlobRange>> PageRangesAsync() => await ListAsync();

    /// <summary>What changed since the blob behind another SAS.</summary>
    public async Task<IReadOnlyList<BlobRange>> DiffAsync(string previousSas) => await ListAsync(("x-ms-previous-snapshot-url", previousSas));

    /// <summary>What a backup product does with a difference: clears, then writes the bytes of this, the newer blob.</summary>
    public async Task<byte[]> ApplyToAsync(byte[] older, IReadOnlyList<BlobRange> diff)
    {
        byte[] result = new byte[await LengthAsync()];
        older.AsSpan(0, Math.Min(older.Length, result.Length)).CopyTo(result);
        foreach (BlobRange range in diff)
        {
            if (range.Clear)
                result.AsSpan((int)range.Offset, (int)range.Length).Clear();
            else
                (await ReadAsync(range.Offset, range.Length)).CopyTo(result, (int)range.Offset);
        }
        return result;
    }

    /// <summary>SHA-256 of all sectors that are not zero, with their offsets: the same for equal content, whatever is allocated.</summary>
    /// <param name="diskBytes">Where the content ends: a footer behind it is left out.</param>
    public async Task<string> ContentHashAsync(long diskBytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (BlobRange range in await PageRangesAsync())
        {
            for (long offset = range.Offset; offset < Math.Min(range.End, diskBytes); offset += LargestWrite)
            {
                byte[] data = await ReadAsync(offset, Math.Min(LargestWrite, Math.Min(range.End, diskBytes) - offset));
                for (int at = 0; at < data.Length; at += Sector)
                {
                    ReadOnlySpan<byte> content = data.AsSpan(at, Math.Min(Sector, data.Length - at));
                    if (!content.ContainsAnyExcept((byte)0))
                        continue;
                    hash.AppendData(BitConverter.GetBytes(offset + at));
                    hash.AppendData(content);
                }
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private async Task<IReadOnlyList<BlobRange>> ListAsync(params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, "pagelist", null, headers);
        await ExpectAsync(response, 200);
        XDocument list = XDocument.Parse((await response.Content.ReadAsStringAsync()).TrimStart('\uFEFF'));
        return [.. list.Root!.Elements()
            .Where(element => element.Name.LocalName is "PageRange" or "ClearRange")
            .Select(element => new BlobRange(
                long.Parse(element.Element("Start")!.Value, CultureInfo.InvariantCulture),
                long.Parse(element.Element("End")!.Value, CultureInfo.InvariantCulture) + 1,
                element.Name.LocalName == "ClearRange"))];
    }

    public static async Task ExpectAsync(HttpResponseMessage response, int status)
    {
        if ((int)response.StatusCode != status)
            throw new HttpRequestException($"{response.RequestMessage?.Method} HTTP {(int)response.StatusCode}, expected {status}: {await response.Content.ReadAsStringAsync()}", null, response.StatusCode);
    }
}

/// <param name="End">The first byte behind the range.</param>
public readonly record struct BlobRange(long Offset, long End, bool Clear)
{
    public long Length => End - Offset;
}
