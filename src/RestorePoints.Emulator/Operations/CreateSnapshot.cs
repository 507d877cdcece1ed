using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>Freezes one instant of a disk, or makes a snapshot that is empty or has the bytes of another; no bytes are copied.</summary>
public sealed class CreateSnapshot(RegionStores regions, SnapshotAccess access) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Snapshot snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        SnapshotStore store = regions.Get(snapshot.Location);
        try
        {
            if (snapshot.VolumeId == snapshot.Id)
                await FillOwnVolumeAsync(context, store, snapshot, cancellationToken);
            else
                FreezeDisk(store, snapshot);
        }
        catch (Exception exception) when (exception is PointNotFoundException or VolumeNotFoundException)
        {
            // The source went away after the request was accepted.
            throw ArmErrors.DiskResourceNotFound(ArmResourceId.Parse(snapshot.SourceResourceId!).Name).AsException();
        }
        DateTimeOffset now = context.Instant;
        snapshot.SnapshotTime = await context.Db.NextSnapshotTimeAsync(snapshot.VolumeId, now);
        if (await context.Db.Disks.SingleOrDefaultAsync(disk => disk.Id == snapshot.VolumeId, cancellationToken) is { } disk && SnapshotAccess.IsCopied(disk))
            BeginCopy(snapshot, now);
        snapshot.ProvisioningState = ProvisioningState.Succeeded;
        context.SetOutput(SnapshotModel.From(snapshot, hasActiveGrant: false, access.Of(snapshot)));
    }

    public override async Task FailAsync(OperationContext context)
    {
        Snapshot? snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId);
        snapshot?.ProvisioningState = ProvisioningState.Failed;
    }

    private void BeginCopy(Snapshot snapshot, DateTimeOffset now)
    {
        snapshot.CopyEndTime = access.Begin(snapshot.Id, "Snapshots_CreateOrUpdate", ArmResourceId.Of(snapshot.SubscriptionId, snapshot.ResourceGroupName, "snapshots", snapshot.Name), now);
        if (SnapshotModel.Kept(snapshot.Settings).Properties?.CreationData?.InstantAccessDurationMinutes is { } minutes)
            snapshot.InstantAccessEndTime = now + TimeSpan.FromMinutes(minutes);
    }

    private static void FreezeDisk(SnapshotStore store, Snapshot snapshot)
    {
        // A point that an interrupted run left may be older than points with an earlier time; nobody has seen it.
        store.DeletePoint(snapshot.VolumeId, snapshot.Id);
        store.CreatePoint(snapshot.Id, [snapshot.VolumeId]);
        // The disk may have grown since the request was accepted.
        snapshot.SizeBytes = Math.Max(snapshot.SizeBytes, store.FindPointSize(snapshot.VolumeId, snapshot.Id)!.Value);
        store.ResizePoint(snapshot.VolumeId, snapshot.Id, snapshot.SizeBytes);
    }

    /// <summary>A volume cannot be made twice once its head is gone, so a repeat after a crash goes on where the first run ended.</summary>
    private static async Task FillOwnVolumeAsync(OperationContext context, SnapshotStore store, Snapshot snapshot, CancellationToken cancellationToken)
    {
        if (store.FindPointSize(snapshot.Id, snapshot.Id) is { } sizeBytes)
        {
            snapshot.SizeBytes = sizeBytes;
        }
        else
        {
            if (snapshot.CreateOption == DiskCreateOption.Empty)
            {
                store.CreateVolume(snapshot.Id, snapshot.SizeBytes);
            }
            else
            {
                Snapshot source = await context.Db.Snapshots.SingleOrDefaultAsync(source => source.Id == snapshot.SourceUniqueId, cancellationToken)
                    ?? throw ArmErrors.DiskResourceNotFound(ArmResourceId.Parse(snapshot.SourceResourceId!).Name).AsException();
                snapshot.SizeBytes = Math.Max(snapshot.SizeBytes, source.SizeBytes);
                store.CreateVolumeFromPoint(snapshot.Id, source.VolumeId, source.Id, snapshot.SizeBytes);
            }
            store.CreatePoint(snapshot.Id, [snapshot.Id]);
        }
        store.DeleteHead(snapshot.Id);
    }
}
