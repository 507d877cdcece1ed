using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>Applies a PATCH to a disk: tags as a whole, SKU, policies, growth.</summary>
public sealed class UpdateDisk(RegionStores regions) : ArmOperation
{
    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Disk disk = await context.Db.Disks.Include(disk => disk.VirtualMachine).SingleAsync(disk => disk.Id == context.Operation.ResourceRowId, cancellationToken);
        DiskUpdate update = JsonSerializer.Deserialize<DiskUpdate>(context.Operation.Arguments!)!;
        DiskUpdateProperties? properties = update.Properties;
        disk.Tags = Tags.From(update.Tags) ?? disk.Tags;
        disk.SkuName = NewDisks.SkuName(update.Sku?.Name) ?? disk.SkuName;
        disk.OsType = properties?.OsType ?? disk.OsType;
        disk.NetworkAccessPolicy = properties?.NetworkAccessPolicy ?? disk.NetworkAccessPolicy;
        disk.PublicNetworkAccess = properties?.PublicNetworkAccess ?? disk.PublicNetworkAccess;
        disk.IopsReadWrite = properties?.DiskIOPSReadWrite ?? disk.IopsReadWrite;
        disk.MBpsReadWrite = properties?.DiskMBpsReadWrite ?? disk.MBpsReadWrite;
        if (properties?.DiskSizeGB is { } sizeGB && sizeGB << 30 > disk.SizeBytes)
        {
            regions.Get(disk.Location).Resize(disk.Id, sizeGB << 30);
            disk.SizeBytes = sizeGB << 30;
        }
        disk.ProvisioningState = ProvisioningState.Succeeded;
        context.SetOutput(DiskModel.From(disk, (await context.Db.ActiveGrantAsync(disk.Id, context.Operation.StartTime))?.Kind));
    }

    public override async Task FailAsync(OperationContext context)
    {
        Disk? disk = await context.Db.Disks.SingleOrDefaultAsync(disk => disk.Id == context.Operation.ResourceRowId);
        disk?.ProvisioningState = ProvisioningState.Failed;
    }
}
