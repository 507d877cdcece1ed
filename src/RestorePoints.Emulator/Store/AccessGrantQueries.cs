using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.PageBlobs;

namespace RestorePoints.Emulator.Store;

/// <summary>What counts as an active SAS: granted by beginGetAccess, not revoked, not expired. The emulator's guest access is none.</summary>
public static class AccessGrantQueries
{
    public static IQueryable<AccessGrant> ActiveGrants(this EmulatorDbContext db, DateTimeOffset now) =>
        db.AccessGrants.Where(grant => grant.Kind != AccessKind.Guest && (grant.ExpiresOn == null || grant.ExpiresOn > now));

    /// <summary>The active SAS of a disk, snapshot or disk restore point, or null.</summary>
    public static Task<AccessGrant?> ActiveGrantAsync(this EmulatorDbContext db, Guid resourceRowId, DateTimeOffset now) =>
        db.ActiveGrants(now).OrderBy(grant => grant.CreatedOn).FirstOrDefaultAsync(grant => grant.ResourceRowId == resourceRowId);

    /// <summary>The rules of every resource that has a grant, by its row.</summary>
    public static async Task<Dictionary<Guid, AccessRules>> AccessRulesOfGrantsAsync(this EmulatorDbContext db)
    {
        IQueryable<Guid> granted = db.AccessGrants.Select(grant => grant.ResourceRowId);
        Dictionary<Guid, AccessRules> rules = [];
        await foreach (var disk in db.Disks.Where(disk => granted.Contains(disk.Id)).Select(disk => new { disk.Id, disk.NetworkAccessPolicy, disk.PublicNetworkAccess, disk.Settings }).AsAsyncEnumerable())
            rules[disk.Id] = AccessRules.OfDisk(disk.NetworkAccessPolicy, disk.PublicNetworkAccess, disk.Settings);
        await foreach (Snapshot snapshot in db.Snapshots.AsNoTracking().Where(snapshot => granted.Contains(snapshot.Id)).AsAsyncEnumerable())
            rules[snapshot.Id] = AccessRules.Of(snapshot);
        await foreach (var point in db.DiskRestorePoints.Where(point => granted.Contains(point.Id)).Select(point => new { point.Id, point.NetworkAccessPolicy, point.PublicNetworkAccess }).AsAsyncEnumerable())
            rules[point.Id] = new AccessRules(point.NetworkAccessPolicy, point.PublicNetworkAccess, NeedsToken: false);
        return rules;
    }

    /// <summary>Whether a SAS is active on a disk of one of these restore points.</summary>
    public static Task<bool> HasActiveAccessBelowAsync(this EmulatorDbContext db, IQueryable<RestorePoint> points, DateTimeOffset now)
    {
        IQueryable<AccessGrant> active = db.ActiveGrants(now);
        return points.SelectMany(point => point.DiskRestorePoints).AnyAsync(disk => active.Any(grant => grant.ResourceRowId == disk.Id));
    }

    /// <summary>The disk restore points and incremental snapshots of one volume with an active SAS are limited; one that has its SAS already is not counted again.</summary>
    /// <param name="limit">0: none.</param>
    public static async Task RequireRoomInFamilyAsync(this EmulatorDbContext db, Guid volumeId, Guid resourceRowId, int limit, DateTimeOffset now)
    {
        if (limit == 0)
            return;
        List<Guid> granted = await db.ActiveGrants(now).Where(grant => grant.VolumeId == volumeId && grant.SnapshotTime != null).Select(grant => grant.ResourceRowId).ToListAsync();
        if (!granted.Contains(resourceRowId) && granted.Count >= limit)
            throw ArmErrors.TooManySharedAccessSignatures(limit).AsException();
    }
}
