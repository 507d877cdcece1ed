using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.TestControl;

/// <summary>Finds what an ARM id below <c>/emulator</c> names, or fails as ARM does.</summary>
internal static class DiskContentLookup
{
    public static async Task<Disk> FindDiskAsync(EmulatorDbContext db, string subscriptionId, string resourceGroup, string name, CancellationToken cancellationToken)
    {
        Guid subscription = ParseSubscription(subscriptionId);
        return await db.Disks.AsNoTracking().SingleOrDefaultAsync(
                disk => disk.SubscriptionId == subscription && disk.ResourceGroupName == resourceGroup && disk.Name == name, cancellationToken)
            ?? throw await AbsentAsync(db, subscription, resourceGroup, ArmErrors.ResourceNotFound("disks", name, resourceGroup), cancellationToken);
    }

    public static async Task<Snapshot> FindSnapshotAsync(EmulatorDbContext db, string subscriptionId, string resourceGroup, string name, CancellationToken cancellationToken)
    {
        Guid subscription = ParseSubscription(subscriptionId);
        return await db.Snapshots.AsNoTracking().SingleOrDefaultAsync(
                snapshot => snapshot.SubscriptionId == subscription && snapshot.ResourceGroupName == resourceGroup && snapshot.Name == name, cancellationToken)
            ?? throw await AbsentAsync(db, subscription, resourceGroup, ArmErrors.ResourceNotFound("snapshots", name, resourceGroup), cancellationToken);
    }

    public static async Task<DiskRestorePoint> FindDiskRestorePointAsync(
        EmulatorDbContext db, string subscriptionId, string resourceGroup, string collection, string restorePoint, string name, CancellationToken cancellationToken)
    {
        Guid subscription = ParseSubscription(subscriptionId);
        RestorePointCollection parent = await db.RestorePointCollections.AsNoTracking().SingleOrDefaultAsync(
                row => row.SubscriptionId == subscription && row.ResourceGroupName == resourceGroup && row.Name == collection, cancellationToken)
            ?? throw await AbsentAsync(db, subscription, resourceGroup, ArmErrors.ResourceNotFound("restorePointCollections", collection, resourceGroup), cancellationToken);
        RestorePoint point = await db.RestorePoints.AsNoTracking().SingleOrDefaultAsync(
                row => row.CollectionId == parent.Id && row.Name == restorePoint, cancellationToken)
            ?? throw ArmErrors.EntityNotFound.AsException();
        return await db.DiskRestorePoints.AsNoTracking().SingleOrDefaultAsync(row => row.RestorePointId == point.Id && row.Name == name, cancellationToken)
            ?? throw ArmErrors.DiskResourceNotFound(name).AsException();
    }

    /// <summary>With its disks; tracked.</summary>
    public static async Task<VirtualMachine> FindMachineAsync(EmulatorDbContext db, string subscriptionId, string resourceGroup, string name, CancellationToken cancellationToken)
    {
        Guid subscription = ParseSubscription(subscriptionId);
        return await db.FindMachineAsync(subscription, resourceGroup, name)
            ?? throw await AbsentAsync(db, subscription, resourceGroup, ArmErrors.ResourceNotFound("virtualMachines", name, resourceGroup), cancellationToken);
    }

    private static Guid ParseSubscription(string id) =>
        Guid.TryParseExact(id, "D", out Guid subscription) ? subscription : throw ArmErrors.InvalidSubscriptionId(id).AsException();

    private static async Task<ArmException> AbsentAsync(EmulatorDbContext db, Guid subscription, string resourceGroup, ArmError error, CancellationToken cancellationToken) =>
        await db.ResourceGroups.AnyAsync(group => group.SubscriptionId == subscription && group.Name == resourceGroup, cancellationToken)
            ? error.AsException()
            : ArmErrors.ResourceGroupNotFound(resourceGroup).AsException();
}
