namespace RestorePoints.SnapshotEngine;

/// <summary>A file of the store is not what this version can read: another format, another geometry, or damage.</summary>
public sealed class StoreFormatException(string file, string reason) : Exception($"{file}: {reason}")
{
    public string File { get; } = file;

    public string Reason { get; } = reason;
}
