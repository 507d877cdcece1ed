using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>
/// Good requests of every operation, each damaged at random in up to three places, byte for byte on the wire: none is a failure of the server, every refusal
/// has the form of the protocol, and what is refused changes nothing. <c>RESTOREPOINTS_MUTATIONS</c> sets how many are sent.
/// </summary>
public sealed partial class RequestMutationTests(PageBlobServer server, ITestOutputHelper output) : IClassFixture<PageBlobServer>
{
    private const int RequestsOfTheSuite = 1600;
    private const int Workers = 16;

    private static readonly string[] s_methods = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get", "Put", "CONNECT"];
    private static readonly string[] s_tricks = ["%", "%2F", "%00", "%zz", "%C0%AF", "%ED%A0%80", "..", "%2e%2e", "/", "//", "\\", "?", "&", "=", "#", "+", ";", ",", "\0", "\u00e9", "\u00ff", "\t", " ", "\"", "<", ":", "-", "0"];
    private static readonly string[] s_values =
    [
        "", "0", "-1", "1", "18446744073709551615", "9223372036854775807", "99999999999999999999999999", "1e9", "0x10", "NaN", "null", "true", "*", "bytes=0-", "bytes=0-511", "bytes=-1",
        "bytes=512-1023,2048-4095", "bytes=9223372036854775807-", "bytes=0-18446744073709551616", "bytes=4096-0", "\u00e9\u00ff", "a\0b", "2026-10-06", "0001-01-01", "9999-12-31", "W/\"x\"",
        "Thu, 01 Jan 1970 00:00:00 GMT", "update", "clear", "page", "pagelist", "XSM/1.0; properties=crc64", "chunked", "gzip", "100-continue", "PageBlob", "AAAAAAAAAAA=", "1!0000000000001000", "1!ffffffffffffffff",
    ];
    private static readonly string[] s_headers =
    [
        "Range", "x-ms-range", "x-ms-page-write", "x-ms-version", "Content-MD5", "x-ms-content-crc64", "x-ms-structured-body", "x-ms-structured-content-length", "x-ms-range-get-content-md5",
        "x-ms-range-get-content-crc64", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "x-ms-lease-id", "x-ms-if-sequence-number-eq", "x-ms-if-sequence-number-lt", "x-ms-copy-source",
        "x-ms-previous-snapshot-url", "x-ms-blob-type", "x-ms-blob-content-length", "x-ms-client-request-id", "Authorization", "Host", "Content-Length", "Transfer-Encoding", "Expect", "Connection", "Upgrade", "Cookie",
    ];
    private static readonly string[] s_items = ["comp", "restype", "snapshot", "prevsnapshot", "marker", "maxresults", "sv", "sr", "si", "sig", "sp", "se", "st", "api-version", "timeout", "versionid"];

