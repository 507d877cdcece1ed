using Microsoft.EntityFrameworkCore;

namespace RestorePoints.Emulator.Store;

/// <summary>The look-ups that nearly every ARM request makes and those of creating a restore point, compiled once.</summary>
public static class HotQueries
{
    private static readonly Func<EmulatorDbContext, Guid, string, Task<ResourceGroup?>> GroupQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, Guid subscriptionId, string name) =>
            db.ResourceGroups.SingleOrDefault(group => group.SubscriptionId == subscriptionId && group.Name == name));

    private static readonly Func<EmulatorDbContext, Guid, string, string, Task<RestorePointCollection?>> CollectionQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, Guid subscriptionId, string resourceGroup, string name) => db.RestorePointCollections.SingleOrDefault(
            collection => collection.SubscriptionId == subscriptionId && collection.ResourceGroupName == resourceGroup && collection.Name == name));

    private static readonly Func<EmulatorDbContext, Guid, string, Task<RestorePoint?>> PointQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, Guid collectionId, string name) =>
            db.RestorePoints.Include(point => point.DiskRestorePoints).SingleOrDefault(point => point.CollectionId == collectionId && point.Name == name));

    private static readonly Func<EmulatorDbContext, Guid, Task<Operation?>> OperationQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, Guid id) => db.Operations.AsNoTracking().SingleOrDefault(operation => operation.Id == id));

    private static readonly Func<EmulatorDbContext, Guid, Task<Operation?>> RunningOperationQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, Guid id) => db.Operations.SingleOrDefault(operation => operation.Id == id && operation.Status == OperationStatus.InProgress));

    private static readonly Func<EmulatorDbContext, Guid, Task<RestorePoint?>> PointOfIdQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, Guid id) => db.RestorePoints.SingleOrDefault(point => point.Id == id));

    private static readonly Func<EmulatorDbContext, Guid, string, string, Task<VirtualMachine?>> MachineQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, Guid subscriptionId, string resourceGroup, string name) => db.VirtualMachines.Include(vm => vm.Disks).SingleOrDefault(
            vm => vm.SubscriptionId == subscriptionId && vm.ResourceGroupName == resourceGroup && vm.Name == name));

    private static readonly Func<EmulatorDbContext, Guid, Task<VirtualMachine?>> MachineOfIdQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, Guid id) => db.VirtualMachines.Include(vm => vm.Disks).SingleOrDefault(vm => vm.Id == id));

    private static readonly Func<EmulatorDbContext, Guid, Task<DateTimeOffset?>> LastPointTimeQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, Guid volumeId) => db.DiskRestorePoints.Where(point => point.VolumeId == volumeId).Max(point => (DateTimeOffset?)point.SnapshotTime));

    private static readonly Func<EmulatorDbContext, Guid, Task<DateTimeOffset?>> LastSnapshotTimeQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, Guid volumeId) => db.Snapshots.Where(snapshot => snapshot.VolumeId == volumeId).Max(snapshot => snapshot.SnapshotTime));

    private static readonly Func<EmulatorDbContext, string, Guid, string?, DateTimeOffset, int, IAsyncEnumerable<DateTimeOffset>> LatestOperationTimesQuery = EF.CompileAsyncQuery(
        (EmulatorDbContext db, string kind, Guid serialKey, string? argument, DateTimeOffset after, int count) => db.Operations
            .Where(operation => operation.SerialKey == serialKey && operation.StartTime > after && operation.Kind == kind && (argument == null || operation.Arguments!.Contains(argument)))
            .OrderByDescending(operation => operation.StartTime).Select(operation => operation.StartTime).Take(count));

    public static Task<ResourceGroup?> FindGroupAsync(this EmulatorDbContext db, Guid subscriptionId, string name) => GroupQuery(db, subscriptionId, name);

    public static Task<RestorePointCollection?> FindCollectionAsync(this EmulatorDbContext db, Guid subscriptionId, string resourceGroup, string name) =>
        CollectionQuery(db, subscriptionId, resourceGroup, name);

    /// <summary>With its disk restore points.</summary>
    public static Task<RestorePoint?> FindRestorePointAsync(this EmulatorDbContext db, Guid collectionId, string name) => PointQuery(db, collectionId, name);

    /// <summary>Not tracked: for showing its state.</summary>
    public static Task<Operation?> FindOperationAsync(this EmulatorDbContext db, Guid id) => OperationQuery(db, id);

    /// <summary>null when it is unknown or has ended.</summary>
    public static Task<Operation?> FindRunningOperationAsync(this EmulatorDbContext db, Guid id) => RunningOperationQuery(db, id);

    /// <summary>Without its disk restore points.</summary>
    public static Task<RestorePoint?> FindRestorePointAsync(this EmulatorDbContext db, Guid id) => PointOfIdQuery(db, id);

    /// <summary>With its disks.</summary>
    public static Task<VirtualMachine?> FindMachineAsync(this EmulatorDbContext db, Guid subscriptionId, string resourceGroup, string name) =>
        MachineQuery(db, subscriptionId, resourceGroup, name);

    /// <summary>With its disks.</summary>
    public static Task<VirtualMachine?> FindMachineAsync(this EmulatorDbContext db, Guid id) => MachineOfIdQuery(db, id);

    /// <summary>Of the newest disk restore point of a volume; null when it has none.</summary>
    public static Task<DateTimeOffset?> LastPointTimeAsync(this EmulatorDbContext db, Guid volumeId) => LastPointTimeQuery(db, volumeId);

    /// <summary>Of the newest snapshot of a volume; null when it has none.</summary>
    public static Task<DateTimeOffset?> LastSnapshotTimeAsync(this EmulatorDbContext db, Guid volumeId) => LastSnapshotTimeQuery(db, volumeId);

    /// <summary>When the newest operations of a kind with this serial key began, the newest first.</summary>
    /// <param name="argument">Part of their arguments; null: any.</param>
    public static async Task<List<DateTimeOffset>> LatestOperationTimesAsync(this EmulatorDbContext db, string kind, Guid serialKey, string? argument, DateTimeOffset after, int count)
    {
        List<DateTimeOffset> times = [];
        await foreach (DateTimeOffset time in LatestOperationTimesQuery(db, kind, serialKey, argument, after, count))
            times.Add(time);
        return times;
    }
}
