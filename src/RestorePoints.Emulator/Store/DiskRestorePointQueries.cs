using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Store;

public static class DiskRestorePointQueries
{
    /// <summary>The disk restore point that an ARM id names.</summary>
    /// <param name="id">Of type restorePointCollections/restorePoints/diskRestorePoints.</param>
    public static IQueryable<DiskRestorePoint> WithId(this IQueryable<DiskRestorePoint> points, ArmResourceId id)
    {
        string collection = id.Names[0], restorePoint = id.Names[1], name = id.Names[2];
        return points.Where(point => point.Name == name && point.RestorePoint!.Name == restorePoint && point.RestorePoint.Collection!.Name == collection
            && point.RestorePoint.Collection.SubscriptionId == id.SubscriptionId && point.RestorePoint.Collection.ResourceGroupName == id.ResourceGroup);
    }
}
