using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Managed snapshots, full and incremental, with a read SAS to their bytes.</summary>
[ArmResourceType("snapshots", ApiVersionFamily.Disk)]
[Route("subscriptions/{subscriptionId}")]
public sealed class SnapshotsController(EmulatorDbContext db, TimeProvider time, NewSnapshots newSnapshots, SnapshotAccess access, IOptions<EmulatorOptions> options) : ArmController(db, time)
{
    private const string InGroup = "resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/snapshots";

    /// <summary>Ids of the subscription's list spell the resource group in upper case, as Azure's do.</summary>
    [HttpGet("providers/Microsoft.Compute/snapshots")]
    [OperationId("Snapshots_List")]
    public Task<ListModel<SnapshotModel>> List() =>
        ListAsync(Db.Snapshots.Where(snapshot => snapshot.SubscriptionId == SubscriptionId), group => group.ToUpperInvariant());

    [HttpGet(InGroup)]
    [OperationId("Snapshots_ListByResourceGroup")]
    public Task<ListModel<SnapshotModel>> ListByResourceGroup() =>
        ListAsync(Db.Snapshots.Where(snapshot => snapshot.SubscriptionId == SubscriptionId && snapshot.ResourceGroupName == ResourceGroupName), group => group);

    [HttpGet(InGroup + "/{snapshotName}")]
    [OperationId("Snapshots_Get")]
    public async Task<SnapshotModel> Get(string snapshotName) => await ModelAsync(await RequireAsync(snapshotName));

    [HttpPut(InGroup + "/{snapshotName}")]
    [OperationId("Snapshots_CreateOrUpdate")]
    [AsyncOperation(StatusCodes.Status202Accepted, RetryAfterSeconds = 2)]
    public async Task<SnapshotModel> CreateOrUpdate(string snapshotName, SnapshotModel request)
    {
        Snapshot? snapshot = await FindAsync(snapshotName);
        RequireSameState(request.Properties!.ProvisioningState, snapshot?.ProvisioningState ?? ProvisioningState.Succeeded);
        // A snapshot whose creation failed has no bytes: a PUT begins anew.
        if (snapshot is { ProvisioningState: ProvisioningState.Failed, SnapshotTime: null })
        {
            Db.Snapshots.Remove(snapshot);
            snapshot = null;
        }
        if (snapshot is null)
        {
            ResourceNames.RequireValid("snapshotName", snapshotName);
            snapshot = await newSnapshots.FromRequestAsync(SubscriptionId, ResourceGroupName, snapshotName, request);
            if (snapshot.CreateOption == DiskCreateOption.Import)
                Accept<ImportSnapshot>(snapshot.Id, snapshot.SerialKey, snapshot.Location, new ImportVhd.Arguments(request.Properties.DiskSizeGB << 30));
            else if (snapshot.CreateOption == DiskCreateOption.CopyStart)
                Accept<CopySnapshot>(snapshot.Id, snapshot.SerialKey, snapshot.Location);
            else
                Accept<CreateSnapshot>(snapshot.Id, snapshot.SerialKey, snapshot.Location);
            return SnapshotModel.Accepted(snapshot, request);
        }
        RequireSameCreation(snapshot, request);
        return await ChangeAsync(snapshot, replaceTags: true, new SnapshotUpdate { Tags = request.Tags, Sku = request.Sku, Properties = request.Properties });
    }

    [HttpPatch(InGroup + "/{snapshotName}")]
    [OperationId("Snapshots_Update")]
    [AsyncOperation(StatusCodes.Status202Accepted, RetryAfterSeconds = 2)]
    public async Task<SnapshotModel> Update(string snapshotName, SnapshotUpdate request) => await ChangeAsync(await RequireAsync(snapshotName), replaceTags: false, request);

