using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Store;

/// <summary>Resources of any type, by what all of them share.</summary>
public static class ResourceQueries
{
    /// <summary>Every type of tracked resource: its name below Microsoft.Compute, and its rows.</summary>
    public static IReadOnlyList<(string Type, IQueryable<TrackedResource> Rows)> TrackedResources(this EmulatorDbContext db) =>
    [
        ("disks", db.Disks),
        ("restorePointCollections", db.RestorePointCollections),
        ("snapshots", db.Snapshots),
        ("virtualMachines", db.VirtualMachines),
    ];

    /// <summary>The id of an existing resource as it was spelled at its creation; null when there is none.</summary>
    /// <param name="id">Of a tracked resource, a restore point or a disk restore point; other types do not exist.</param>
    public static async Task<string?> FindCanonicalIdAsync(this EmulatorDbContext db, ArmResourceId id)
    {
        if (id.IsOfType("restorePointCollections/restorePoints") || id.IsOfType("restorePointCollections/restorePoints/diskRestorePoints"))
        {
            RestorePoint? point = await db.FindCollectionAsync(id.SubscriptionId, id.ResourceGroup, id.Names[0]) is { } parent
                ? await db.FindRestorePointAsync(parent.Id, id.Names[1])
                : null;
            DiskRestorePoint? disk = id.Names.Count == 3 ? point?.DiskRestorePoints.Find(known => known.Name.Equals(id.Name, StringComparison.OrdinalIgnoreCase)) : null;
            if (point is null || (id.Names.Count == 3 && disk is null))
                return null;
            string pointId = $"{ArmResourceId.Of(id.SubscriptionId, point.Collection!.ResourceGroupName, "restorePointCollections", point.Collection.Name)}/restorePoints/{point.Name}";
            return disk is null ? pointId : $"{pointId}/diskRestorePoints/{disk.Name}";
        }
        foreach ((string type, IQueryable<TrackedResource> rows) in db.TrackedResources().Where(known => id.IsOfType(known.Type)))
        {
            var row = await rows.Where(resource => resource.SubscriptionId == id.SubscriptionId && resource.ResourceGroupName == id.ResourceGroup && resource.Name == id.Name)
                .Select(resource => new { resource.ResourceGroupName, resource.Name }).SingleOrDefaultAsync();
            return row is null ? null : ArmResourceId.Of(id.SubscriptionId, row.ResourceGroupName, type, row.Name);
        }
        return null;
    }

    /// <summary>Marks the locks on what is being removed, and below it, for deletion.</summary>
    public static async Task RemoveLocksAsync(this EmulatorDbContext db, Guid subscriptionId, string resourceId) => db.ResourceLocks.RemoveRange(
        await db.ResourceLocks.Where(known => known.SubscriptionId == subscriptionId && (known.Scope == resourceId || known.Scope.StartsWith(resourceId + "/"))).ToListAsync());
}
