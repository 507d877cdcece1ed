using System.Buffers.Binary;
using System.Net;
using System.Text;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>How bodies and requests are delimited on the wire, told truthfully, strangely and falsely.</summary>
public sealed class FramingTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const int DiskBytes = 8 << 20;
    private const string Update = "x-ms-page-write: update\r\nx-ms-range: bytes=0-511\r\n";

    [Theory]
    [InlineData("Content-Length: 512\r\nTransfer-Encoding: chunked\r\n", "200\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 512\r\n", "0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n", "zz\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n", "-1\r\n")]
    [InlineData("Transfer-Encoding: gzip, chunked\r\n", "200\r\n")]
    [InlineData("Transfer-Encoding: gzip\r\n", "")]
    [InlineData("Content-Length: 512\r\nContent-Length: 512\r\n", "")]
    [InlineData("Content-Length: 512, 512\r\n", "")]
    [InlineData("Content-Length: 512\r\nContent-Length: 1024\r\n", "")]
    [InlineData("Content-Length: 0x200\r\n", "")]
    [InlineData("Content-Length: 18446744073709552128\r\n", "")]
    [InlineData("Content-Length: \r\n", "")]
    [InlineData("Content-Length : 512\r\n", "")]
    [InlineData(" Content-Length: 512\r\n", "")]
    public async Task A_length_that_is_no_length_is_refused(string length, string before)
    {
        (Guid disk, Uri url) = await NewDiskAsync();
        using RawConnection connection = await RawConnection.OpenAsync(url);
        await connection.SendAsync($"PUT {url.PathAndQuery}&comp=page HTTP/1.1\r\nHost: 127.0.0.1\r\n{Update}{length}\r\n{before}{new string('x', 512)}");
        (await connection.AnswerAsync("PUT")).ShouldNotBeNull().Status.ShouldBeInRange(400, 499);
        Allocated(disk).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_body_longer_than_it_says_is_written_as_long_as_it_says_and_ends_the_connection()
    {
        (Guid disk, Uri url) = await NewDiskAsync();
        using RawConnection connection = await RawConnection.OpenAsync(url);
        await connection.SendAsync($"{Put(url, 0, 512)}{new string('x', 4096)}\r\n\r\n");
        (await connection.AnswerAsync("PUT")).ShouldNotBeNull().Status.ShouldBe(201);
        (await connection.AnswerAsync("GET")).ShouldNotBeNull().Status.ShouldBe(400, "the rest is no request");
        Read(disk, 0, 1024).ShouldBeBytes([.. Enumerable.Repeat((byte)'x', 512), .. new byte[512]]);
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_order_and_a_refused_one_does_not_end_them()
    {
        (_, Uri url) = await NewDiskAsync();
        string line = $"{url.PathAndQuery} HTTP/1.1\r\nHost: 127.0.0.1\r\n", list = line.Replace(" HTTP", "&comp=pagelist HTTP");
        using RawConnection connection = await RawConnection.OpenAsync(url);
        await connection.SendAsync($"{Put(url, 0, 512)}{new string('a', 512)}GET {line}x-ms-range: bytes=0-3\r\n\r\nHEAD {line}Content-Length: 5\r\n\r\nhello{Put(url, DiskBytes, 512)}{new string('b', 512)}GET {list}\r\nHEAD {list}\r\nGET {line}Range: bytes=511-512\r\n\r\n");
        (await AnswerAsync("PUT")).Status.ShouldBe(201);
        (await AnswerAsync("GET")).Body.ShouldBe("aaaa"u8.ToArray());
        (await AnswerAsync("HEAD")).Headers["content-length"].ShouldBe($"{DiskBytes}");
        (await AnswerAsync("PUT")).Headers["x-ms-error-code"].ShouldBe("InvalidPageRange");
        Encoding.UTF8.GetString((await AnswerAsync("GET")).Body).ShouldContain("<PageRange><Start>0</Start><End>4095</End></PageRange>");
        (await AnswerAsync("HEAD")).Status.ShouldBe(405);
        (await AnswerAsync("GET")).Body.ShouldBe("a\0"u8.ToArray());

        async Task<RawAnswer> AnswerAsync(string method) => (await connection.AnswerAsync(method)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Http_1_0_is_served_and_the_connection_ends()
    {
        (Guid disk, Uri url) = await NewDiskAsync();
        using RawConnection put = await RawConnection.OpenAsync(url), get = await RawConnection.OpenAsync(url);
        await put.SendAsync($"{Put(url, 0, 512).Replace("HTTP/1.1\r\nHost: 127.0.0.1\r\n", "HTTP/1.0\r\n")}{new string('x', 512)}");
        (await put.AnswerAsync("PUT")).ShouldNotBeNull().Status.ShouldBe(201);
        (await put.ReceiveAsync(new byte[1])).ShouldBe(0);
        await get.SendAsync($"GET {url.PathAndQuery} HTTP/1.0\r\n\r\n");
        RawAnswer whole = (await get.AnswerAsync("GET")).ShouldNotBeNull();
        (whole.Status, whole.Body.Length).ShouldBe((200, DiskBytes));
        whole.Body.ShouldBeBytes(Read(disk, 0, DiskBytes));
    }

    [Theory]
    [InlineData(0, 201)]
    [InlineData(DiskBytes, 416)]
    public async Task A_client_that_waits_for_100_gets_it_only_when_the_body_is_wanted(int offset, int status)
    {
        (Guid disk, Uri url) = await NewDiskAsync();
        using RawConnection connection = await RawConnection.OpenAsync(url);
        await connection.SendAsync(Put(url, offset, 512, "Expect: 100-continue\r\n"));
        RawAnswer first = (await connection.AnswerAsync("PUT")).ShouldNotBeNull();
        if (status == 201)
        {
            first.Status.ShouldBe(100);
            Allocated(disk).ShouldBeEmpty();
            await connection.SendAsync(new string('x', 512));
            first = (await connection.AnswerAsync("PUT")).ShouldNotBeNull();
        }
        first.Status.ShouldBe(status);

        using var connections = new ConnectionMeter(url.Port);
        using RawConnection leaving = await RawConnection.OpenAsync(url);
        await leaving.SendAsync(Put(url, 8192, 512, "Expect: 100-continue\r\n"));
        (await leaving.AnswerAsync("PUT")).ShouldNotBeNull().Status.ShouldBe(100);
        leaving.Break();
        await connections.AllEnded;
        Allocated(disk).ShouldBe(status == 201 ? [new(0, 4096, PageRangeKind.Allocated)] : []);
    }

    [Fact]
    public async Task The_target_may_be_absolute_and_an_asterisk_is_nobodys()
    {
        (_, Uri url) = await NewDiskAsync();
        (await StatusAsync(url, $"GET {url} HTTP/1.1\r\nHost: {url.Authority}\r\nx-ms-range: bytes=0-3\r\n\r\n")).ShouldBe(206);
        (await StatusAsync(url, "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).ShouldBeInRange(400, 499);
        (await StatusAsync(url, "OPTIONS * HTTP/1.1\r\nHost: md-a.b\r\n\r\n")).ShouldBeInRange(400, 499);
        (await StatusAsync(url, "GET * HTTP/1.1\r\nHost: md-a.b\r\n\r\n")).ShouldBeInRange(400, 499);
        (await StatusAsync(url, $"CONNECT {url.Authority} HTTP/1.1\r\nHost: {url.Authority}\r\n\r\n")).ShouldBeInRange(400, 499);
        (await StatusAsync(url, $"GET {url.PathAndQuery} HTTP/1.1\r\n\r\n")).ShouldBe(400, "no Host");
        (await StatusAsync(url, $"GET {url.PathAndQuery} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")).ShouldBe(400);
        (await StatusAsync(url, $"GET {url.PathAndQuery} HTTP/9.9\r\nHost: a\r\n\r\n")).ShouldBe(505);
    }

    [Fact]
    public async Task Much_of_everything_is_served_or_refused_but_never_a_failure()
    {
        (_, Uri url) = await NewDiskAsync();
        string end = " HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-range: bytes=0-3\r\n";
        (await StatusAsync(url, $"GET {url.PathAndQuery}{string.Concat(Enumerable.Repeat("&a=b", 7000))}{end}\r\n")).ShouldBe(206);
        (await StatusAsync(url, $"GET {url.PathAndQuery}{string.Concat(Enumerable.Repeat("&&=", 8000))}{end}\r\n")).ShouldBe(206);
        (await StatusAsync(url, $"GET {url.PathAndQuery}{string.Concat(Enumerable.Repeat("&snapshot=", 3000))}{end}\r\n")).ShouldBe(404);
        (await StatusAsync(url, $"GET {url.PathAndQuery}&a={new string('b', 40_000)}{end}\r\n")).ShouldBe(414);
        (await StatusAsync(url, $"GET {url.PathAndQuery}{end}{string.Concat(Enumerable.Repeat("a: b\r\n", 95))}\r\n")).ShouldBe(206);
        (await StatusAsync(url, $"GET {url.PathAndQuery}{end}{string.Concat(Enumerable.Repeat("a: b\r\n", 200))}\r\n")).ShouldBe(431);
        (await StatusAsync(url, $"GET {url.PathAndQuery}{end}a: {new string('b', 40_000)}\r\n\r\n")).ShouldBe(431);
        (await StatusAsync(url, $"GET {url.PathAndQuery}{end}x-ms-range: bytes=512-1023\r\n\r\n")).ShouldBe(200, "two ranges are no range");
        (await StatusAsync(url, $"GET {url.PathAndQuery}{end}Range: bytes=0-1\r\nRange: bytes=3-4\r\n\r\n")).ShouldBe(206);
        foreach (string number in (string[])["99999999999999999999", "1e3", "-1", "0", new string('9', 20_000)])
            (await StatusAsync(url, $"GET {url.PathAndQuery}&comp=pagelist&maxresults={number}{end}\r\n")).ShouldBeInRange(200, 499);
        foreach (string marker in (string[])["1!7fffffffffffff00", "1!ffffffffffffff00", "1!", "1!00", "2!0000000000000000", "%00", new string('A', 20_000)])
            (await StatusAsync(url, $"GET {url.PathAndQuery}&comp=pagelist&maxresults=1&marker={marker}{end}\r\n")).ShouldBeInRange(200, 499);
    }

    /// <summary>The fields of a structured message, each with values that lie.</summary>
    [Fact]
    public async Task A_structured_message_with_one_false_field_is_refused_and_nothing_is_written()
    {
        (Guid disk, Uri url) = await NewDiskAsync();
        byte[] data = StorageReply.Bytes(4096, 3), good = StructuredMessages.Encode(data, 1000);
        List<(string What, byte[] Message)> lies = [];
        ulong[] numbers = [0, 1, 4095, 4097, 1001, 65_535, uint.MaxValue, int.MaxValue, long.MaxValue, ulong.MaxValue, ulong.MaxValue - 10];
        Lie("version", 0, 1);
        Lie("length of all", 1, 8);
        Lie("flags", 9, 2);
        Lie("segments", 11, 2);
        for (int segment = 0, at = 13; segment < 5; segment++, at += 1018)
        {
            Lie($"number of segment {segment}", at, 2);
            Lie($"length of segment {segment}", at + 2, 8);
            Lie($"checksum of segment {segment}", Math.Min(at + 1010, good.Length - 16), 8);
        }
        Lie("checksum of all", good.Length - 8, 8);
        lies.Add(("empty", []));
        lies.AddRange(Enumerable.Range(1, 30).Select(length => ($"cut to {length}", good[..length])));
        lies.AddRange(Enumerable.Range(1, 30).Select(length => ($"cut by {length}", good[..^length])));
        lies.Add(("with a byte behind it", [.. good, 0]));
        lies.Add(("twice", [.. good, .. good]));

        foreach ((string what, byte[] message) in lies)
        {
            using HttpResponseMessage answer = await PutAsync(url, data.Length, message);
            ((int)answer.StatusCode).ShouldBe(400, what);
            Allocated(disk).ShouldBeEmpty(what);
        }
        using HttpResponseMessage last = await PutAsync(url, data.Length, good);
        last.StatusCode.ShouldBe(HttpStatusCode.Created);
        Read(disk, 0, data.Length).ShouldBeBytes(data);

        void Lie(string what, int at, int length)
        {
            foreach (ulong number in numbers)
            {
                byte[] bytes = new byte[8], message = [.. good];
                BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
                bytes.AsSpan(0, length).CopyTo(message.AsSpan(at));
                if (!message.AsSpan().SequenceEqual(good))
                    lies.Add(($"{what} = {number}", message));
            }
        }
    }

    [Fact]
    public async Task Empty_segments_are_segments_up_to_65535_of_them()
    {
        (Guid disk, Uri url) = await NewDiskAsync();
        byte[] data = StorageReply.Bytes(4 << 20, 4), message = new byte[13 + data.Length + (65_535 * 18) + 8];
        message[0] = 1;
        BinaryPrimitives.WriteInt64LittleEndian(message.AsSpan(1), message.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(9), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(11), 65_535);
        for (int number = 1, at = 13; number <= 65_535; number++, at += 18)
        {
            bool isFull = number == 30_000;
            BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(at), (ushort)number);
            BinaryPrimitives.WriteInt64LittleEndian(message.AsSpan(at + 2), isFull ? data.Length : 0);
            if (!isFull)
                continue;
            data.CopyTo(message.AsSpan(at + 10));
            at += data.Length;
            BinaryPrimitives.WriteUInt64LittleEndian(message.AsSpan(at + 10), Crc64Nvme.Compute(data));
        }
        BinaryPrimitives.WriteUInt64LittleEndian(message.AsSpan(message.Length - 8), Crc64Nvme.Compute(data));
        using HttpResponseMessage answer = await PutAsync(url, data.Length, message);
        (await answer.BytesAsync(HttpStatusCode.Created)).ShouldBeEmpty();
        Read(disk, 0, data.Length).ShouldBeBytes(data);
    }

    private async Task<(Guid Disk, Uri Url)> NewDiskAsync()
    {
        Disk disk = await server.NewDiskAsync(DiskBytes);
        return (disk.Id, new Uri(await server.GrantAsync(disk, AccessKind.Guest)));
    }

    private Task<HttpResponseMessage> PutAsync(Uri url, int rangeBytes, byte[] message) => server.SendAsync(HttpMethod.Put, url + "&comp=page", message,
        ("x-ms-page-write", "update"), ("x-ms-range", $"bytes=0-{rangeBytes - 1}"), ("x-ms-structured-body", "XSM/1.0; properties=crc64"), ("x-ms-structured-content-length", $"{rangeBytes}"));

    private static async Task<int> StatusAsync(Uri url, string request)
    {
        using RawConnection connection = await RawConnection.OpenAsync(url);
        await connection.SendAsync(request);
        return (await connection.AnswerAsync("GET")).ShouldNotBeNull().Status;
    }

    private static string Put(Uri url, int offset, int length, string more = "") =>
        $"PUT {url.PathAndQuery}&comp=page HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-page-write: update\r\nx-ms-range: bytes={offset}-{offset + length - 1}\r\n{more}Content-Length: {length}\r\n\r\n";

    private PageRange[] Allocated(Guid disk)
    {
        using VolumeView view = server.Engine.OpenHead(disk);
        return [.. view.GetPageRanges(0, view.SizeBytes)];
    }

    private byte[] Read(Guid disk, int offset, int length)
    {
        var content = new byte[length];
        using VolumeView view = server.Engine.OpenHead(disk);
        view.Read(offset, content);
        return content;
    }
}
