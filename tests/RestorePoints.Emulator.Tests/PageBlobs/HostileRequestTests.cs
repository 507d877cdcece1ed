using System.Net.Sockets;
using System.Text;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>Requests that no client library would send: none may be answered with a 5xx, and the server goes on serving.</summary>
public sealed class HostileRequestTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    [Theory]
    [InlineData("Range", "bytes=-512")]
    [InlineData("Range", "bytes=-99999999999999999999")]
    [InlineData("Range", "bytes=0-1,5-6")]
    [InlineData("Range", "bytes=,")]
    [InlineData("Range", "bytes=")]
    [InlineData("Range", "bytes=--1")]
    [InlineData("Range", "bytes=1e3-2e3")]
    [InlineData("Range", "=")]
    [InlineData("x-ms-range", "bytes=18446744073709551615-18446744073709551616")]
    [InlineData("x-ms-range", "bytes=0-9223372036854775807")]
    [InlineData("x-ms-range", "bytes=9223372036854775807-9223372036854775807")]
    [InlineData("x-ms-range-get-content-md5", "perhaps")]
    [InlineData("x-ms-structured-body", "XSM/1.0; properties=sha256")]
    [InlineData("If-Match", ",,,\"")]
    [InlineData("If-Modified-Since", "9999999999999999999")]
    [InlineData("If-None-Match", "W/\"")]
    [InlineData("x-ms-version", "9999-99-99")]
    [InlineData("x-ms-client-request-id", "caf\u00e9 \u4e16")]
    [InlineData("x-ms-previous-snapshot-url", "file:///etc/passwd")]
    [InlineData("x-ms-previous-snapshot-url", "http://127.0.0.1/md-a")]
    [InlineData("x-ms-previous-snapshot-url", "http://[")]
    [InlineData("x-ms-copy-source", "\\\\")]
    [InlineData("Authorization", "SharedKey a:b")]
    [InlineData("Host", "md-")]
    [InlineData("Host", "md-a.b:99999")]
    public async Task A_strange_header_is_no_server_error(string header, string value)
    {
        string url = new Uri(await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Guest)).PathAndQuery;
        foreach (string query in new[] { "", "&comp=pagelist" })
            foreach (string start in new[] { $"GET {url}{query}", $"HEAD {url}{query}", $"PUT {url}&comp=page", $"PUT {url}", $"DELETE {url}" })
            {
                string host = header == "Host" ? "" : "Host: 127.0.0.1\r\n";
                (await StatusAsync($"{start} HTTP/1.1\r\n{host}{header}: {value}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))!.Value.ShouldBeInRange(200, 499, start);
            }
    }

    [Theory]
    [InlineData("/md-a")]
    [InlineData("/md-")]
    [InlineData("/md-a/")]
    [InlineData("/md-a//abcd?sig=x")]
    [InlineData("/md-a/c/abcd/more?sv=2018-03-28&sr=b&si=x&sig=x")]
    [InlineData("/md-a/c/abcd?sig")]
    [InlineData("/md-a/c/abcd?sig=&sv=&sr=&si=")]
    [InlineData("/md-a/c/abcd?%00=%00&sig=%00%FF&sv=%F0%9F%98%80&sr=b&si=%ED%A0%80")]
    [InlineData("/md-a/c/abcd?snapshot=%00&snapshot=1&sig=x")]
    [InlineData("/md-a/c/%2e%2e/%2e%2e/etc?sig=x&sv=2018-03-28&sr=b&si=%3Cx%3E")]
    [InlineData("/md-a/c/abcd?restype=container&comp=list")]
    [InlineData("/md-a/c/abcd?&&&=&===")]
    public async Task A_strange_url_is_no_server_error(string path)
    {
        foreach (string method in new[] { "GET", "HEAD", "PUT", "OPTIONS", "PATCH", "BREW" })
            (await StatusAsync($"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))!.Value.ShouldBeInRange(400, 499, method);
    }

    [Theory]
    [InlineData("Content-Length: 4096", 100)]
    [InlineData("Content-Length: 4096", 0)]
    [InlineData("Content-Length: 99999999999", 10)]
    [InlineData("Content-Length: -1", 10)]
    [InlineData("Content-Length: 4096\r\nContent-Length: 512", 512)]
    [InlineData("Transfer-Encoding: chunked", 4096)]
    [InlineData("x-ms-a: b", 0)]
    [InlineData("Content-Length: 4096\r\nx-ms-structured-body: XSM/1.0; properties=crc64\r\nx-ms-structured-content-length: 4096", 4096)]
    [InlineData("Content-Length: 4135\r\nx-ms-structured-body: XSM/1.0; properties=crc64\r\nx-ms-structured-content-length: 99999999999999999999", 4135)]
    [InlineData("Content-Length: 4135\r\nx-ms-structured-body: XSM/1.0; properties=crc64", 4135)]
    public async Task A_body_that_is_not_what_it_says_is_not_written(string lengthHeaders, int sent)
    {
        string url = await server.GrantAsync(await server.NewDiskAsync(1 << 20), AccessKind.Guest);
        string head = $"PUT {new Uri(url).PathAndQuery}&comp=page HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-page-write: update\r\nx-ms-range: bytes=0-4095\r\n{lengthHeaders}\r\nConnection: close\r\n\r\n";
        int? status = await StatusAsync(head + new string('x', sent), ends: true);
        (status ?? 400).ShouldBeInRange(400, 499);
        (await (await server.GetAsync(url + "&comp=pagelist")).PageListAsync()).Ranges.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_client_that_leaves_in_the_middle_of_a_download_disturbs_no_other()
    {
        Uri url = new(await server.GrantAsync(await server.NewDiskAsync(64 << 20), AccessKind.Guest));
        using (var leaving = new TcpClient())
        {
            await leaving.ConnectAsync(url.Host, url.Port, TestContext.Current.CancellationToken);
            await leaving.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET {url.PathAndQuery} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), TestContext.Current.CancellationToken);
            await leaving.GetStream().ReadExactlyAsync(new byte[1000], TestContext.Current.CancellationToken);
            leaving.Client.LingerState = new LingerOption(true, 0);
        }
        (await (await server.GetAsync(url.ToString())).BytesAsync(System.Net.HttpStatusCode.OK)).Length.ShouldBe(64 << 20);
    }

    /// <summary>Status of the answer to raw bytes; null: closed without an answer.</summary>
    /// <param name="ends">Whether the sending side is closed after the bytes.</param>
    private async Task<int?> StatusAsync(string request, bool ends = false)
    {
        var url = new Uri(server.BaseUrl);
        using var client = new TcpClient();
        await client.ConnectAsync(url.Host, url.Port, TestContext.Current.CancellationToken);
        using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes(request), TestContext.Current.CancellationToken);
        if (ends)
            client.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        try
        {
            string? line = await reader.ReadLineAsync(TestContext.Current.CancellationToken);
            return line is null ? null : int.Parse(line.Split(' ')[1]);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
