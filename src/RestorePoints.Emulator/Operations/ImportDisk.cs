using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.VhdImports;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>Makes a disk from a VHD.</summary>
public sealed class ImportDisk(VhdTransfer transfer, RegionStores regions, CatalogWriter writer) : ImportVhd(transfer, regions, writer)
{
    private readonly RegionStores _regions = regions;

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Disk disk = await context.Db.Disks.SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        using (VolumeView volume = _regions.Get(disk.Location).OpenHead(disk.Id))
            disk.SizeBytes = volume.SizeBytes;
        disk.ProvisioningState = ProvisioningState.Succeeded;
        context.SetOutput(DiskModel.From(disk, null));
    }

    public override async Task FailAsync(OperationContext context)
    {
        Disk? disk = await context.Db.Disks.SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId);
        disk?.ProvisioningState = ProvisioningState.Failed;
        FreeAfterCommit(context, disk);
    }

    protected override async Task<(TrackedResource Resource, string SourceUri)?> FindAsync(EmulatorDbContext db, Guid id) =>
        await db.Disks.AsNoTracking().SingleOrDefaultAsync(disk => disk.Id == id) is { } disk ? (disk, DiskModel.Kept(disk.Settings).Properties!.CreationData!.SourceUri!) : null;

    protected override ArmError SmallerThanSource(string name, long sourceGB, long requestedGB) => ArmErrors.DiskSmallerThanSource(name, sourceGB, requestedGB);
}
