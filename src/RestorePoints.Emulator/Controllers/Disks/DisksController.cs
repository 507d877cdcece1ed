using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Managed disks.</summary>
[ArmResourceType("disks", ApiVersionFamily.Disk)]
[Route("subscriptions/{subscriptionId}")]
public sealed class DisksController(EmulatorDbContext db, TimeProvider time, NewDisks newDisks) : ArmController(db, time)
{
    private const string InGroup = "resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/disks";

    [HttpGet("providers/Microsoft.Compute/disks")]
    [OperationId("Disks_List")]
    public Task<ListModel<DiskModel>> List() => ListAsync(Db.Disks.Where(disk => disk.SubscriptionId == SubscriptionId));

    [HttpGet(InGroup)]
    [OperationId("Disks_ListByResourceGroup")]
    public Task<ListModel<DiskModel>> ListByResourceGroup() =>
        ListAsync(Db.Disks.Where(disk => disk.SubscriptionId == SubscriptionId && disk.ResourceGroupName == ResourceGroupName));

    [HttpGet(InGroup + "/{diskName}")]
    [OperationId("Disks_Get")]
    public async Task<DiskModel> Get(string diskName) => await ModelAsync(await RequireAsync(diskName));

    [HttpPut(InGroup + "/{diskName}")]
    [OperationId("Disks_CreateOrUpdate")]
    [AsyncOperation(StatusCodes.Status202Accepted, RetryAfterSeconds = 2)]
    public async Task<DiskModel> CreateOrUpdate(string diskName, DiskModel request)
    {
        Disk? disk = await FindAsync(diskName);
        RequireSameState(request.Properties!.ProvisioningState, disk?.ProvisioningState ?? ProvisioningState.Succeeded);
        // A disk whose creation failed has no bytes: a PUT begins anew.
        if (disk is { ProvisioningState: ProvisioningState.Failed, VirtualMachine: null })
        {
            Db.Disks.Remove(disk);
            disk = null;
        }
        if (disk is null)
        {
            ResourceNames.RequireValid("diskName", diskName);
            (disk, Guid? sourceKey) = await newDisks.FromRequestAsync(SubscriptionId, ResourceGroupName, diskName, request);
            if (disk.CreateOption == DiskCreateOption.Import)
                Accept<ImportDisk>(disk.Id, disk.Id, disk.Location, new ImportVhd.Arguments(request.Properties.DiskSizeGB << 30));
            else
                Accept<CreateDisk>(disk.Id, disk.Id, disk.Location, sourceKey: sourceKey,
                    duration: disk.CreateOption is DiskCreateOption.Empty or DiskCreateOption.Upload ? RecordedDurations.EmptyDisk : null);
            return DiskModel.Accepted(disk);
        }
        RequireSameCreation(disk, request);
        return await ChangeAsync(disk, replaceTags: true, new DiskUpdate { Tags = request.Tags, Sku = request.Sku, Properties = request.Properties });
    }

    [HttpPatch(InGroup + "/{diskName}")]
    [OperationId("Disks_Update")]
    [AsyncOperation(StatusCodes.Status202Accepted, RetryAfterSeconds = 2)]
    public async Task<DiskModel> Update(string diskName, DiskUpdate request) => await ChangeAsync(await RequireAsync(diskName), replaceTags: false, request);

    [HttpDelete(InGroup + "/{diskName}")]
    [OperationId("Disks_Delete")]
    [AsyncOperation(StatusCodes.Status202Accepted)]
    public async Task<IActionResult> Delete(string diskName)
    {
        if (await FindAsync(diskName) is not { } disk)
            return NoContent();
        if (disk.VirtualMachine is { } vm)
            throw ArmErrors.DiskIsAttached(disk.Name, vm.Name).AsException();
        if (await Db.ActiveGrantAsync(disk.Id, Now) is not null)
            throw ArmErrors.DiskHasActiveAccess(disk.Name).AsException();
        disk.ProvisioningState = ProvisioningState.Deleting;
        Accept<DeleteDisk>(disk.Id, disk.Id, disk.Location);
        return StatusCode(StatusCodes.Status202Accepted);
    }

