using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Opens what a grant points at.</summary>
internal sealed class Blobs(RegionStores stores, RegionStates regions, LiveBlobs liveBlobs, UploadFooters uploadFooters)
{
    /// <exception cref="StorageException">BlobNotFound: the disk or point is gone. ServerBusy: its region is lost.</exception>
    public async ValueTask<Blob> OpenAsync(AccessGrant grant, CancellationToken cancellationToken)
    {
        if (regions.IsOffline(grant.Location))
            throw StorageErrors.ServerBusy.AsException();
        byte[]? clientFooter = grant.Kind == AccessKind.Upload ? await uploadFooters.GetAsync(grant.VolumeId, cancellationToken) : null;

        // The version comes before the bytes: a write in between then shows as an ETag that is too old, never as one that is too new.
        BlobVersion version = grant.PointTime is { } time ? new(0, time) : liveBlobs.Get(grant.VolumeId).Version;
        VolumeView view = OpenView(grant.Location, grant.VolumeId, grant.PointId);
        return new Blob(grant, view, clientFooter, version);
    }

    /// <summary>Size of a point; null: there is no such point any more.</summary>
    public long? SizeOfPoint(string location, Guid volumeId, Guid pointId) => stores.Get(location).FindPointSize(volumeId, pointId);

    /// <summary>Whether a point was grown: who read it before has a footer where this size does not tell.</summary>
    public bool WasPointResized(string location, Guid volumeId, Guid pointId) => stores.Get(location).WasPointResized(volumeId, pointId);

    private VolumeView OpenView(string location, Guid volumeId, Guid? pointId)
    {
        SnapshotStore store = stores.Get(location);
        try
        {
            return pointId is { } point ? store.OpenPoint(volumeId, point) : store.OpenHead(volumeId);
        }
        catch (Exception gone) when (gone is VolumeNotFoundException or PointNotFoundException)
        {
            throw StorageErrors.BlobNotFound.AsException();
        }
    }
}
