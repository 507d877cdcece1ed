using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.VhdImports;

/// <summary>What one GET answers, streamed. No redirect is followed, no proxy asked.</summary>
internal sealed class HttpSource : VhdSource
{
    private readonly HttpResponseMessage _response;
    private readonly Stream _body;
    private readonly ServerPatience _patience;
    private TimeSpan _waited;

    private HttpSource(string url, HttpResponseMessage response, Stream body, ServerPatience patience) : base(url, response.Content.Headers.ContentLength!.Value)
    {
        _response = response;
        _body = body;
        _patience = patience;
    }

    public static HttpClient NewClient() => new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false }) { Timeout = Timeout.InfiniteTimeSpan };

    public static async Task<HttpSource> OpenAsync(HttpClient http, string url, Uri address, ServerPatience patience, CancellationToken cancellationToken)
    {
        HttpResponseMessage? response = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience.Silence);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (FaultOf(response) is { } fault)
                throw ArmErrors.ImportSourceUnreadable(url, fault).AsException();
            var source = new HttpSource(url, response, await response.Content.ReadAsStreamAsync(limit.Token), patience);
            response = null;
            return source;
        }
        catch (HttpRequestException exception)
        {
            throw ArmErrors.ImportSourceUnreadable(url, $"the server cannot be reached: {(exception.InnerException ?? exception).Message}").AsException();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw ArmErrors.ImportSourceUnreadable(url, $"the server did not answer within {patience.Silence.TotalSeconds} seconds").AsException();
        }
        finally
        {
            response?.Dispose();
        }
    }

    /// <summary>The offsets that are asked for follow each other: there is one stream.</summary>
    public override async Task ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        TimeSpan left = _patience.Silence + TimeSpan.FromSeconds((double)offsetBytes / _patience.BytesPerSecond) - _waited;
        bool isSlow = left < _patience.Silence;
        limit.CancelAfter(isSlow ? TimeSpan.FromTicks(Math.Max(0, left.Ticks)) : _patience.Silence);
        int wantedBytes = buffer.Length;
        long started = TimeProvider.System.GetTimestamp();
        try
        {
            while (buffer.Length > 0)
            {
                int read = await _body.ReadAsync(buffer, limit.Token);
                if (read == 0)
                    throw EndedEarly(offsetBytes);
                offsetBytes += read;
                buffer = buffer[read..];
            }
        }
        catch (IOException)
        {
            throw EndedEarly(offsetBytes);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unreadable(isSlow
                ? $"the server sent less than {_patience.BytesPerSecond} bytes per second on average, {offsetBytes} of {LengthBytes} bytes in all"
                : $"the server sent less than {wantedBytes} bytes in {_patience.Silence.TotalSeconds} seconds, {offsetBytes} of {LengthBytes} bytes in all");
        }
        finally
        {
            _waited += TimeProvider.System.GetElapsedTime(started);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await _body.DisposeAsync();
        _response.Dispose();
    }

    private static string? FaultOf(HttpResponseMessage response) => (int)response.StatusCode switch
    {
        >= 300 and < 400 => $"the server answered {(int)response.StatusCode}, and redirects are not followed",
        not 200 => $"the server answered {(int)response.StatusCode}",
        _ when response.Content.Headers.ContentLength is null => "the server did not tell its length (Content-Length)",
        _ when response.Content.Headers.ContentEncoding.Count > 0 => "the server sent it encoded (Content-Encoding)",
        _ => null,
    };
}
