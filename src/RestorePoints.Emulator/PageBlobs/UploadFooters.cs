using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The last 512 bytes of upload disks. The volume holds only the disk's own bytes, so the footer that a client sends is kept in
/// <see cref="Disk.UploadFooter"/>, with a copy in memory for reads.
/// </summary>
public sealed class UploadFooters(IServiceScopeFactory scopes, CatalogWriter writer) : IDisposable
{
    private readonly ConcurrentDictionary<Guid, byte[]> _footers = new();

    /// <summary>Held while the copy in memory follows the row, so that a slow load cannot undo a save.</summary>
    private readonly SemaphoreSlim _gate = new(1, 1);

    /// <summary>Empty when the footer was not written or was cleared.</summary>
    public async ValueTask<byte[]> GetAsync(Guid diskId, CancellationToken cancellationToken)
    {
        if (_footers.TryGetValue(diskId, out byte[]? known))
            return known;

        await _gate.WaitAsync(cancellationToken);
        try
        {
            await using AsyncServiceScope scope = scopes.CreateAsyncScope();
            EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
            byte[]? stored = await db.Disks.Where(disk => disk.Id == diskId).Select(disk => disk.UploadFooter).SingleOrDefaultAsync(cancellationToken);
            return _footers[diskId] = stored ?? [];
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Saves before it returns. Empty: clears.</summary>
    /// <param name="grant">Through which it came; when it has ended meanwhile, so has the upload.</param>
    internal async Task SaveAsync(AccessGrant grant, byte[] footer, CancellationToken cancellationToken)
    {
        Guid diskId = grant.VolumeId;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            await using AsyncServiceScope scope = scopes.CreateAsyncScope();
            EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
            await using CatalogWrite write = await writer.BeginAsync(db, cancellationToken);
            if (!await db.AccessGrants.AnyAsync(row => row.SignedIdentifier == grant.SignedIdentifier, cancellationToken))
                throw StorageErrors.AuthenticationFailed(SasAuthentication.Revoked).AsException();
            byte[]? stored = footer.Length == 0 ? null : footer;
            int rows = await db.Disks.Where(disk => disk.Id == diskId).ExecuteUpdateAsync(set => set.SetProperty(disk => disk.UploadFooter, stored), cancellationToken);
            if (rows == 0)
                throw StorageErrors.BlobNotFound.AsException();
            await write.CommitAsync();
            _footers[diskId] = footer;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Forget(Guid diskId) => _footers.TryRemove(diskId, out _);

    public void Clear() => _footers.Clear();

    public void Dispose() => _gate.Dispose();
}
