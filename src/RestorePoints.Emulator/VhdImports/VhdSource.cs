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
