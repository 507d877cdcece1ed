namespace RestorePoints.SnapshotEngine;

/// <summary>
/// Writing to the store's files failed, so what the page cache holds can no longer be trusted to reach the disk.
/// The store accepts no more changes; close it and open it again, which recovers what was acknowledged.
/// </summary>
public sealed class StoreFailedException(Exception cause)
    : Exception($"The snapshot store stopped accepting changes: {cause.Message}", cause);