    [HttpPost(InGroup + "/{diskName}/beginGetAccess")]
    [OperationId("Disks_GrantAccess")]
    [AsyncOperation(StatusCodes.Status202Accepted)]
    public async Task<IActionResult> BeginGetAccess(string diskName, GrantAccessData request)
    {
        Disk disk = await RequireAsync(diskName);
        RequireUsable(disk);
        bool write = "Write".Equals(request.Access, StringComparison.OrdinalIgnoreCase);
        if (disk.VirtualMachine is { PowerState: not PowerState.Deallocated } vm)
            throw ArmErrors.DiskOfRunningMachine(disk.Name, vm.Name).AsException();
        if (write != (disk.DiskState == DiskState.ReadyToUpload))
            throw ArmErrors.AccessNotAllowedInState(disk.Name, write ? "Write" : "Read", DiskModel.StateOf(disk, (await Db.ActiveGrantAsync(disk.Id, Now))?.Kind).ToString()).AsException();
        if (!write && "DenyAll".Equals(disk.NetworkAccessPolicy, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.NetworkAccessDenied(disk.Name).AsException();
        GrantAccess.Arguments arguments = new(write ? AccessKind.Upload : AccessKind.Read, disk.Location, disk.Id, null, AccessGrants.BaseUrlOf(Request), request.DurationInSeconds!.Value);
        Accept<GrantAccess>(disk.Id, disk.Id, disk.Location, arguments);
        return StatusCode(StatusCodes.Status202Accepted);
    }

    [HttpPost(InGroup + "/{diskName}/endGetAccess")]
    [OperationId("Disks_RevokeAccess")]
    [AsyncOperation(StatusCodes.Status202Accepted)]
    public async Task<IActionResult> EndGetAccess(string diskName)
    {
        Disk disk = await RequireAsync(diskName);
        Accept<RevokeAccess>(disk.Id, disk.Id, disk.Location);
        return StatusCode(StatusCodes.Status202Accepted);
    }

    private async Task<DiskModel> ChangeAsync(Disk disk, bool replaceTags, DiskUpdate request)
    {
        RequireUsable(disk);
        string skuName = NewDisks.SkuName(request.Sku?.Name ?? request.Properties?.AccountType) ?? disk.SkuName;
        NewDisks.RequireImplemented(request.Properties);
        // What a GET showed of another SKU comes back with a PUT: Azure takes no notice of it.
        if (request.Properties?.Tier is not null && !DiskPerformance.IsPremiumSsd(skuName))
            request = request with { Properties = request.Properties with { Tier = null } };
        NewDisks.RequireDiskAccess(disk.NetworkAccessPolicy, DiskModel.Kept(disk.Settings).Properties?.DiskAccessId, request.Properties?.NetworkAccessPolicy, request.Properties?.DiskAccessId);
        if (request.Properties?.DiskSizeGB is { } sizeGB && sizeGB != disk.SizeGB)
        {
            if (sizeGB < disk.SizeGB)
                throw ArmErrors.DiskCannotShrink(disk.Name, disk.SizeGB, sizeGB).AsException();
            if (await Db.ActiveGrantAsync(disk.Id, Now) is not null)
                throw ArmErrors.DiskHasActiveAccess(disk.Name).AsException();
            if (disk.DiskState == DiskState.ReadyToUpload)
                throw ArmErrors.DiskUploadNotEnded(disk.Name).AsException();
        }
        disk.ProvisioningState = ProvisioningState.Updating;
        Accept<UpdateDisk>(disk.Id, disk.Id, disk.Location, new UpdateDisk.Arguments(request, replaceTags));
        DiskModel model = await ModelAsync(disk);
        return model with
        {
            Tags = request.Tags ?? (replaceTags ? null : model.Tags),
            Sku = new DiskSkuModel { Name = skuName, Tier = DiskPerformance.Of(skuName, disk.SizeBytes).SkuTier },
            Properties = model.Properties! with { DiskSizeGB = request.Properties?.DiskSizeGB ?? model.Properties.DiskSizeGB },
        };
    }

    private static void RequireUsable(Disk disk)
    {
        // Creating: a virtual machine that is being created brings it along.
        if (disk.ProvisioningState is ProvisioningState.Creating or ProvisioningState.Failed or ProvisioningState.Deleting)
            throw ArmErrors.DiskNotUsable(disk.Name, disk.ProvisioningState.ToString()).AsException();
    }

    /// <summary>A PUT on an existing disk may not change where and from what it was made.</summary>
    private static void RequireSameCreation(Disk disk, DiskModel request)
    {
        CreationDataModel creation = request.Properties!.CreationData!;
        if (Regions.Normalize(request.Location!) != disk.Location)
            throw ArmErrors.PropertyChangeNotAllowed("location").AsException();
        if (!disk.CreateOption.ToString().Equals(creation.CreateOption, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.PropertyChangeNotAllowed("disk.creationData.createOption").AsException();
        if (creation.SourceResourceId is not null && !creation.SourceResourceId.Equals(disk.SourceResourceId, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.PropertyChangeNotAllowed("disk.creationData.sourceResourceId").AsException();
        CreationDataModel? kept = DiskModel.Kept(disk.Settings).Properties?.CreationData;
        if (creation.ImageReference is not null && creation.ImageReference != kept?.ImageReference)
            throw ArmErrors.PropertyChangeNotAllowed("disk.creationData.imageReference").AsException();
        if (creation.GalleryImageReference is not null && creation.GalleryImageReference != kept?.GalleryImageReference)
            throw ArmErrors.PropertyChangeNotAllowed("disk.creationData.galleryImageReference").AsException();
        if (creation.SourceUri is not null && creation.SourceUri != kept?.SourceUri)
            throw ArmErrors.PropertyChangeNotAllowed("disk.creationData.sourceUri").AsException();
        if (creation.UploadSizeBytes is not null && creation.UploadSizeBytes != disk.UploadSizeBytes)
            throw ArmErrors.PropertyChangeNotAllowed("disk.creationData.uploadSizeBytes").AsException();
        if (request.Properties.HyperVGeneration is { } generation && generation != disk.HyperVGeneration)
            throw ArmErrors.PropertyChangeNotAllowed("disk.hyperVGeneration").AsException();
        if (request.Zones is { } zones && string.Join(',', zones) != (disk.Zones ?? ""))
            throw ArmErrors.PropertyChangeNotAllowed("zones").AsException();
    }

    private async Task<ListModel<DiskModel>> ListAsync(IQueryable<Disk> query)
    {
        ListModel<Disk> disks = await PageAsync(query.Include(disk => disk.VirtualMachine));
        ILookup<Guid, AccessKind> grants = (await Db.ActiveGrants(Now).Where(grant => grant.SubscriptionId == SubscriptionId && grant.PointId == null).OrderBy(grant => grant.CreatedOn)
            .Select(grant => new { grant.ResourceRowId, grant.Kind }).ToListAsync()).ToLookup(grant => grant.ResourceRowId, grant => grant.Kind);
        return disks.Select(disk => DiskModel.From(disk, grants.Contains(disk.Id) ? grants[disk.Id].First() : null));
    }

    private async Task<DiskModel> ModelAsync(Disk disk) => DiskModel.From(disk, (await Db.ActiveGrantAsync(disk.Id, Now))?.Kind);

    private Task<Disk?> FindAsync(string name) => Db.Disks.Include(disk => disk.VirtualMachine)
        .SingleOrDefaultAsync(disk => disk.SubscriptionId == SubscriptionId && disk.ResourceGroupName == ResourceGroupName && disk.Name == name);

    private async Task<Disk> RequireAsync(string name) =>
        await FindAsync(name) ?? throw ArmErrors.ResourceNotFound("disks", name, ResourceGroupName).AsException();
}
