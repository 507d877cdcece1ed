using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.VhdImports;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>Makes a snapshot from a VHD: a point in a volume of its own.</summary>
public sealed class ImportSnapshot(VhdTransfer transfer, RegionStores regions, CatalogWriter writer) : ImportVhd(transfer, regions, writer)
{
    private readonly RegionStores _regions = regions;

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Snapshot snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        SnapshotStore store = _regions.Get(snapshot.Location);
        // The head may be gone already in a repeat after a crash.
        if (store.FindPointSize(snapshot.Id, snapshot.Id) is null)
            store.CreatePoint(snapshot.Id, [snapshot.Id]);
        store.DeleteHead(snapshot.Id);
        snapshot.SizeBytes = store.FindPointSize(snapshot.Id, snapshot.Id)!.Value;
        snapshot.SnapshotTime = await context.Db.NextSnapshotTimeAsync(snapshot.VolumeId, context.Instant);
        snapshot.ProvisioningState = ProvisioningState.Succeeded;
        context.SetOutput(SnapshotModel.From(snapshot, hasActiveGrant: false, SnapshotStatus.Complete));
    }

    public override async Task FailAsync(OperationContext context)
    {
        Snapshot? snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == context.Operation.ResourceRowId);
        snapshot?.ProvisioningState = ProvisioningState.Failed;
        FreeAfterCommit(context, snapshot);
    }

    protected override async Task<(TrackedResource Resource, string SourceUri)?> FindAsync(EmulatorDbContext db, Guid id) =>
        await db.Snapshots.AsNoTracking().SingleOrDefaultAsync(snapshot => snapshot.Id == id) is { } snapshot
            ? (snapshot, SnapshotModel.Kept(snapshot.Settings).Properties!.CreationData!.SourceUri!)
            : null;

    protected override ArmError SmallerThanSource(string name, long sourceGB, long requestedGB) => ArmErrors.SnapshotSmallerThanSource(name, sourceGB, requestedGB);
}
