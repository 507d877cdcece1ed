using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// <c>/emulator{resourceId}/content</c>: the raw image of a disk out and in, without VHD footer, in any state of the disk; of a disk restore
/// point or snapshot out.
/// </summary>
public static class DiskContent
{
    internal const string DiskPath = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroup}/providers/Microsoft.Compute/disks/{disk}";

    private const string SnapshotPath = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroup}/providers/Microsoft.Compute/snapshots/{snapshot}";

    private const string DiskRestorePointPath =
        "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroup}/providers/Microsoft.Compute/restorePointCollections/{collection}/restorePoints/{restorePoint}/diskRestorePoints/{diskRestorePoint}";

    public static IEndpointRouteBuilder MapDiskContent(this IEndpointRouteBuilder routes)
    {
        routes.MapGet($"/emulator{DiskPath}/content", GetDiskAsync);
        routes.MapPut($"/emulator{DiskPath}/content", PutDiskAsync).WithMetadata(new NoSizeLimit());
        routes.MapGet($"/emulator{SnapshotPath}/content", GetSnapshotAsync);
        routes.MapGet($"/emulator{DiskRestorePointPath}/content", GetDiskRestorePointAsync);
        return routes;
    }

    private static async Task GetDiskAsync(string subscriptionId, string resourceGroup, string disk,
        HttpContext context, EmulatorDbContext db, RegionStores stores)
    {
        Disk found = await DiskContentLookup.FindDiskAsync(db, subscriptionId, resourceGroup, disk, context.RequestAborted);
        await SendAsync(context, found.Name, () => stores.Get(found.Location).OpenHead(found.Id));
    }

    private static async Task GetSnapshotAsync(string subscriptionId, string resourceGroup, string snapshot,
        HttpContext context, EmulatorDbContext db, RegionStores stores)
    {
        Snapshot found = await DiskContentLookup.FindSnapshotAsync(db, subscriptionId, resourceGroup, snapshot, context.RequestAborted);
        await SendAsync(context, found.Name, () => stores.Get(found.Location).OpenPoint(found.VolumeId, found.Id));
    }

    private static async Task GetDiskRestorePointAsync(string subscriptionId, string resourceGroup, string collection, string restorePoint, string diskRestorePoint,
        HttpContext context, EmulatorDbContext db, RegionStores stores)
    {
        DiskRestorePoint found = await DiskContentLookup.FindDiskRestorePointAsync(
            db, subscriptionId, resourceGroup, collection, restorePoint, diskRestorePoint, context.RequestAborted);
        await SendAsync(context, found.Name, () => stores.Get(found.Location).OpenPoint(found.VolumeId, found.RestorePointId));
    }

    private static async Task PutDiskAsync(string subscriptionId, string resourceGroup, string disk,
        HttpContext context, EmulatorDbContext db, RegionStores stores, LiveBlobs liveBlobs)
    {
        Disk found = await DiskContentLookup.FindDiskAsync(db, subscriptionId, resourceGroup, disk, context.RequestAborted);
        long sizeBytes = found.SizeBytes;
        if (context.Request.ContentLength > sizeBytes)
            throw TooLarge(sizeBytes).AsException();
        try
        {
            if (!await DiskContentImage.ReadFromAsync(context.Request.Body, stores.Get(found.Location), found.Id, sizeBytes, context.RequestAborted))
                throw TooLarge(sizeBytes).AsException();
        }
        catch (VolumeNotFoundException)
        {
            throw ArmErrors.DiskResourceNotFound(found.Name).AsException();
        }
        finally
        {
            liveBlobs.Changed(found.Id);
        }
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task SendAsync(HttpContext context, string name, Func<VolumeView> open)
    {
        VolumeView view;
        try
        {
            view = open();
        }
        catch (Exception gone) when (gone is VolumeNotFoundException or PointNotFoundException)
        {
            throw ArmErrors.DiskResourceNotFound(name).AsException();
        }
        using (view)
        {
            context.Response.ContentType = "application/octet-stream";
            context.Response.ContentLength = view.SizeBytes;
            await DiskContentImage.WriteToAsync(context.Response.BodyWriter, view, context.RequestAborted);
        }
    }

    private static ArmError TooLarge(long sizeBytes) =>
        ArmErrors.InvalidParameter("content", $"The image is larger than the disk, which has {sizeBytes} bytes.");
}
