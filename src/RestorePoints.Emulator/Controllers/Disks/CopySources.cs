using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Finds what createOption Copy copies: a disk or a snapshot of the same region.</summary>
public sealed class CopySources(EmulatorDbContext db, SnapshotAccess access)
{
    /// <param name="sourceId">Id of a disk or snapshot.</param>
    /// <param name="location">Region of the copy; a source elsewhere is not found, as recorded from Azure.</param>
    public async Task<CopySource> RequireAsync(string sourceId, string location)
    {
        ArmResourceId id = ArmResourceId.Parse(sourceId);
        return id.IsOfType("snapshots") ? await SnapshotAsync(id, location) : await DiskAsync(id, location);
    }

    private async Task<CopySource> DiskAsync(ArmResourceId id, string location)
    {
        Disk? source = await Usable(db.Disks, id, location).SingleOrDefaultAsync() ?? throw ArmErrors.DiskResourceNotFound(id.Name).AsException();
        if (source.DiskState == DiskState.ReadyToUpload)
            throw ArmErrors.DiskUploadNotEnded(source.Name).AsException();
        return new CopySource(source.Id, source.SizeBytes, source.OsType, source.HyperVGeneration, source.Settings, VolumeId: source.Id, SerialKey: source.Id);
    }

    private async Task<CopySource> SnapshotAsync(ArmResourceId id, string location)
    {
        Snapshot source = await Usable(db.Snapshots, id, location).SingleOrDefaultAsync() ?? throw ArmErrors.DiskResourceNotFound(id.Name).AsException();
        SnapshotStatus status = access.Of(source);
        if (source is { ReplicationState: not null, SnapshotTime: null })
            throw ArmErrors.SnapshotNotCopied(source.Name, status.CompletionPercent).AsException();
        if (status.Access <= SnapshotAccessState.Pending && (source.SnapshotTime is not null || await WillBeCopiedAsync(source)))
            throw ArmErrors.SnapshotNotRestorable(source.Name, status.Access.ToString()).AsException();
        return new CopySource(source.Id, source.SizeBytes, source.OsType, source.HyperVGeneration, source.Settings, VolumeId: null, source.SerialKey, status.Access);
    }

    /// <summary>Whether a copy in the background follows the creation of the snapshot.</summary>
    private async Task<bool> WillBeCopiedAsync(Snapshot snapshot) =>
        await db.Disks.SingleOrDefaultAsync(disk => disk.Id == snapshot.VolumeId) is { } disk && SnapshotAccess.IsCopied(disk);

    /// <summary>One that is being created or changed will be there when the operation on its copy runs.</summary>
    private static IQueryable<T> Usable<T>(IQueryable<T> resources, ArmResourceId id, string location) where T : TrackedResource => resources.Where(source =>
        source.SubscriptionId == id.SubscriptionId && source.ResourceGroupName == id.ResourceGroup && source.Name == id.Name && source.Location == location
        && (source.ProvisioningState == ProvisioningState.Succeeded || source.ProvisioningState == ProvisioningState.Updating));
}

/// <param name="UniqueId">Of the disk or snapshot.</param>
/// <param name="Settings">Of the disk or snapshot: its properties without behaviour.</param>
/// <param name="VolumeId">Of a disk, whose volume a snapshot is a point of; null for a snapshot.</param>
/// <param name="SerialKey">Of the source's operations.</param>
/// <param name="Access">Of a snapshot, not Unknown; Pending: it is still being created.</param>
public sealed record CopySource(Guid UniqueId, long SizeBytes, string? OsType, string? HyperVGeneration, string? Settings, Guid? VolumeId, Guid SerialKey, SnapshotAccessState Access = SnapshotAccessState.Available);
