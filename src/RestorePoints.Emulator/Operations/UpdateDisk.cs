using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Applies a PATCH or a repeated PUT to a disk: tags as a whole, SKU, growth, other properties one by one.</summary>
public sealed class UpdateDisk(RegionStores regions, AccessGrants grants, SnapshotAccess access, TimeProvider time) : ArmOperation
{
    /// <param name="ReplaceTags">A PUT without tags removes them; a PATCH without tags keeps them.</param>
    public sealed record Arguments(DiskUpdate Update, bool ReplaceTags);

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Disk disk = await context.Db.Disks.Include(disk => disk.VirtualMachine).SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        // Its creation failed after this change was accepted.
        if (disk.ProvisioningState == ProvisioningState.Failed)
            throw ArmErrors.DiskNotUsable(disk.Name, nameof(ProvisioningState.Failed)).AsException();
        (DiskUpdate update, bool replaceTags) = JsonSerializer.Deserialize<Arguments>(context.Operation.Arguments!)!;
        DiskPropertiesModel? properties = update.Properties;
        // Its size was not known when this change was accepted.
        if (properties?.DiskSizeGB < disk.SizeGB)
            throw ArmErrors.DiskCannotShrink(disk.Name, disk.SizeGB, properties.DiskSizeGB.Value).AsException();
        disk.Tags = Tags.From(update.Tags) ?? (replaceTags ? null : disk.Tags);
        disk.SkuName = NewDisks.SkuName(update.Sku?.Name ?? properties?.AccountType) ?? disk.SkuName;
        disk.OsType = NewDisks.OsType(properties?.OsType) ?? disk.OsType;
        disk.NetworkAccessPolicy = NewDisks.NetworkAccessPolicy(properties?.NetworkAccessPolicy) ?? disk.NetworkAccessPolicy;
        disk.PublicNetworkAccess = NewDisks.PublicNetworkAccess(properties?.PublicNetworkAccess) ?? disk.PublicNetworkAccess;
        if (properties is not null)
            disk.Settings = NewDisks.Settings(DiskModel.Kept(disk.Settings), new DiskModel { Properties = properties with { CreationData = null } });
        disk.IopsReadWrite = properties?.DiskIOPSReadWrite ?? disk.IopsReadWrite;
        disk.MBpsReadWrite = properties?.DiskMBpsReadWrite ?? disk.MBpsReadWrite;
        AccessKind? activeGrant = (await context.Db.ActiveGrantAsync(disk.Id, time.GetUtcNow()))?.Kind;
        if (properties?.DiskSizeGB is { } sizeGB && sizeGB > disk.SizeGB)
        {
            // Granted after the request was accepted.
            if (activeGrant is not null)
                throw ArmErrors.DiskHasActiveAccess(disk.Name).AsException();
            regions.Get(disk.Location).Resize(disk.Id, sizeGB << 30);
            disk.SizeBytes = sizeGB << 30;
            await FailPendingPointsAsync(context, disk);
        }
        context.AfterCommit(() => grants.Change(disk.Id, AccessRules.Of(disk)));
        if (disk.ProvisioningState == ProvisioningState.Updating)
            disk.ProvisioningState = ProvisioningState.Succeeded;
        context.SetOutput(DiskModel.From(disk, activeGrant));
    }

    /// <summary>The copies in the background of an Ultra or Premium SSD v2 disk do not get over a change of its size.</summary>
    private async Task FailPendingPointsAsync(OperationContext context, Disk disk)
    {
        foreach (DiskRestorePoint point in await context.Db.DiskRestorePoints.Include(point => point.RestorePoint).Where(point => point.VolumeId == disk.Id && point.CopyEndTime != null).ToListAsync())
        {
            if (access.Of(point).IsComplete)
                continue;
            point.CopyFailed = true;
            if (point.RestorePoint!.ProvisioningState == ProvisioningState.Succeeded)
                point.RestorePoint.ProvisioningState = ProvisioningState.Failed;
        }
        foreach (Snapshot snapshot in await context.Db.Snapshots.Where(snapshot => snapshot.VolumeId == disk.Id && snapshot.CopyEndTime != null).ToListAsync())
        {
            if (access.Of(snapshot).IsComplete)
                continue;
            snapshot.CopyFailed = true;
            if (snapshot.ProvisioningState != ProvisioningState.Deleting)
                snapshot.ProvisioningState = ProvisioningState.Failed;
        }
    }

    /// <summary>A disk whose change failed is as good as before: one that was never made stays Failed.</summary>
    public override async Task FailAsync(OperationContext context)
    {
        Disk? disk = await context.Db.Disks.SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId);
        if (disk is { ProvisioningState: ProvisioningState.Updating })
            disk.ProvisioningState = ProvisioningState.Succeeded;
    }
}
