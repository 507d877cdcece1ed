namespace RestorePoints.SnapshotEngine;

/// <param name="Volumes">Volumes that have not ended.</param>
/// <param name="Points">Points over all volumes.</param>
/// <param name="UsedBytes">Bytes of slots that some viewer can see.</param>
/// <param name="SegmentBytes">Bytes that the segment files take on disk.</param>
/// <param name="MetadataBytes">Bytes of journal and checkpoint files.</param>
public sealed record StoreUsage(int Volumes, int Points, long UsedBytes, long SegmentBytes, long MetadataBytes);
