namespace RestorePoints.SnapshotEngine;

public sealed class VolumeNotFoundException(Guid volumeId) : Exception($"Volume {volumeId} is not in this store, or its head was deleted.")
{
    public Guid VolumeId { get; } = volumeId;
}
