using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// Ends the connection of a request early: before its answer begins, or behind some bytes of the answer's body. What the request did stays done.
/// </summary>
public sealed class ConnectionCut
{
    private readonly HttpContext _context;
    private readonly IHttpResponseBodyFeature _whole;
    private readonly StreamResponseBodyFeature _cut;
    private readonly bool _answerIsLost;
    private bool _isCut;

    private ConnectionCut(HttpContext context, long? afterBytes)
    {
        _context = context;
        _answerIsLost = afterBytes is null;
        _whole = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        _cut = new StreamResponseBodyFeature(new CutStream(this, afterBytes ?? 0));
        context.Features.Set<IHttpResponseBodyFeature>(_cut);
    }

    /// <summary>Before the request is served.</summary>
    /// <param name="afterBytes">Of the answer's body; an answer that is not longer arrives whole. null: nothing of the answer arrives.</param>
    public static ConnectionCut Begin(HttpContext context, long? afterBytes) => new(context, afterBytes);

    /// <summary>Takes some bytes of the request's body and ends the connection; the request is not served.</summary>
    public static async Task EndInRequestAsync(HttpContext context, long afterBytes)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            int read = 1;
            for (long left = afterBytes; left > 0 && read > 0; left -= read)
                read = await context.Request.Body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), context.RequestAborted);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or BadHttpRequestException)
        {
            // The client was faster.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        Abort(context);
    }

    /// <summary>After the request was served, whatever came of it.</summary>
    /// <returns>Whether the answer has begun and must not be completed: the caller ends with a <see cref="ConnectionCutException"/>.</returns>
    public async Task<bool> EndAsync()
    {
        try
        {
            await _cut.CompleteAsync();
        }
        catch (OperationCanceledException)
        {
            // What was left to write is behind the cut.
        }
        _context.Features.Set(_whole);
        if (_answerIsLost)
            Abort(_context);
        return _isCut && !_answerIsLost;
    }

    private static void Abort(HttpContext context)
    {
        context.Abort();
        Cancel(context);
    }

    /// <summary>For those who serve the request, the client is gone.</summary>
    private static void Cancel(HttpContext context) => context.RequestAborted = new CancellationToken(canceled: true);

    private sealed class CutStream(ConnectionCut cut, long leftBytes) : Stream
    {
        private long _left = leftBytes;

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty)
                return;
            if (!cut._answerIsLost && !cut._isCut)
            {
                int length = (int)Math.Min(_left, buffer.Length);
                _left -= length;
                await cut._whole.Stream.WriteAsync(buffer[..length], cancellationToken);
                if (length == buffer.Length)
                    return;
                // Also where no byte of the body may pass: status and headers do.
                await cut._whole.Stream.FlushAsync(cancellationToken);
            }
            cut._isCut = true;
            Cancel(cut._context);
            throw new OperationCanceledException("A fault rule cut the connection.");
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task FlushAsync(CancellationToken cancellationToken) => cut._answerIsLost || cut._isCut ? Task.CompletedTask : cut._whole.Stream.FlushAsync(cancellationToken);

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

/// <summary>Tells the server to end a connection in the middle of an answer: what was written is sent, and no more.</summary>
public sealed class ConnectionCutException() : Exception("A fault rule cut the connection.");
