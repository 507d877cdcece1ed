using RestorePoints.Emulator.PageBlobs;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// Brings what lives in memory, and the engine's stores, into line with the catalog: at start, and inside the write that replaced the world. The clock
/// and the operations come afterwards.
/// </summary>
public sealed class WorldLoader(AccessGrants grants, ResourceLocks locks, RegionStates regions, Reconciliation reconciliation)
{
    public async Task LoadAsync(EmulatorDbContext db)
    {
        await regions.LoadAsync(db);
        await grants.LoadAsync(db);
        await locks.LoadAsync(db);
        await reconciliation.RunAsync();
    }
}
