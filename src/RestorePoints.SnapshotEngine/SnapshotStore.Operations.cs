namespace RestorePoints.SnapshotEngine;

// What the public operations have in common: entering, checking, finding.
public sealed partial class SnapshotStore
{
    internal ReadEpochs Epochs => _epochs;

    internal SlotAllocator Slots => _slots;

    internal VolumeSet Volumes => _volumes;

    internal Journal Journal => _journal;

    internal int PagesPerRegion => _geometry.PagesPerRegion;

    /// <summary>A view is closed: what only it could see goes, unless the store is closed already.</summary>
    internal void CloseView(Volume volume, Viewer? point)
    {
        bool mayFree;
        lock (volume.PinLock)
        {
            if (point is null) mayFree = --volume.HeadViews == 0 && !volume.HasHead;
            else mayFree = --point.ViewPins == 0 && !point.IsNeeded;
        }

        if (!mayFree) return;
        _operations.EnterShared();
        try
        {
            if (_disposed) return;
            volume.Gate.EnterExclusive();
            int[] work;
            try
            {
                Viewer? viewer = point ?? volume.Viewers.Head;
                work = viewer is null ? [] : volume.DetachUnneeded(viewer);
            }
            finally
            {
                volume.Gate.ExitExclusive();
            }

            _volumes.Reclaim(volume, work, _journal.LastSequence);
        }
        finally
        {
            _operations.ExitShared();
        }
    }

    /// <summary>Runs a change that returns its commit group, then waits for that group where durability asks for it.</summary>
    private void Change(Func<long> change)
    {
        long group;
        _operations.EnterShared();
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _journal.ThrowIfFailed();
            group = change();
        }
        finally
        {
            _operations.ExitShared();
        }

        _journal.Commit(group);
        CheckpointIfLong();
    }

    private void EnterWrite(Volume volume, long offsetBytes, long lengthBytes)
    {
        _operations.EnterShared();
        volume.Gate.EnterShared();
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _journal.ThrowIfFailed();
            CheckHead(volume);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(offsetBytes, volume.SizeBytes - lengthBytes);
        }
        catch
        {
            ExitWrite(volume);
            throw;
        }
    }

    private void ExitWrite(Volume volume)
    {
        volume.Gate.ExitShared();
        _operations.ExitShared();
    }

    private Volume FindVolume(Guid volumeId)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _volumes.Find(volumeId) ?? throw new VolumeNotFoundException(volumeId);
    }

    private static void CheckHead(Volume volume)
    {
        if (!volume.HasHead) throw new VolumeNotFoundException(volume.Id);
    }

    private static void CheckSectors(long offsetBytes, long lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        if (offsetBytes % Geometry.SectorBytes != 0) throw new ArgumentOutOfRangeException(nameof(offsetBytes), offsetBytes, $"Not a multiple of {Geometry.SectorBytes}.");
        if (lengthBytes % Geometry.SectorBytes != 0) throw new ArgumentOutOfRangeException(nameof(lengthBytes), lengthBytes, $"Not a multiple of {Geometry.SectorBytes}.");
    }

    private void CheckSize(long sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, Math.Min(Geometry.MaxVolumeBytes, (long)RegionDirectory.MaxRegions * _geometry.PagesPerRegion * Geometry.PageBytes));
        if (sizeBytes % Geometry.PageBytes != 0) throw new ArgumentOutOfRangeException(nameof(sizeBytes), sizeBytes, $"Not a multiple of {Geometry.PageBytes}.");
    }

    private bool IsRepeat(Guid volumeId, long sizeBytes, Guid? sourceVolumeId)
    {
        if (_volumes.HasEnded(volumeId)) throw new InvalidOperationException($"The id {volumeId} belonged to a volume that has ended.");
        if (_volumes.Find(volumeId) is not { } volume) return false;
        if (volume.HasHead && volume.InitialSizeBytes == sizeBytes && volume.Parent?.Id == sourceVolumeId) return true;
        throw new InvalidOperationException($"The id {volumeId} belongs to another volume.");
    }

    /// <summary>How much of a range one request takes: it ends at a page boundary or with the range.</summary>
    private int RequestLength(long offsetBytes, long lengthBytes)
    {
        long limitBytes = (long)_geometry.PagesPerRequest * Geometry.PageBytes - offsetBytes % Geometry.PageBytes;
        return (int)Math.Min(lengthBytes, limitBytes);
    }

    private long NextTouchedBytes(Volume volume, long offsetBytes)
    {
        long regionBytes = (long)_geometry.PagesPerRegion * Geometry.PageBytes;
        return volume.NextTouched((int)(offsetBytes / regionBytes)) * regionBytes;
    }
}
