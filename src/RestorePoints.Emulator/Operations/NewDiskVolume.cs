using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>Makes the volume of a new disk: empty, or with the content of another disk, of a snapshot or of a disk restore point, without copying bytes.</summary>
public static class NewDiskVolume
{
    /// <summary>May run again after a crash. The size of the disk becomes that of a source that has grown meanwhile.</summary>
    /// <exception cref="ArmException">404: the source went away after the request was accepted.</exception>
    public static async Task MakeAsync(OperationContext context, RegionStores regions, Disk disk, CancellationToken cancellationToken)
    {
        try
        {
            await MakeAsync(context, regions.Get(disk.Location), disk, cancellationToken);
        }
        catch (Exception exception) when (exception is PointNotFoundException or VolumeNotFoundException)
        {
            throw SourceIsGone(disk);
        }
    }

    private static async Task MakeAsync(OperationContext context, SnapshotStore store, Disk disk, CancellationToken cancellationToken)
    {
        switch (disk.CreateOption)
        {
            case DiskCreateOption.Copy when ArmResourceId.Parse(disk.SourceResourceId!).IsOfType("snapshots"):
                Snapshot snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == disk.SourceUniqueId, cancellationToken)
                    ?? throw SourceIsGone(disk);
                disk.SizeBytes = Math.Max(disk.SizeBytes, snapshot.SizeBytes);
                store.CreateVolumeFromPoint(disk.Id, snapshot.VolumeId, snapshot.Id, disk.SizeBytes);
                break;
            case DiskCreateOption.Copy:
                Guid sourceId = disk.SourceUniqueId!.Value;
                // The source may have grown since the request was accepted.
                long sourceBytes = await context.Db.Disks.Where(source => source.Id == sourceId).Select(source => source.SizeBytes).SingleOrDefaultAsync(cancellationToken);
                disk.SizeBytes = Math.Max(disk.SizeBytes, sourceBytes);
                MakeFromHead(store, disk, sourceId, context.Operation.Id);
                break;
            case DiskCreateOption.Restore:
                DiskRestorePoint source = await context.Db.DiskRestorePoints.WithId(ArmResourceId.Parse(disk.SourceResourceId!)).SingleOrDefaultAsync(cancellationToken)
                    ?? throw SourceIsGone(disk);
                if (source.IsComplete)
                    store.CreateVolumeFromPoint(disk.Id, source.VolumeId, source.RestorePointId, disk.SizeBytes);
                else
                    // What is replicated so far.
                    MakeFromHead(store, disk, source.VolumeId, context.Operation.Id);
                break;
            default:
                store.CreateVolume(disk.Id, disk.SizeBytes);
                break;
        }
    }

    private static ArmException SourceIsGone(Disk disk) => ArmErrors.DiskResourceNotFound(ArmResourceId.Parse(disk.SourceResourceId!).Name).AsException();

    /// <param name="moment">Names a point that lives only for the copy: the operation's id; a repeat after a crash finds or makes it again.</param>
    private static void MakeFromHead(SnapshotStore store, Disk disk, Guid volumeId, Guid moment)
    {
        try
        {
            store.CreatePoint(moment, [volumeId]);
            store.CreateVolumeFromPoint(disk.Id, volumeId, moment, disk.SizeBytes);
        }
        finally
        {
            store.DeletePoint(volumeId, moment);
        }
    }
}
