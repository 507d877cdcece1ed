using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// <c>/emulator{diskId}/guestAccess</c>: a read-write page-blob URL of a live disk in any state, for playing the guest that writes to an attached
/// disk. One per disk, without expiry; it changes no diskState and counts as no SAS.
/// </summary>
public static class GuestAccess
{
    public static IEndpointRouteBuilder MapGuestAccess(this IEndpointRouteBuilder routes)
    {
        const string path = $"/emulator{DiskContent.DiskPath}/guestAccess";
        routes.MapPost(path, GrantAsync);
        routes.MapDelete(path, RevokeAsync);
        return routes;
    }

    private static async Task<IResult> GrantAsync(string subscriptionId, string resourceGroup, string disk, HttpRequest request,
        EmulatorDbContext db, CatalogWriter writer, AccessGrants grants, TimeProvider time, CancellationToken cancellationToken)
    {
        await using CatalogWrite write = await writer.BeginAsync(db, cancellationToken);
        Disk found = await DiskContentLookup.FindDiskAsync(db, subscriptionId, resourceGroup, disk, cancellationToken);
        AccessGrant? grant = GrantOf(grants, found);
        if (grant is null)
        {
            grant = AccessGrants.NewGrant(AccessKind.Guest, AccessGrants.BaseUrlOf(request), found.Location, found.Id, point: null,
                found.Id, found.SubscriptionId, expiresOn: null, time.GetUtcNow());
            db.AccessGrants.Add(grant);
            await write.CommitAsync();
            grants.Remember(grant, AccessRules.Of(found));
        }
        return Results.Json(new Dictionary<string, string> { ["accessSAS"] = AccessGrants.OfRequest(request, grants.UrlOf(grant)) });
    }

    private static async Task<IResult> RevokeAsync(string subscriptionId, string resourceGroup, string disk,
        EmulatorDbContext db, CatalogWriter writer, AccessGrants grants, CancellationToken cancellationToken)
    {
        await using CatalogWrite write = await writer.BeginAsync(db, cancellationToken);
        Disk found = await DiskContentLookup.FindDiskAsync(db, subscriptionId, resourceGroup, disk, cancellationToken);
        if (GrantOf(grants, found) is { } grant)
        {
            db.AccessGrants.Remove(grant);
            await write.CommitAsync();
            grants.Forget(grant.SignedIdentifier);
        }
        return Results.NoContent();
    }

    private static AccessGrant? GrantOf(AccessGrants grants, Disk disk) =>
        grants.FindByResource(disk.Id).FirstOrDefault(grant => grant.Kind == AccessKind.Guest);
}
