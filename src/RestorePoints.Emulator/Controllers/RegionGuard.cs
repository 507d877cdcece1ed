using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// Refuses the ARM calls that a lost region cannot serve: those on a resource in it, on the operations of such a resource, those that would make one
/// there or would copy from there, and those that would delete one with its group. Lists over a group or a subscription are ARM's own and go on.
/// </summary>
public sealed class RegionGuard(RegionStates regions, EmulatorDbContext db)
{
    private const string Compute = "/providers/" + ArmResourceId.Provider + "/";

    /// <exception cref="ArmException">ServiceUnavailable.</exception>
    public async Task RequireOnlineAsync(ActionExecutingContext context)
    {
        // Locks are ARM's own.
        if (!regions.AnyOffline || context.Controller is LocksController || context.HttpContext.Features.Get<ArmScope>() is not { } scope)
            return;
        // Of a polling URL.
        if (context.RouteData.Values["location"] is string location)
            regions.RequireOnline(Regions.Normalize(location));
        HttpRequest request = context.HttpContext.Request;
        if (HttpMethods.IsPut(request.Method))
            foreach (IResourceBody body in context.ActionArguments.Values.OfType<IResourceBody>())
                regions.RequireOnline(Regions.Normalize(body.Location ?? ""));

        if (context.RouteData.Values["resourceGroupName"] is not string group)
            return;
        string path = request.Path.Value!;
        int provider = path.IndexOf(Compute, StringComparison.OrdinalIgnoreCase);
        if (provider >= 0 && path[(provider + Compute.Length)..].TrimEnd('/').Split('/') is [var type, var name, ..])
            await RequireResourceOnlineAsync(scope.SubscriptionId, group, type, name, HttpMethods.IsPut(request.Method));
        else if (provider < 0 && HttpMethods.IsDelete(request.Method))
            await RequireGroupOnlineAsync(scope.SubscriptionId, group);
    }

    private async Task RequireResourceOnlineAsync(Guid subscriptionId, string group, string type, string name, bool isPut)
    {
        foreach ((string known, IQueryable<TrackedResource> rows) in db.TrackedResources())
            if (known.Equals(type, StringComparison.OrdinalIgnoreCase)
                && await rows.Where(row => row.SubscriptionId == subscriptionId && row.ResourceGroupName == group && row.Name == name).Select(row => row.Location).SingleOrDefaultAsync() is { } location)
                regions.RequireOnline(location);
        // A point is made of what is in the source's region.
        if (isPut && type.Equals("restorePointCollections", StringComparison.OrdinalIgnoreCase) && await db.FindCollectionAsync(subscriptionId, group, name) is { } collection)
            regions.RequireOnline(collection.SourceLocation);
    }

    /// <summary>A group is deleted as a whole.</summary>
    private async Task RequireGroupOnlineAsync(Guid subscriptionId, string group)
    {
        foreach ((_, IQueryable<TrackedResource> rows) in db.TrackedResources())
            foreach (string location in await rows.Where(row => row.SubscriptionId == subscriptionId && row.ResourceGroupName == group).Select(row => row.Location).Distinct().ToListAsync())
                regions.RequireOnline(location);
    }
}
