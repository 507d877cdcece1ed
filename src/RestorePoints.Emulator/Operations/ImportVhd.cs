using System.Text.Json;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.VhdImports;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// createOption Import: reads a VHD into the volume of a new disk or snapshot. Interrupted, it begins again; failed, it leaves no bytes.
/// </summary>
public abstract class ImportVhd(VhdTransfer transfer, RegionStores regions, CatalogWriter writer) : ArmOperation
{
    /// <param name="SizeBytes">What the request asked for; null: the size of the VHD.</param>
    public sealed record Arguments(long? SizeBytes);

    public override async Task PrepareAsync(EmulatorDbContext db, Operation operation, CancellationToken cancellationToken)
    {
        Guid id = operation.ResourceRowId;
        (TrackedResource resource, string sourceUri) = await FindAsync(db, id) ?? throw ArmErrors.EntityNotFound.AsException();
        SnapshotStore store = regions.Get(resource.Location);
        // A snapshot that was frozen before a crash.
        if (store.FindPointSize(id, id) is not null)
            return;
        long? requested = JsonSerializer.Deserialize<Arguments>(operation.Arguments!)!.SizeBytes;
        try
        {
            await transfer.RunAsync(sourceUri, store, id, CreateVolumeAsync, RequireWantedAsync, cancellationToken);
        }
        catch (VolumeNotFoundException)
        {
            // Its resource group was deleted, or everything was reset.
            throw ArmErrors.EntityNotFound.AsException();
        }

        async Task<long> CreateVolumeAsync(long diskBytes)
        {
            long sizeBytes = requested ?? diskBytes;
            if (sizeBytes < diskBytes)
                throw SmallerThanSource(resource.Name, DiskSize.WholeGB(diskBytes), DiskSize.WholeGB(sizeBytes)).AsException();
            // Who deletes the row does it inside the gate, and the volume with it.
            await using CatalogWrite write = await writer.BeginAsync(db, cancellationToken);
            await RequireWantedAsync();
            try
            {
                store.CreateVolume(id, sizeBytes);
            }
            catch (InvalidOperationException)
            {
                throw ArmErrors.ImportSourceChanged(resource.Name).AsException();
            }
            return sizeBytes;
        }

        async Task RequireWantedAsync()
        {
            if (await FindAsync(db, id) is not { Resource.ProvisioningState: not ProvisioningState.Deleting })
                throw ArmErrors.EntityNotFound.AsException();
        }
    }

    /// <summary>The resource as it is now, and its source; not tracked.</summary>
    protected abstract Task<(TrackedResource Resource, string SourceUri)?> FindAsync(EmulatorDbContext db, Guid id);

    protected abstract ArmError SmallerThanSource(string name, long sourceGB, long requestedGB);

    /// <summary>Frees what was read, once it is sure that nothing will come of it.</summary>
    protected void FreeAfterCommit(OperationContext context, TrackedResource? resource)
    {
        if (resource is not null)
            context.AfterCommit(() =>
            {
                SnapshotStore store = regions.Get(resource.Location);
                store.DeletePoint(resource.Id, resource.Id);
                store.DeleteHead(resource.Id);
            });
    }
}
