namespace RestorePoints.SnapshotEngine;

/// <summary>One volume as start-up reconciliation sees it.</summary>
public sealed record VolumeDescription(Guid VolumeId, long SizeBytes, bool HasHead, IReadOnlyList<Guid> PointIds);
