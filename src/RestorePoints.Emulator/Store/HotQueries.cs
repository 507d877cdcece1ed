using Microsoft.EntityFrameworkCore;

namespace RestorePoints.Emulator.Store;

/// <summary>The look-ups that nearly every ARM request makes, compiled once.</summary>
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

    public static Task<ResourceGroup?> FindGroupAsync(this EmulatorDbContext db, Guid subscriptionId, string name) => GroupQuery(db, subscriptionId, name);

    public static Task<RestorePointCollection?> FindCollectionAsync(this EmulatorDbContext db, Guid subscriptionId, string resourceGroup, string name) =>
        CollectionQuery(db, subscriptionId, resourceGroup, name);

    /// <summary>With its disk restore points.</summary>
    public static Task<RestorePoint?> FindRestorePointAsync(this EmulatorDbContext db, Guid collectionId, string name) => PointQuery(db, collectionId, name);

    /// <summary>Not tracked: for showing its state.</summary>
    public static Task<Operation?> FindOperationAsync(this EmulatorDbContext db, Guid id) => OperationQuery(db, id);
}
