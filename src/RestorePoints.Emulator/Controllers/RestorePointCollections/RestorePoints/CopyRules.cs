using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>What may be copied to another region: the rules of docs/restore-point-rules.md, each with one error that names the rule and both restore points.</summary>
public sealed class CopyRules(EmulatorDbContext db, SnapshotAccess access)
{
    /// <summary>Whether the collection takes copies: its source is a collection, not a virtual machine.</summary>
    public static bool IsTarget(RestorePointCollection collection) => ArmResourceId.Parse(collection.SourceId).IsOfType("restorePointCollections");

    /// <summary>The collection in another region that a new one in <paramref name="location"/> is to take copies of.</summary>
    /// <exception cref="ArmException">404: it is absent. 409: a rule forbids it for every point of it.</exception>
    public async Task<RestorePointCollection> RequireSourceCollectionAsync(ArmResourceId sourceId, string name, string location)
    {
        RestorePointCollection source = await FindAsync(sourceId);
        if (source.ProvisioningState == ProvisioningState.Deleting)
            throw ArmErrors.BeingDeleted($"Restore point collection {source.Name}").AsException();
        if (IsTarget(source))
            throw ArmErrors.CollectionOfCopies(name, source.Name).AsException();
        if (source.Location == location)
            throw ArmErrors.CollectionCopyInRegion(name, source.Name, location).AsException();
        return source;
    }

    /// <summary>The restore point that a new one named <paramref name="name"/> in <paramref name="target"/> is to be a copy of.</summary>
    /// <exception cref="ArmException">404: it is absent. 409: a rule forbids the copy.</exception>
    public async Task<RestorePoint> RequireSourceAsync(RestorePointCollection target, string name, RestorePointPropertiesModel properties)
    {
        ArmResourceId id = ArmResourceId.Parse(properties.SourceRestorePoint!.Id!);
        RestorePointCollection from = await FindAsync(id);
        RestorePoint source = await db.FindRestorePointAsync(from.Id, id.Name) ?? throw ArmErrors.EntityNotFound.AsException();

        if (properties.ExcludeDisks is not null)
            throw Refused("excludeDisks cannot be given for a copy, which has the disks of its source.");
        if (source.SourcePointId is not null)
            throw Refused("the source is itself a copy, and a copy cannot be copied again.");
        if (from.Location == target.Location)
            throw Refused($"both are in the region {target.Location}, and a copy goes to another region.");
        if (!IsTarget(target) || !IsSame(ArmResourceId.Parse(target.SourceId), from))
            throw Refused($"the collection {target.Name} takes copies of its own source {target.SourceId} only.");
        if (source.ProvisioningState != ProvisioningState.Succeeded)
            throw Refused($"the source must be complete, and its provisioning state is {source.ProvisioningState}.");
        if (source.DiskRestorePoints.Find(disk => !access.Of(disk).IsComplete) is { } incomplete)
            throw Refused($"the source must be complete, and the snapshotAccessState of its disk restore point {incomplete.Name} is {access.Of(incomplete).Access}.");

        string? created = from.Location == from.SourceLocation ? null : await db.RestorePoints.Where(point => point.CollectionId == from.Id
                && (point.ProvisioningState == ProvisioningState.Creating || point.DiskRestorePoints.Any(disk => disk.ReplicationState == ReplicationState.Replicating)))
            .Select(point => point.Name).FirstOrDefaultAsync();
        if (created is not null)
            throw Refused($"the restore point {created} of the source's collection is still being created from the region {from.SourceLocation}, and nothing is copied meanwhile.");

        string? copied = await db.RestorePoints.Where(point => point.SourcePointId == source.Id && point.ProvisioningState != ProvisioningState.Failed && point.Collection!.Location == target.Location)
            .Select(point => point.Name).FirstOrDefaultAsync();
        if (copied is not null)
            throw Refused($"the region {target.Location} has the copy {copied} of the source already, and a restore point is copied to a region once.");
        string? running = await db.RestorePoints.Where(point => point.CollectionId == target.Id
                && (point.ProvisioningState == ProvisioningState.Creating || point.DiskRestorePoints.Any(disk => disk.ReplicationState == ReplicationState.Replicating)))
            .Select(point => point.Name).FirstOrDefaultAsync();
        if (running is not null)
            throw Refused($"the copy {running} is not completed yet, and copies from one source to one target are made one after the other.");
        string? later = await db.RestorePoints.Where(point => point.CollectionId == target.Id && point.ProvisioningState != ProvisioningState.Failed && point.TimeCreated > source.TimeCreated)
            .Select(point => point.Name).FirstOrDefaultAsync();
        if (later is not null)
            throw Refused($"the copy {later} is of a later restore point, and copies are made in the order of creation.");
        return source;

        ArmException Refused(string rule) => ArmErrors.CopyNotAllowed($"{from.Name}/{source.Name}", $"{target.Name}/{name}", rule).AsException();
    }

    private async Task<RestorePointCollection> FindAsync(ArmResourceId id) => await db.FindCollectionAsync(id.SubscriptionId, id.ResourceGroup, id.Names[0])
        ?? throw ArmErrors.ResourceNotFound("restorePointCollections", id.Names[0], id.ResourceGroup).AsException();

    private static bool IsSame(ArmResourceId id, RestorePointCollection collection) => id.SubscriptionId == collection.SubscriptionId
        && id.ResourceGroup.Equals(collection.ResourceGroupName, StringComparison.OrdinalIgnoreCase) && id.Name.Equals(collection.Name, StringComparison.OrdinalIgnoreCase);
}
