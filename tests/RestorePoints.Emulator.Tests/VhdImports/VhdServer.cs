using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RestorePoints.Emulator.Tests.VhdImports;

/// <summary>A server that answers each request with the bytes that a test gave it for the path, and keeps what it was asked.</summary>
internal sealed class VhdServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<string, Func<Stream, Task>> _answers = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    public VhdServer()
    {
        _listener.Start();
        Url = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _accepting = AcceptAsync();
    }

    public string Url { get; }

    /// <summary>First lines of the requests.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    /// <param name="path">Without query.</param>
    public string Serve(string path, Func<Stream, Task> answer)
    {
        _answers[path] = answer;
        return Url + path;
    }

    /// <summary>Serves a body as a plain web server does.</summary>
    public string Serve(string path, byte[] body) => Serve(path, stream => SendAsync(stream, $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n", body));

    public static async Task SendAsync(Stream stream, string head, ReadOnlyMemory<byte> body)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
        await stream.WriteAsync(body);
        await stream.FlushAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            TcpClient client = await _listener.AcceptTcpClientAsync(_stopping.Token);
            _ = AnswerAsync(client);
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                string first = await reader.ReadLineAsync(_stopping.Token) ?? "";
                while (!string.IsNullOrEmpty(await reader.ReadLineAsync(_stopping.Token)))
                {
                }
                _requests.Enqueue(first);
                string path = first.Split(' ')[1].Split('?')[0];
                if (_answers.TryGetValue(path, out Func<Stream, Task>? answer))
                    await answer(stream);
                else
                    await SendAsync(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", default);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException)
            {
                // The client or the test went away.
            }
        }
    }
}
