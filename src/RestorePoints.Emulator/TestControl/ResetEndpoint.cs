using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.StateArchives;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// <c>POST /emulator/reset[?subscription={id}]</c>: every resource, operation, fault rule, journal entry and byte (of that subscription) is gone; without a
/// subscription the clock goes back to real time and all regions are online too, and the <c>Seed</c> is imported again. CA, keys and settings stay.
/// </summary>
public static class ResetEndpoint
{
    public static void MapReset(this IEndpointRouteBuilder routes) => routes.MapPost("/emulator/reset", ResetAsync);

    private static async Task<IResult> ResetAsync(string? subscription, EmulatorDbContext db, CatalogWriter writer, WorldLoader loader, StateImport import, OperationRunner runner, ClockControl clock,
        Faults faults, RequestJournal journal, RemainingCalls calls)
    {
        Guid only = default;
        if (subscription is not null && !Guid.TryParseExact(subscription, "D", out only))
            throw ArmErrors.InvalidSubscriptionId(subscription).AsException();

        bool all = subscription is null, isSeeded = false;
        try
        {
            // Refused before anything is gone.
            using StagedState? seed = all ? await import.StageSeedAsync(CancellationToken.None) : null;
            await using AttachedCatalog? attached = seed is null ? null : await AttachedCatalog.OpenAsync(db, seed);
            await using CatalogWrite write = await writer.BeginAsync(db, CancellationToken.None);
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
            await db.Settings.Where(row => all && row.Name == StateImport.SeededSetting).ExecuteDeleteAsync();
            await write.CommitAsync();
            // Still inside the gate: nothing is created while the engine is compared with the catalog.
            if (all)
                await runner.EndWorldAsync();
            await loader.LoadAsync(db);
            if (seed is not null)
            {
                // A kill before its commit leaves an empty world that had no seed: the next start imports it.
                await using IDbContextTransaction transaction = await db.Database.BeginTransactionAsync();
                await import.ReplaceAsync(db, seed, attached!, isSeed: true);
                await clock.LoadAsync(CancellationToken.None);
                await runner.ResumeAsync(db, CancellationToken.None);
                isSeeded = true;
            }
        }
        catch (StateArchiveException fault)
        {
            throw ArmErrors.SeedRefused(fault.Message).AsException();
        }
        calls.Reset(subscription is null ? null : only);
        if (all)
        {
            faults.Clear();
            journal.Clear();
            if (!isSeeded)
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
