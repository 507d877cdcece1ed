namespace RestorePoints.Emulator.Tests.VhdImports;

/// <summary>An answer of a server that stops before its last MiB until the test lets it go on.</summary>
internal sealed class HeldAnswer(byte[] body) : IAsyncDisposable
{
    private readonly TaskCompletionSource _halfSent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What comes before the stop is on its way.</summary>
    public Task HalfSent => _halfSent.Task;

    public void Release() => _release.TrySetResult();

    public async Task AnswerAsync(Stream stream)
    {
        int half = body.Length - (1 << 20);
        await VhdServer.SendAsync(stream, $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n", body.AsMemory(0, half));
        _halfSent.TrySetResult();
        await _release.Task;
        await stream.WriteAsync(body.AsMemory(half));
    }

    public ValueTask DisposeAsync()
    {
        Release();
        return ValueTask.CompletedTask;
    }
}