    [Fact]
    public async Task No_damaged_request_breaks_the_server_or_changes_what_it_may_not()
    {
        int requests = int.TryParse(Environment.GetEnvironmentVariable("RESTOREPOINTS_MUTATIONS"), out int wanted) ? wanted : RequestsOfTheSuite;
        int seed = Seeds.Choose();
        Worker[] workers = await Task.WhenAll(Enumerable.Range(0, Workers).Select(number => Worker.CreateAsync(server, unchecked((seed * 31) + number))));
        try
        {
            await Task.WhenAll(workers.Select(worker => Task.Run(() => worker.RunAsync(requests / Workers))));
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"RESTOREPOINTS_SEED={seed}: {failure.Message}", failure);
        }
        (int refused, int accepted, int silent) = (workers.Sum(worker => worker.Refused), workers.Sum(worker => worker.Accepted), workers.Sum(worker => worker.Silent));
        output.WriteLine($"seed {seed}: {requests} requests, {refused} refused, {accepted} accepted, {silent} without an answer");
        refused.ShouldBeGreaterThan(requests / 4, "damage is noticed");
        accepted.ShouldBeGreaterThan(requests / 20, "some damage is harmless");
        silent.ShouldBeLessThan(requests / 4, "most get an answer");
    }

    [GeneratedRegex(@"^(x-ms-)?range[ \t]*:[ \t]*bytes=(?<start>[0-9]+)-(?<end>[0-9]*)", RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex SentRange();

    private sealed class Worker(PageBlobServer server, Random random, Guid diskId, Uri guest, Uri older, Uri newer, string olderTime)
    {
        private const int DiskBytes = 64 * 1024;

        private byte[] _content = [];

        public int Refused { get; private set; }

        public int Accepted { get; private set; }

        public int Silent { get; private set; }

        public static async Task<Worker> CreateAsync(PageBlobServer server, int seed)
        {
            Disk disk = await server.NewDiskAsync(DiskBytes);
            server.Engine.Write(disk.Id, 0, StorageReply.Bytes(DiskBytes / 2, seed));
            DiskRestorePoint older = await server.NewPointAsync(disk);
            server.Engine.Write(disk.Id, 8192, StorageReply.Bytes(DiskBytes / 2, seed + 1));
            DiskRestorePoint newer = await server.NewPointAsync(disk);
            return new Worker(server, new Random(seed), disk.Id, new(await server.GrantAsync(disk, AccessKind.Guest)), new(await server.GrantAsync(older)), new(await server.GrantAsync(newer)),
                SharedAccessSignature.FormatSnapshotTime(older.SnapshotTime));
        }

        public async Task RunAsync(int requests)
        {
            _content = Content();
            for (int i = 0; i < requests; i++)
            {
                Request request = Good();
                for (int damages = random.Next(1, 4); damages > 0; damages--)
                    Damage(request);
                byte[] wire = request.Render();
                bool isRaw = random.Next(20) == 0;
                if (isRaw)
                    DamageBytes(wire, wire.AsSpan().IndexOf("\r\n\r\n"u8));
                try
                {
                    await SendAsync(request, wire, isRaw);
                }
                catch (Exception failure)
                {
                    throw new InvalidOperationException($"request {i}: {failure.Message}\n{Encoding.Latin1.GetString(wire, 0, Math.Min(wire.Length, 1500))}", failure);
                }
            }
        }

        private async Task SendAsync(Request request, byte[] wire, bool isRaw)
        {
            using RawConnection connection = await RawConnection.OpenAsync(guest);
            await connection.SendAsync(wire);
            Task<RawAnswer?> answering = connection.AnswerAsync(request.Method);
            // A server that waits for bytes that do not come is right; the end of the connection then ends the request.
            if (request.IsCut)
                connection.EndSending();
            else if (isRaw && await Task.WhenAny(answering, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System)) != answering)
                connection.EndSending();
            RawAnswer? answer = await answering;
            while (answer is { Status: 100 })
                answer = await connection.AnswerAsync(request.Method);
            // Interim or strange bytes in the method: what kind of answer it is cannot be told.
            if (answer is null)
                Silent++;
            else
                Check(answer, request, isRaw);

            byte[] now = Content();
            if (answer is { Status: 201 } && request.Method == "PUT")
                ShouldBeUnchangedOutside(wire, now);
            else if (answer is not null || request.IsCut)
                now.ShouldBeBytes(_content, $"{answer?.Status.ToString(CultureInfo.InvariantCulture) ?? "no answer"}, but the disk");
            _content = now;
        }

        /// <summary>An accepted write changes nothing but the ranges that its head names. Put Blob names none: it empties everything.</summary>
        private void ShouldBeUnchangedOutside(byte[] wire, byte[] now)
        {
            string head = Encoding.Latin1.GetString(wire, 0, wire.AsSpan().IndexOf("\r\n\r\n"u8) is var end and >= 0 ? end : wire.Length);
            if (head.Contains("x-ms-blob-type", StringComparison.OrdinalIgnoreCase))
                return;
            byte[] expected = [.. _content];
            foreach (Match range in SentRange().Matches(head))
            {
                int start = Position(range.Groups["start"].Value), rangeEnd = range.Groups["end"].Length == 0 ? DiskBytes : Math.Min(DiskBytes, Position(range.Groups["end"].Value) + 1);
                if (start < rangeEnd)
                    now.AsSpan(start..rangeEnd).CopyTo(expected.AsSpan(start));
            }
            now.ShouldBeBytes(expected, "accepted, but outside of its range the disk");

            static int Position(string number) => int.TryParse(number, CultureInfo.InvariantCulture, out int position) ? Math.Min(position, DiskBytes) : DiskBytes;
        }

        private void Check(RawAnswer answer, Request request, bool isRaw)
        {
            // Damage in the version of HTTP itself has an answer of its own.
            if (!(isRaw && answer.Status == 505))
                answer.Status.ShouldBeInRange(200, 499);
            if (answer.Status < 400)
            {
                Accepted++;
                return;
            }
            Refused++;
            if (answer.Headers.TryGetValue("x-ms-error-code", out string? code))
            {
                answer.Headers.ShouldContainKey("x-ms-request-id");
                if (request.Method == "HEAD" && !isRaw)
                {
                    answer.Headers.ShouldNotContainKey("content-type");
                    return;
                }
                if (answer.Body.Length == 0 && isRaw)
                    return;
                answer.Headers["content-type"].ShouldBe("application/xml");
                XElement error = XElement.Parse(Encoding.UTF8.GetString(answer.Body).TrimStart('\uFEFF'));
                error.Element("Code")!.Value.ShouldBe(code);
                error.Element("Message")!.Value.ShouldNotBeEmpty();
                return;
            }
            // No HTTP, so not the protocol's: the server closes. Or not the data plane's.
            bool isElsewhere = answer.Status == 404 && (isRaw || !request.Path.StartsWith("/md-", StringComparison.Ordinal));
            (isElsewhere || answer.Headers.GetValueOrDefault("connection") == "close").ShouldBeTrue($"HTTP {answer.Status} without a code");
            answer.Body.ShouldBeEmpty();
        }

        private byte[] Content()
        {
            var content = new byte[DiskBytes];
            using VolumeView view = server.Engine.OpenHead(diskId);
            view.Read(0, content);
            return content;
        }

        private Request Good()
        {
            int offset = random.Next(DiskBytes / 512) * 512;
            int length = Math.Min(DiskBytes - offset, random.Next(1, 16) * 512);
            byte[] data = StorageReply.Bytes(length, random.Next());
            (string, string) range = ("x-ms-range", $"bytes={offset}-{offset + length - 1}"), update = ("x-ms-page-write", "update");
            return random.Next(12) switch
            {
                0 => new(random, "GET", guest, []),
                1 => new(random, "GET", newer, [range, ("x-ms-range-get-content-md5", "true")]),
                2 => new(random, "GET", newer, [range, ("x-ms-structured-body", "XSM/1.0; properties=crc64")]),
                3 => new(random, "HEAD", older, []),
                4 => new(random, "GET", newer, [range], ("comp", "pagelist"), ("maxresults", "2"), ("marker", "1!0000000000001000")),
                5 => new(random, "GET", newer, [("x-ms-previous-snapshot-url", older.ToString())], ("comp", "pagelist")),
                6 => new(random, "GET", newer, [range], ("comp", "pagelist"), ("prevsnapshot", Uri.EscapeDataString(olderTime))),
                7 => new(random, "PUT", guest, [range, ("x-ms-page-write", "clear"), ("Content-Length", "0")], ("comp", "page")),
                8 => new(random, "PUT", guest, [("x-ms-blob-type", "PageBlob"), ("x-ms-blob-content-length", $"{DiskBytes}"), ("Content-Length", "0")]),
                9 => new(random, "PUT", guest, [range, update, ("Content-MD5", ContentMd5.Compute(data)), ("Content-Length", $"{length}")], ("comp", "page")) { Body = data },
                10 when StructuredMessages.Encode(data, 1000) is var message => new(random, "PUT", guest,
                    [range, update, ("x-ms-structured-body", "XSM/1.0; properties=crc64"), ("x-ms-structured-content-length", $"{length}"), ("Content-Length", $"{message.Length}")], ("comp", "page"))
                { Body = message },
                _ => new(random, "PUT", guest, [range, update, ("Content-Length", $"{length}")], ("comp", "page")) { Body = data },
            };
        }

        private void Damage(Request request)
        {
            List<(string Name, string Value)> list = random.Next(2) == 0 ? request.Query : request.Headers;
            string[] names = list == request.Query ? s_items : s_headers;
            int at = random.Next(list.Count);
            (string name, string value) = list[at];
            switch (random.Next(14))
            {
                case 0:
                    request.Method = Any(s_methods);
                    break;
                case 1:
                    request.Path = Text(request.Path);
                    break;
                case 2:
                    list.RemoveAt(at);
                    if (list.Count == 0)
                        list.Add(("x", "y"));
                    break;
                case 3:
                    list.Insert(random.Next(list.Count + 1), (name, value));
                    break;
                case 4:
                    list.Insert(random.Next(list.Count + 1), (name, random.Next(2) == 0 ? Any(s_values) : Text(value)));
                    break;
                case 5 or 6:
                    list[at] = (name, Text(value));
                    break;
                case 7 or 8:
                    list[at] = (name, Any(s_values));
                    break;
                case 9:
                    list[at] = (Text(name), value);
                    break;
                case 10:
                    list.Add((Any(names), Any(s_values)));
                    break;
                case 11 when random.Next(8) == 0:
                    for (int i = 0; i < 3000; i++)
                        request.Query.Add(("i", $"{i % 10}"));
                    break;
                case 12 when random.Next(4) == 0:
                    list[at] = (name, value + new string('9', random.Next(40_000)));
                    break;
                default:
                    if (request.Body.Length == 0)
                        request.Body = new byte[random.Next(3) * 256];
                    else if (random.Next(2) == 0)
                        request.Body[random.Next(request.Body.Length)] ^= (byte)random.Next(1, 256);
                    else
                        request.Body = [.. request.Body.AsSpan(0, random.Next(request.Body.Length + 1)), .. new byte[random.Next(2) * random.Next(1000)]];
                    break;
            }
        }

        private string Text(string text)
        {
            int at = random.Next(text.Length + 1), length = Math.Min(text.Length - at, random.Next(1, 6));
            return random.Next(4) switch
            {
                0 => text.Remove(at, length),
                1 => text.Insert(at, text.Substring(at, length)),
                2 => text.Insert(at, Any(s_tricks)),
                _ => text.Insert(at, ((char)random.Next(1, 256)).ToString()),
            };
        }

        private void DamageBytes(byte[] wire, int headBytes)
        {
            for (int count = random.Next(1, 4); count > 0; count--)
                wire[random.Next(headBytes)] = (byte)random.Next(256);
        }

        private string Any(string[] texts) => texts[random.Next(texts.Length)];
    }

    private sealed class Request
    {
        public Request(Random random, string method, Uri url, (string, string)[] headers, params (string, string)[] query)
        {
            Method = method;
            Path = url.AbsolutePath;
            Query = [.. url.Query[1..].Split('&').Select(item => item.Split('=', 2)).Select(item => (item[0], item[1])), .. query];
            Headers = [("Host", url.Authority), .. headers];
            if (random.Next(2) == 0)
                Headers.Add(("x-ms-version", "2021-12-02"));
        }

        public string Method { get; set; }

        public string Path { get; set; }

        public List<(string Name, string Value)> Query { get; }

        public List<(string Name, string Value)> Headers { get; }

        public byte[] Body { get; set; } = [];

        /// <summary>Whether it announces more than it has.</summary>
        public bool IsCut => Headers.Any(header => header.Name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase)
            || (header.Name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) && (!long.TryParse(header.Value, out long length) || length > Body.Length)));

        public byte[] Render()
        {
            string query = string.Join('&', Query.Select(item => $"{item.Name}={item.Value}"));
            string headers = string.Concat(Headers.Select(header => $"{header.Name}: {header.Value}\r\n"));
            return [.. Encoding.Latin1.GetBytes($"{Method} {Path}?{query} HTTP/1.1\r\n{headers}\r\n"), .. Body];
        }
    }
}
