using Microsoft.EntityFrameworkCore.Storage;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// Lets one writer at a time into the catalog, so that what it checked still holds when it commits. SQLite itself has one
/// writer; waiting here is cheaper and fairer than its busy loop.
/// </summary>
public sealed class CatalogWriter : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);

    /// <summary>Waits for the gate and begins a transaction; disposing without <see cref="CatalogWrite.CommitAsync"/> rolls it back.</summary>
    public async Task<CatalogWrite> BeginAsync(EmulatorDbContext db, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            // A write is saved once and whole: there is nothing to go back to in its middle.
            db.Database.AutoSavepointsEnabled = false;
            return new CatalogWrite(_gate, db, await db.Database.BeginTransactionAsync(cancellationToken));
        }
        catch
        {
            _gate.Release();
            throw;
        }
    }

    public void Dispose() => _gate.Dispose();
}

/// <summary>A write transaction of the catalog.</summary>
public sealed class CatalogWrite(SemaphoreSlim gate, EmulatorDbContext db, IDbContextTransaction transaction) : IAsyncDisposable
{
    /// <summary>Saves what is pending and makes the whole write durable.</summary>
    public async Task CommitAsync()
    {
        await db.SaveChangesAsync(CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        gate.Release();
    }
}