    [HttpDelete(InGroup + "/{snapshotName}")]
    [OperationId("Snapshots_Delete")]
    [AsyncOperation(StatusCodes.Status202Accepted)]
    public async Task<IActionResult> Delete(string snapshotName)
    {
        if (await FindAsync(snapshotName) is not { } snapshot)
            return NoContent();
        if (await Db.ActiveGrantAsync(snapshot.Id, Now) is not null)
            throw ArmErrors.SnapshotHasActiveAccess(snapshot.Name).AsException();
        snapshot.ProvisioningState = ProvisioningState.Deleting;
        Accept<DeleteSnapshot>(snapshot.Id, snapshot.SerialKey, snapshot.Location);
        return StatusCode(StatusCodes.Status202Accepted);
    }

    [HttpPost(InGroup + "/{snapshotName}/beginGetAccess")]
    [OperationId("Snapshots_GrantAccess")]
    [AsyncOperation(StatusCodes.Status202Accepted)]
    public async Task<IActionResult> BeginGetAccess(string snapshotName, GrantAccessData request)
    {
        Snapshot snapshot = await RequireAsync(snapshotName);
        if (!"Read".Equals(request.Access, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.InvalidParameter("access", "Only Read access can be granted on a snapshot.").AsException();
        RequireUsable(snapshot);
        if (snapshot.SnapshotTime is not { } snapshotTime)
            throw (snapshot.ReplicationState is null ? ArmErrors.SnapshotNotUsable(snapshot.Name, snapshot.ProvisioningState.ToString()) : NotCopied(snapshot)).AsException();
        if (access.Of(snapshot) is { IsComplete: false } status)
            throw ArmErrors.SnapshotNotReadable(snapshot.Name, status.Access.ToString()).AsException();
        if (snapshot.NetworkAccessPolicy == "DenyAll")
            throw ArmErrors.NetworkAccessDenied(snapshot.Name).AsException();
        if (snapshot.Incremental)
            await Db.RequireRoomInFamilyAsync(snapshot.VolumeId, snapshot.Id, options.Value.Limits.SasPerFamily, Now);
        Accept<GrantAccess>(snapshot.Id, snapshot.SerialKey, snapshot.Location, new GrantAccess.Arguments(AccessKind.Read, snapshot.Location, snapshot.VolumeId,
            new GrantedPoint(snapshot.Id, snapshotTime, snapshot.Incremental), AccessGrants.BaseUrlOf(Request), request.DurationInSeconds!.Value));
        return StatusCode(StatusCodes.Status202Accepted);
    }

    [HttpPost(InGroup + "/{snapshotName}/endGetAccess")]
    [OperationId("Snapshots_RevokeAccess")]
    [AsyncOperation(StatusCodes.Status202Accepted)]
    public async Task<IActionResult> EndGetAccess(string snapshotName)
    {
        Snapshot snapshot = await RequireAsync(snapshotName);
        Accept<RevokeAccess>(snapshot.Id, snapshot.SerialKey, snapshot.Location);
        return StatusCode(StatusCodes.Status202Accepted);
    }

    private async Task<SnapshotModel> ChangeAsync(Snapshot snapshot, bool replaceTags, SnapshotUpdate request)
    {
        RequireUsable(snapshot);
        if (request.Properties?.DiskSizeGB is { } sizeGB && sizeGB != snapshot.SizeGB)
        {
            if (sizeGB < snapshot.SizeGB)
                throw ArmErrors.SnapshotCannotShrink(snapshot.Name, snapshot.SizeGB, sizeGB).AsException();
            if (await Db.ActiveGrantAsync(snapshot.Id, Now) is not null)
                throw ArmErrors.SnapshotHasActiveAccess(snapshot.Name).AsException();
            if (snapshot is { ReplicationState: not null, SnapshotTime: null })
                throw NotCopied(snapshot).AsException();
        }
        NewDisks.RequireDiskAccess(snapshot.NetworkAccessPolicy, SnapshotModel.Kept(snapshot.Settings).Properties?.DiskAccessId, request.Properties?.NetworkAccessPolicy, request.Properties?.DiskAccessId);
        snapshot.ProvisioningState = ProvisioningState.Updating;
        Accept<UpdateSnapshot>(snapshot.Id, snapshot.SerialKey, snapshot.Location, new UpdateSnapshot.Arguments(request, replaceTags));
        SnapshotModel model = await ModelAsync(snapshot);
        return model with
        {
            Tags = request.Tags ?? (replaceTags ? null : model.Tags),
            Sku = SnapshotModel.SkuOf(NewSnapshots.SkuName(request.Sku?.Name ?? request.Properties?.AccountType) ?? snapshot.SkuName),
            Properties = model.Properties! with { DiskSizeGB = request.Properties?.DiskSizeGB ?? model.Properties.DiskSizeGB },
        };
    }

    private ArmError NotCopied(Snapshot snapshot) => ArmErrors.SnapshotNotCopied(snapshot.Name, access.Of(snapshot).CompletionPercent);

    private static void RequireUsable(Snapshot snapshot)
    {
        if (snapshot.ProvisioningState is ProvisioningState.Failed or ProvisioningState.Deleting)
            throw ArmErrors.SnapshotNotUsable(snapshot.Name, snapshot.ProvisioningState.ToString()).AsException();
    }

    /// <summary>A PUT on an existing snapshot may not change where, from what and how it was made.</summary>
    private static void RequireSameCreation(Snapshot snapshot, SnapshotModel request)
    {
        CreationDataModel creation = request.Properties!.CreationData!;
        if (Regions.Normalize(request.Location!) != snapshot.Location)
            throw ArmErrors.PropertyChangeNotAllowed("location").AsException();
        if (!snapshot.CreateOption.ToString().Equals(creation.CreateOption, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.PropertyChangeNotAllowed("snapshot.creationData.createOption").AsException();
        if (creation.SourceResourceId is not null && !creation.SourceResourceId.Equals(snapshot.SourceResourceId, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.PropertyChangeNotAllowed("snapshot.creationData.sourceResourceId").AsException();
        if (creation.SourceUri is not null && creation.SourceUri != SnapshotModel.Kept(snapshot.Settings).Properties?.CreationData?.SourceUri)
            throw ArmErrors.PropertyChangeNotAllowed("snapshot.creationData.sourceUri").AsException();
        if (request.Properties.Incremental is { } incremental && incremental != snapshot.Incremental)
            throw ArmErrors.PropertyChangeNotAllowed("snapshot.incremental").AsException();
        if (request.Properties.HyperVGeneration is { } generation && generation != snapshot.HyperVGeneration)
            throw ArmErrors.PropertyChangeNotAllowed("snapshot.hyperVGeneration").AsException();
    }

    private async Task<ListModel<SnapshotModel>> ListAsync(IQueryable<Snapshot> query, Func<string, string> groupInId)
    {
        ListModel<Snapshot> snapshots = await PageAsync(query);
        HashSet<Guid> granted = [.. await Db.ActiveGrants(Now).Where(grant => grant.SubscriptionId == SubscriptionId && grant.PointId != null).Select(grant => grant.ResourceRowId).ToListAsync()];
        return snapshots.Select(snapshot => SnapshotModel.From(snapshot, granted.Contains(snapshot.Id), access.Of(snapshot)) with
        {
            Id = ArmResourceId.Of(SubscriptionId, groupInId(snapshot.ResourceGroupName), "snapshots", snapshot.Name),
        });
    }

    private async Task<SnapshotModel> ModelAsync(Snapshot snapshot) => SnapshotModel.From(snapshot, await Db.ActiveGrantAsync(snapshot.Id, Now) is not null, access.Of(snapshot));

    private Task<Snapshot?> FindAsync(string name) => Db.Snapshots
        .SingleOrDefaultAsync(snapshot => snapshot.SubscriptionId == SubscriptionId && snapshot.ResourceGroupName == ResourceGroupName && snapshot.Name == name);

    private async Task<Snapshot> RequireAsync(string name) =>
        await FindAsync(name) ?? throw ArmErrors.ResourceNotFound("snapshots", name, ResourceGroupName).AsException();
}
