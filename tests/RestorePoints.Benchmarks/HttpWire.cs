using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RestorePoints.Benchmarks;

/// <summary>One connection that sends prepared requests and throws the bodies away: as little client as possible beside the server that is measured.</summary>
internal sealed class HttpWire : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[1 << 20];

    public HttpWire(Uri server) => _socket.Connect(IPAddress.Parse(server.Host), server.Port);

    public static byte[] Request(string method, Uri url, long bodyBytes, params (string Name, string Value)[] headers)
    {
        var text = new StringBuilder($"{method} {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Authority}\r\n");
        foreach ((string name, string value) in headers)
            text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        if (method is not "GET")
            text.Append(CultureInfo.InvariantCulture, $"Content-Length: {bodyBytes}\r\n");
        return Encoding.ASCII.GetBytes(text.Append("\r\n").ToString());
    }

    /// <returns>Length of the answer's body, which must have the given status.</returns>
    public async ValueTask<long> SendAsync(byte[] head, ReadOnlyMemory<byte> body, int status)
    {
        if (body.Length is > 0 and <= 4096)
        {
            head.CopyTo(_buffer, 0);
            body.CopyTo(_buffer.AsMemory(head.Length));
            await _socket.SendAsync(_buffer.AsMemory(0, head.Length + body.Length));
        }
        else
        {
            await _socket.SendAsync(head);
            for (int sent = 0; sent < body.Length;)
                sent += await _socket.SendAsync(body[sent..]);
        }
        return await ReceiveAsync(status);
    }

    private async ValueTask<long> ReceiveAsync(int status)
    {
        int have = 0, end;
        while ((end = _buffer.AsSpan(0, have).IndexOf("\r\n\r\n"u8)) < 0)
        {
            have += await FillAsync(_buffer.AsMemory(have));
        }
        string head = Encoding.ASCII.GetString(_buffer, 0, end);
        if (!head.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal))
            throw new InvalidOperationException($"Expected {status}: {Encoding.ASCII.GetString(_buffer, 0, have)}");
        int at = head.IndexOf("\r\nContent-Length: ", StringComparison.OrdinalIgnoreCase);
        if (at < 0)
            return head.Contains("chunked", StringComparison.OrdinalIgnoreCase) ? await ReceiveChunksAsync(end + 4, have) : 0;
        long length = long.Parse(head.AsSpan(at + 18).ToString().Split('\r')[0], CultureInfo.InvariantCulture);
        for (long left = length - (have - end - 4); left > 0;)
            left -= await FillAsync(_buffer.AsMemory(0, (int)Math.Min(left, _buffer.Length)));
        return length;
    }

    /// <summary>Reads until the empty last chunk; the bodies of this protocol never contain its bytes.</summary>
    private async ValueTask<long> ReceiveChunksAsync(int start, int have)
    {
        _buffer.AsSpan(start, have - start).CopyTo(_buffer);
        have -= start;
        long total = have;
        while (!_buffer.AsSpan(0, have).EndsWith("0\r\n\r\n"u8))
        {
            int keep = Math.Min(have, 5);
            _buffer.AsSpan(have - keep, keep).CopyTo(_buffer);
            int read = await FillAsync(_buffer.AsMemory(keep));
            have = keep + read;
            total += read;
        }
        return total;
    }

    private async ValueTask<int> FillAsync(Memory<byte> buffer)
    {
        int read = await _socket.ReceiveAsync(buffer);
        return read > 0 ? read : throw new IOException("The server closed the connection.");
    }

    public void Dispose() => _socket.Dispose();
}
