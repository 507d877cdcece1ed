using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Store;

/// <summary>What counts as an active SAS: granted by beginGetAccess, not revoked, not expired. The emulator's guest access is none.</summary>
public static class AccessGrantQueries
{
    public static IQueryable<AccessGrant> ActiveGrants(this EmulatorDbContext db, DateTimeOffset now) =>
        db.AccessGrants.Where(grant => grant.Kind != AccessKind.Guest && (grant.ExpiresOn == null || grant.ExpiresOn > now));

    /// <summary>The active SAS of a disk, snapshot or disk restore point, or null.</summary>
    public static Task<AccessGrant?> ActiveGrantAsync(this EmulatorDbContext db, Guid resourceRowId, DateTimeOffset now) =>
        db.ActiveGrants(now).OrderBy(grant => grant.CreatedOn).FirstOrDefaultAsync(grant => grant.ResourceRowId == resourceRowId);

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
