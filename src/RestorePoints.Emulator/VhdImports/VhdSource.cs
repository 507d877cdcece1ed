using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.VhdImports;

/// <summary>A source that is being imported, read once from its beginning to its end.</summary>
/// <param name="url">For messages: without query.</param>
/// <param name="lengthBytes">Of the whole source, footer included.</param>
internal abstract class VhdSource(string url, long lengthBytes) : IAsyncDisposable
{
    public string Url { get; } = url;

    public long LengthBytes { get; } = lengthBytes;

    /// <summary>Fills the buffer with what begins at <paramref name="offsetBytes"/>.</summary>
    /// <exception cref="ArmException">The source ended early or failed.</exception>
    public abstract Task ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>The last bytes, when they can be had before the others.</summary>
    public virtual bool TryReadEnd(Span<byte> buffer) => false;

    /// <summary>Where the next data begins, at <paramref name="offsetBytes"/> or behind it; what is before it is a hole, all zeros.</summary>
    public virtual long SkipHole(long offsetBytes) => offsetBytes;

    public abstract ValueTask DisposeAsync();

    protected ArmException EndedEarly(long atBytes) => Unreadable($"it ended after {atBytes} of {LengthBytes} bytes");

    protected ArmException Unreadable(string reason) => ArmErrors.ImportSourceUnreadable(Url, reason).AsException();
}

/// <summary>A file, whose holes are not read.</summary>
internal sealed partial class FileSource : VhdSource
{
    private const int SeekData = 3, NoSuchData = 6;

    private readonly SafeFileHandle _file;

    private FileSource(string url, SafeFileHandle file) : base(url, RandomAccess.GetLength(file)) => _file = file;

    /// <param name="path">Without links.</param>
    public static FileSource Open(string url, string path)
    {
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists)
                throw ArmErrors.ImportSourceUnreadable(url, "there is no such file").AsException();
            // What is no regular file has no length: a pipe would hang, a device never end.
            if (info.Length == 0)
                throw ArmErrors.ImportSourceUnreadable(url, "it is empty").AsException();
            return new FileSource(url, File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ArmErrors.ImportSourceUnreadable(url, "the file cannot be opened").AsException();
        }
    }

    public override Task ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Fill(offsetBytes, buffer.Span);
        return Task.CompletedTask;
    }

    public override bool TryReadEnd(Span<byte> buffer)
    {
        Fill(LengthBytes - buffer.Length, buffer);
        return true;
    }

    public override long SkipHole(long offsetBytes)
    {
        if (!OperatingSystem.IsLinux())
            return offsetBytes;
        long data = lseek(_file, offsetBytes, SeekData);
        if (data >= 0)
            return data;
        // No data up to the end, or a file system that does not tell.
        return Marshal.GetLastPInvokeError() == NoSuchData ? LengthBytes : offsetBytes;
    }

    public override ValueTask DisposeAsync()
    {
        _file.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Fill(long offsetBytes, Span<byte> buffer)
    {
        try
        {
            while (buffer.Length > 0)
            {
                int read = RandomAccess.Read(_file, buffer, offsetBytes);
                if (read == 0)
                    throw EndedEarly(offsetBytes);
                offsetBytes += read;
                buffer = buffer[read..];
            }
        }
        catch (IOException exception)
        {
            throw Unreadable(exception.Message);
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(SafeFileHandle file, long offset, int whence);
}

/// <summary>What one GET answers, streamed. No redirect is followed, no proxy asked.</summary>
internal sealed class HttpSource : VhdSource
{
    private readonly HttpResponseMessage _response;
    private readonly Stream _body;
    private readonly TimeSpan _patience;

    private HttpSource(string url, HttpResponseMessage response, Stream body, TimeSpan patience) : base(url, response.Content.Headers.ContentLength!.Value)
    {
        _response = response;
        _body = body;
        _patience = patience;
    }

    public static HttpClient NewClient() => new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <param name="patience">How long the server may take to answer, and then for each read.</param>
    public static async Task<HttpSource> OpenAsync(HttpClient http, string url, Uri address, TimeSpan patience, CancellationToken cancellationToken)
    {
        HttpResponseMessage? response = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
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
            throw ArmErrors.ImportSourceUnreadable(url, $"the server did not answer within {patience.TotalSeconds} seconds").AsException();
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
        limit.CancelAfter(_patience);
        int wantedBytes = buffer.Length;
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
            throw Unreadable($"the server sent less than {wantedBytes} bytes in {_patience.TotalSeconds} seconds, {offsetBytes} of {LengthBytes} bytes in all");
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
