using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// Removes from the engine what no row knows: what a crash left between bytes and row. The operations that were interrupted are resumed
/// afterwards; each makes its bytes again.
/// </summary>
public sealed partial class Reconciliation(EmulatorDbContext db, RegionStores regions, ILogger<Reconciliation> log)
{
    public async Task RunAsync()
    {
        if (regions.Existing() is not { Count: > 0 } existing)
            return;
        KnownBytes known = await KnownBytes.ReadAsync(db);
        foreach (string region in existing)
        {
            SnapshotStore store = regions.Get(region);
            foreach (VolumeDescription volume in store.ListVolumes())
            {
                foreach (Guid point in volume.PointIds.Where(point => !known.Points.Contains((volume.VolumeId, point))))
                {
                    store.DeletePoint(volume.VolumeId, point);
                    LogOrphanPoint(point, volume.VolumeId, region);
                }
                if (volume.HasHead && !known.Heads.Contains(volume.VolumeId))
                {
                    store.DeleteHead(volume.VolumeId);
                    LogOrphanVolume(volume.VolumeId, region);
                }
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Point {Point} of volume {Volume} in {Region} had no row and was deleted")]
    private partial void LogOrphanPoint(Guid point, Guid volume, string region);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} in {Region} had no row and was deleted")]
    private partial void LogOrphanVolume(Guid volume, string region);
}
