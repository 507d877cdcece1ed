using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// <c>POST /emulator/reset[?subscription={id}]</c>: every resource, operation, fault rule, journal entry and byte (of that subscription) is gone; without a
/// subscription the clock goes back to real time and all regions are online too. CA, keys and settings stay.
/// </summary>
public static class ResetEndpoint
{
    public static void MapReset(this IEndpointRouteBuilder routes) => routes.MapPost("/emulator/reset", ResetAsync);

    private static async Task<IResult> ResetAsync(string? subscription, EmulatorDbContext db, CatalogWriter writer, AccessGrants grants, Reconciliation reconciliation, ClockControl clock,
        RegionStates regions, Faults faults, RequestJournal journal, RemainingCalls calls)
    {
        Guid only = default;
        if (subscription is not null && !Guid.TryParseExact(subscription, "D", out only))
            throw ArmErrors.InvalidSubscriptionId(subscription).AsException();

        await using (CatalogWrite write = await writer.BeginAsync(db, CancellationToken.None))
        {
            bool all = subscription is null;
            await db.Operations.Where(row => all || row.SubscriptionId == only).ExecuteDeleteAsync();
            await db.AccessGrants.Where(row => all || row.SubscriptionId == only).ExecuteDeleteAsync();
            await db.FeatureRegistrations.Where(row => all || row.SubscriptionId == only).ExecuteDeleteAsync();
            await db.ResourceLocks.Where(row => all || row.SubscriptionId == only).ExecuteDeleteAsync();
            await db.RestorePointCollections.Where(row => all || row.SubscriptionId == only).ExecuteDeleteAsync();
            await db.Snapshots.Where(row => all || row.SubscriptionId == only).ExecuteDeleteAsync();
            await db.Disks.Where(row => all || row.SubscriptionId == only).ExecuteDeleteAsync();
            await db.VirtualMachines.Where(row => all || row.SubscriptionId == only).ExecuteDeleteAsync();
            await db.ResourceGroups.Where(row => all || row.SubscriptionId == only).ExecuteDeleteAsync();
            if (all)
                await RegionStates.ClearAsync(db);
            await write.CommitAsync();
            await regions.LoadAsync(db);
            await grants.LoadAsync(db);
            // Still inside the gate: nothing is created while the engine is compared with the catalog.
            await reconciliation.RunAsync();
        }
        calls.Reset(subscription is null ? null : only);
        if (subscription is null)
        {
            faults.Clear();
            journal.Clear();
            await clock.ResetAsync(CancellationToken.None);
        }
        else
        {
            faults.Clear(only);
            journal.Clear(only);
        }
        return Results.NoContent();
    }
}
