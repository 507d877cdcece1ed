using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>beginGetAccess: makes a SAS, or extends the one that is active and answers its URL again.</summary>
public sealed class GrantAccess(AccessGrants grants, IOptions<EmulatorOptions> options) : ArmOperation
{
    /// <param name="Point">Of a disk restore point or snapshot; null for a disk.</param>
    public sealed record Arguments(AccessKind Kind, string Location, Guid VolumeId, GrantedPoint? Point, string BaseUrl, long DurationSeconds);

    public override async Task RunAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Arguments arguments = JsonSerializer.Deserialize<Arguments>(context.Operation.Arguments!)!;
        Guid resource = context.Operation.ResourceRowId;
        AccessRules rules = await RequireResourceAsync(context, arguments, resource);

        DateTimeOffset now = context.Instant;
        DateTimeOffset expiresOn = now.AddSeconds(arguments.DurationSeconds);
        AccessGrant? grant = await context.Db.ActiveGrantAsync(resource, now);
        if (grant is null)
        {
            if (arguments.Point is { IsIncremental: true })
                await context.Db.RequireRoomInFamilyAsync(arguments.VolumeId, resource, options.Value.Limits.SasPerFamily, now);
            grant = AccessGrants.NewGrant(arguments.Kind, arguments.BaseUrl, arguments.Location, arguments.VolumeId, arguments.Point,
                resource, context.Operation.SubscriptionId, expiresOn, now);
            context.Db.AccessGrants.Add(grant);
        }
        else if (grant.ExpiresOn < expiresOn)
        {
            grant.ExpiresOn = expiresOn;
        }
        context.SetOutput(new AccessUri { AccessSAS = grants.UrlOf(grant) });
        context.AfterCommit(() => grants.Remember(grant, rules));
    }

    /// <summary>The resource may have been deleted, and a disk attached to a running machine, since the request was accepted.</summary>
    /// <returns>Its rules for callers.</returns>
    private static async Task<AccessRules> RequireResourceAsync(OperationContext context, Arguments arguments, Guid resource)
    {
        if (arguments.Point is not null)
        {
            var point = await context.Db.DiskRestorePoints.Where(point => point.Id == resource && point.RestorePoint!.ProvisioningState == ProvisioningState.Succeeded
                    && (point.ReplicationState == null || point.ReplicationState == ReplicationState.Succeeded))
                .Select(point => new { point.NetworkAccessPolicy, point.PublicNetworkAccess }).SingleOrDefaultAsync();
            if (point is not null)
                return new AccessRules(point.NetworkAccessPolicy, point.PublicNetworkAccess, NeedsToken: false);
            Snapshot snapshot = await context.Db.Snapshots.SingleOrDefaultAsync(snapshot => snapshot.Id == resource && snapshot.SnapshotTime != null && snapshot.ProvisioningState != ProvisioningState.Deleting)
                ?? throw ArmErrors.EntityNotFound.AsException();
            return snapshot.IsCreated ? AccessRules.Of(snapshot) : throw ArmErrors.SnapshotNotUsable(snapshot.Name, snapshot.ProvisioningState.ToString()).AsException();
        }
        Disk disk = await context.Db.Disks.Include(disk => disk.VirtualMachine).SingleOrDefaultAsync(disk => disk.Id == resource)
            ?? throw ArmErrors.EntityNotFound.AsException();
        if (disk.ProvisioningState is ProvisioningState.Failed or ProvisioningState.Deleting)
            throw ArmErrors.DiskNotUsable(disk.Name, disk.ProvisioningState.ToString()).AsException();
        if ((arguments.Kind == AccessKind.Upload) != (disk.DiskState == DiskState.ReadyToUpload))
            throw ArmErrors.AccessNotAllowedInState(disk.Name, arguments.Kind == AccessKind.Upload ? "Write" : "Read", disk.DiskState.ToString()).AsException();
        if (disk.VirtualMachine is { PowerState: not PowerState.Deallocated } vm)
            throw ArmErrors.DiskOfRunningMachine(disk.Name, vm.Name).AsException();
        return AccessRules.Of(disk);
    }
}
