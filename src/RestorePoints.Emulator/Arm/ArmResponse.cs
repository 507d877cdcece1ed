using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace RestorePoints.Emulator.Arm;

/// <summary>Writes ARM bodies outside of controllers.</summary>
public static class ArmResponse
{
    /// <summary>Segments of a list answer; a pipe takes them from a pool.</summary>
    private static readonly PipeOptions Buffers = new(pauseWriterThreshold: 0, minimumSegmentSize: 16384, useSynchronizationContext: false);

    /// <summary>Serialises to pooled memory first, so that Content-Length is known.</summary>
    public static async Task WriteArmJsonAsync(this HttpContext context, object value, string apiVersion)
    {
        var pipe = new Pipe(Buffers);
        await JsonSerializer.SerializeAsync(pipe.Writer, value, value.GetType(), ArmJson.OptionsFor(apiVersion), CancellationToken.None);
        await pipe.Writer.CompleteAsync();
        ReadResult body = await pipe.Reader.ReadAsync(CancellationToken.None);
        context.Response.ContentType = ArmJson.ContentType;
        context.Response.ContentLength = body.Buffer.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            foreach (ReadOnlyMemory<byte> segment in body.Buffer)
                context.Response.BodyWriter.Write(segment.Span);
            await context.Response.BodyWriter.FlushAsync(CancellationToken.None);
        }
        await pipe.Reader.CompleteAsync();
    }

    public static Task WriteArmErrorAsync(this HttpContext context, ArmError error)
    {
        context.Response.StatusCode = error.Status;
        if (error.FailureCause is not null)
            context.Response.Headers["x-ms-failure-cause"] = error.FailureCause;
        if (error.RetryAfterSeconds is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString();
        return context.WriteArmJsonAsync(new ErrorEnvelope(new ErrorBody(error.Code, error.Message, error.Target, error.Details)), "");
    }

    private sealed record ErrorEnvelope(ErrorBody Error);

    private sealed record ErrorBody(string Code, string Message, string? Target, IReadOnlyList<ArmErrorDetail>? Details);
}
