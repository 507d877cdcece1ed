namespace RestorePoints.SnapshotEngine;

// Images: the index of one instant in a file, and its slots, which stay as they are while somebody reads them.
// No point lasts: freezing the heads for a moment makes later writes go to fresh slots, and an epoch keeps what is freed meanwhile from being used again.
public sealed partial class SnapshotStore
{
    /// <summary>Keeps every change out until <see cref="ExitExclusive"/>, on the same thread.</summary>
    internal void EnterExclusive() => _operations.EnterExclusive();

    internal void ExitExclusive() => _operations.ExitExclusive();

    /// <summary>Between <see cref="EnterExclusive"/> and <see cref="ExitExclusive"/>. <see cref="DropImagePoint"/> and <see cref="ReleaseImage"/> must follow.</summary>
    /// <param name="pointId">Of the point that freezes the heads for the moment.</param>
    /// <returns>What <see cref="ReleaseImage"/> takes.</returns>
    internal int WriteImage(string indexPath, Guid pointId)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _journal.ThrowIfFailed();
        using (StoreFile index = StoreFile.Create(indexPath)) new CheckpointWriter(index).Write(_geometry, _journal.LastSequence, _volumes);
        int epoch = _epochs.EnterPlace();
        try
        {
            Volume[] heads = [.. _volumes.All.Where(volume => volume.HasHead).OrderBy(volume => volume.Id)];
            if (heads.Length == 0) return epoch;
            JournalPayload payload = JournalPayload.Start().Add(pointId);
            foreach (Volume volume in heads) payload.Add(volume.Id);
            _journal.Append(JournalRecordType.CreatePoint, payload.Bytes);
            foreach (Volume volume in heads)
            {
                volume.Gate.EnterExclusive();
                volume.Freeze(pointId);
                volume.Gate.ExitExclusive();
            }

            return epoch;
        }
        catch
        {
            _epochs.Leave(epoch);
            throw;
        }
    }

    internal void DropImagePoint(Guid pointId)
    {
        foreach (Volume volume in _volumes.All) DeletePoint(volume.Id, pointId);
    }

    internal void ReleaseImage(int epoch) => _epochs.Leave(epoch);

    internal Geometry Geometry => _geometry;
}
