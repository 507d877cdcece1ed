using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>Makes the volume of a new disk: empty, or with the content of another disk, of a snapshot or of a disk restore point, without copying bytes.</summary>
public sealed class CreateDisk(RegionStores regions) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Disk disk = await context.Db.Disks.SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        SnapshotStore store = regions.Get(disk.Location);
        try
        {
            await MakeVolumeAsync(context, store, disk, cancellationToken);
        }
        catch (Exception exception) when (exception is PointNotFoundException or VolumeNotFoundException)
        {
            // The source went away after the request was accepted.
            throw ArmErrors.DiskResourceNotFound(ArmResourceId.Parse(disk.SourceResourceId!).Name).AsException();
        }
        disk.ProvisioningState = ProvisioningState.Succeeded;
        context.SetOutput(DiskModel.From(disk, null));
    }

    public override async Task FailAsync(OperationContext context)
    {
        Disk? disk = await context.Db.Disks.SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId);
        disk?.ProvisioningState = ProvisioningState.Failed;
    }

    private static async Task MakeVolumeAsync(OperationContext context, SnapshotStore store, Disk disk, CancellationToken cancellationToken)
    {
        switch (disk.CreateOption)
        {
            case DiskCreateOption.Copy when ArmResourceId.Parse(disk.SourceResourceId!).IsOfType("snapshots"):
                Snapshot snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == disk.SourceUniqueId, cancellationToken)
                    ?? throw ArmErrors.DiskResourceNotFound(ArmResourceId.Parse(disk.SourceResourceId!).Name).AsException();
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
                ArmResourceId id = ArmResourceId.Parse(disk.SourceResourceId!);
                DiskRestorePoint source = await context.Db.DiskRestorePoints.WithId(id).SingleOrDefaultAsync(cancellationToken)
                    ?? throw ArmErrors.DiskResourceNotFound(id.Name).AsException();
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
