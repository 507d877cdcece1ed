using System.Net.Sockets;
using System.Text;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>A connection without any HTTP of its own.</summary>
internal sealed class RawConnection : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Socket _socket;
    private byte[] _rest = [];

    private RawConnection(Socket socket) => _socket = socket;

    /// <param name="receiveBufferBytes">Of the client's socket; 0: the system's own.</param>
    public static async Task<RawConnection> OpenAsync(Uri server, int receiveBufferBytes = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBufferBytes > 0)
            socket.ReceiveBufferSize = receiveBufferBytes;
        await socket.ConnectAsync(server.Host, server.Port, TestContext.Current.CancellationToken);
        return new RawConnection(socket);
    }

    public Task SendAsync(string latin1) => SendAsync(Encoding.Latin1.GetBytes(latin1));

    /// <summary>A server that closes in the middle is no failure: it may have answered already.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
                bytes = bytes[await _socket.SendAsync(bytes, TestContext.Current.CancellationToken)..];
        }
        catch (SocketException)
        {
        }
    }

    /// <summary>No more will be sent.</summary>
    public void EndSending()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
        }
    }

    public async Task<int> ReceiveAsync(Memory<byte> buffer)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            return await _socket.ReceiveAsync(buffer, limit.Token);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    /// <summary>The next answer, interim ones included; null: the connection ended before one was complete.</summary>
    /// <param name="method">Of its request: an answer to HEAD has no body.</param>
    public async Task<RawAnswer?> AnswerAsync(string method)
    {
        byte[] received = _rest;
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            if (RawAnswer.Parse(received, method, out int used) is { } answer)
            {
                _rest = received[used..];
                return answer;
            }
            int length = await ReceiveAsync(buffer);
            if (length == 0)
                return null;
            received = [.. received, .. buffer.AsSpan(0, length)];
        }
    }

    /// <summary>Leaves as a client that is killed: with a reset.</summary>
    public void Break()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    public void Dispose() => _socket.Dispose();
}

/// <param name="Headers">Names in lower case.</param>
internal sealed record RawAnswer(int Status, Dictionary<string, string> Headers, byte[] Body)
{
    /// <summary>null: not complete yet.</summary>
    public static RawAnswer? Parse(byte[] received, string method, out int usedBytes)
    {
        usedBytes = 0;
        int end = received.AsSpan().IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return null;
        string[] lines = Encoding.Latin1.GetString(received, 0, end).Split("\r\n");
        if (!lines[0].StartsWith("HTTP/1.", StringComparison.Ordinal))
            throw new InvalidOperationException($"No status line: {lines[0]}");
        int status = int.Parse(lines[0].Split(' ')[1]);
        Dictionary<string, string> headers = [];
        foreach (string line in lines[1..])
        {
            int colon = line.IndexOf(':');
            if (!headers.TryAdd(line[..colon].ToLowerInvariant(), line[(colon + 1)..].Trim()))
                throw new InvalidOperationException($"Twice in one answer: {line}");
        }
        int start = end + 4;
        if (method == "HEAD" || status is 304 or < 200)
        {
            usedBytes = start;
            return new(status, headers, []);
        }
        if (headers.GetValueOrDefault("transfer-encoding") == "chunked")
        {
            int close = received.AsSpan(start).IndexOf("0\r\n\r\n"u8);
            if (close < 0)
                return null;
            usedBytes = start + close + 5;
            return new(status, headers, received[start..usedBytes]);
        }
        int length = int.Parse(headers.GetValueOrDefault("content-length", "0"));
        if (received.Length - start < length)
            return null;
        usedBytes = start + length;
        return new(status, headers, received[start..usedBytes]);
    }
}
