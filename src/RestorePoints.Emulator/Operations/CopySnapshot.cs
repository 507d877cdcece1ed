using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>CopyStart: makes the volume that takes the bytes, unless earlier copies have one, and starts a <see cref="ReplicateSnapshot"/>.</summary>
public sealed class CopySnapshot(RegionStores regions, ReplicationStarts starts, Removal removal) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Snapshot snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        long sourceBytes = regions.Get(snapshot.SourceLocation!).FindPointSize(snapshot.SourceVolumeId!.Value, snapshot.SourceUniqueId!.Value)
            ?? throw ArmErrors.DiskResourceNotFound(ArmResourceId.Parse(snapshot.SourceResourceId!).Name).AsException();
        if (starts.HeadSize(snapshot.Location, snapshot.VolumeId) is null)
            regions.Get(snapshot.Location).CreateVolume(snapshot.VolumeId, sourceBytes);
        starts.Start<ReplicateSnapshot>(context, snapshot.Id, snapshot.VolumeId, snapshot.Location);
        snapshot.ProvisioningState = ProvisioningState.Succeeded;
        // As recorded: the progress is shown by GET alone.
        context.SetOutput(SnapshotModel.From(snapshot, hasActiveGrant: false, status: null));
    }

    public override async Task FailAsync(OperationContext context)
    {
        if (await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId) is not { } snapshot)
            return;
        snapshot.ProvisioningState = ProvisioningState.Failed;
        await removal.FailCopyAsync(context, snapshot);
    }
}
