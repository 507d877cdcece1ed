namespace RestorePoints.SnapshotEngine;

public sealed class PointNotFoundException(Guid volumeId, Guid pointId) : Exception($"Volume {volumeId} has no point {pointId} that can serve here.")
{
    public Guid VolumeId { get; } = volumeId;
    public Guid PointId { get; } = pointId;
}
