using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>What CopyStart may copy: the rules of docs/restore-point-rules.md, each with one error that names the rule and both snapshots.</summary>
public sealed class SnapshotCopyRules(EmulatorDbContext db, RegionStates regions, SnapshotAccess access, ReplicationStarts starts, IOptions<EmulatorOptions> options)
{
    /// <summary>The snapshot that one named <paramref name="name"/> in <paramref name="location"/> is to be a copy of, and the volume that takes its bytes.</summary>
    /// <param name="sourceId">Of a snapshot in any region and subscription.</param>
    /// <param name="incremental">As requested; the published examples leave it out.</param>
    /// <exception cref="ArmException">400: a full copy is asked for. 404: the source is absent. 409: a rule forbids the copy. 503: its region is lost.</exception>
    public async Task<(Snapshot Source, Guid VolumeId)> RequireSourceAsync(Guid subscriptionId, string name, string location, string sourceId, bool? incremental)
    {
        if (incremental == false)
            throw ArmErrors.InvalidParameter("snapshot.incremental", "CopyStart is not supported for full snapshots: 'incremental' must be true.").AsException();
        ArmResourceId id = ArmResourceId.Parse(sourceId);
        Snapshot source = await db.Snapshots.SingleOrDefaultAsync(known => known.SubscriptionId == id.SubscriptionId && known.ResourceGroupName == id.ResourceGroup && known.Name == id.Name
                && (known.ProvisioningState == ProvisioningState.Succeeded || known.ProvisioningState == ProvisioningState.Updating))
            ?? throw ArmErrors.DiskResourceNotFound(id.Name).AsException();
        regions.RequireOnline(source.Location);
        if (!source.Incremental)
            throw Refused("the source is a full snapshot, and only incremental snapshots are copied.");
        if (source.SnapshotTime is not { } sourceTime)
            throw (source.ReplicationState is null ? ArmErrors.SnapshotNotUsable(source.Name, source.ProvisioningState.ToString())
                : ArmErrors.SnapshotNotCopied(source.Name, access.Of(source).CompletionPercent)).AsException();
        if (access.Of(source) is { IsComplete: false } status)
            throw ArmErrors.SnapshotNotCopied(source.Name, status.CompletionPercent).AsException();

        IQueryable<Snapshot> copies = db.Snapshots.Where(copy => copy.SourceVolumeId == source.VolumeId && copy.ReplicationState != ReplicationState.Failed);
        if (await copies.Where(copy => copy.ReplicationState == ReplicationState.Replicating).Select(copy => copy.Name).FirstOrDefaultAsync() is { } running)
            throw Refused($"the copy {running} of the same disk is not completed yet, and the snapshots of one disk are copied one after the other.");
        copies = copies.Where(copy => copy.SubscriptionId == subscriptionId && copy.Location == location);
        if (await copies.Where(copy => copy.SourceSnapshotTime > sourceTime).Select(copy => copy.Name).FirstOrDefaultAsync() is { } later)
            throw Refused($"the copy {later} is of a later snapshot, and the snapshots of one disk are copied in the order of creation.");
        int limit = options.Value.Limits.SnapshotCopiesPerRegion;
        if (limit > 0 && await db.Snapshots.CountAsync(copy => copy.SubscriptionId == subscriptionId && copy.Location == location && copy.ReplicationState == ReplicationState.Replicating) >= limit)
            throw Refused($"{limit} snapshots of the subscription are being copied to the region {location}, and no more are copied at the same time.");

        Guid? last = await copies.OrderByDescending(copy => copy.SnapshotTime).Select(copy => (Guid?)copy.VolumeId).FirstOrDefaultAsync();
        return (source, last is { } volumeId && starts.HeadSize(location, volumeId) <= source.SizeBytes ? volumeId : Guid.NewGuid());

        ArmException Refused(string rule) => ArmErrors.SnapshotCopyNotAllowed(source.Name, name, rule).AsException();
    }
}
