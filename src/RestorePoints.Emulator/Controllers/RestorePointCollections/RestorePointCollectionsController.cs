using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Restore point collections. Each belongs to one virtual machine and outlives it, or takes copies of a collection in another region; only its tags and instantAccess can change.</summary>
[ArmResourceType("restorePointCollections", ApiVersionFamily.Compute, First = "2021-03-01")]
[Route("subscriptions/{subscriptionId}")]
public sealed class RestorePointCollectionsController(EmulatorDbContext db, TimeProvider time, IOptions<EmulatorOptions> options, Features features, CopyRules copyRules) : ArmController(db, time)
{
    private const string InGroup = "resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/restorePointCollections";

    /// <summary>Ids of the subscription's list spell the resource group in upper case, as Azure's do.</summary>
    [HttpGet("providers/Microsoft.Compute/restorePointCollections")]
    [OperationId("RestorePointCollections_ListAll")]
    public async Task<ListModel<RestorePointCollectionModel>> ListAll() =>
        (await PageAsync(Db.RestorePointCollections.Where(collection => collection.SubscriptionId == SubscriptionId)))
            .Select(collection => RestorePointCollectionModel.From(collection) with
            {
                Id = ArmResourceId.Of(collection.SubscriptionId, collection.ResourceGroupName.ToUpperInvariant(), "restorePointCollections", collection.Name),
            });

    [HttpGet(InGroup)]
    [OperationId("RestorePointCollections_List")]
    public async Task<ListModel<RestorePointCollectionModel>> List() =>
        (await PageAsync(Db.RestorePointCollections.Where(collection => collection.SubscriptionId == SubscriptionId && collection.ResourceGroupName == ResourceGroupName)))
            .Select(collection => RestorePointCollectionModel.From(collection));

    [HttpGet(InGroup + "/{restorePointCollectionName}")]
    [OperationId("RestorePointCollections_Get")]
    public async Task<RestorePointCollectionModel> Get(string restorePointCollectionName, [FromQuery(Name = "$expand")] string? expand)
    {
        if (expand is null)
            return RestorePointCollectionModel.From(await RequireAsync(restorePointCollectionName));
        if (!expand.Equals("restorePoints", StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.InvalidExpand(expand, "restorePoints").AsException();
        RestorePointCollection collection = await RequireAsync(restorePointCollectionName);
        await Db.Entry(collection).Collection(known => known.RestorePoints).Query().Include(point => point.DiskRestorePoints).LoadAsync();
        return RestorePointCollectionModel.From(collection, HttpContext.ApiVersion());
    }

    [HttpPut(InGroup + "/{restorePointCollectionName}")]
    [OperationId("RestorePointCollections_CreateOrUpdate")]
    public async Task<IActionResult> CreateOrUpdate(string restorePointCollectionName, RestorePointCollectionModel request)
    {
        string location = Regions.Normalize(request.Location!);
        RestorePointCollectionSourceModel source = request.Properties!.Source!;
        await RequireInstantAccessAsync(request.Properties.InstantAccess, source.Id!);
        if (await FindAsync(restorePointCollectionName) is { } collection)
        {
            if (collection.Location != location)
                throw ArmErrors.PropertyChangeNotAllowed("location").AsException();
            RequireSameSource(collection, source.Id);
            RequireNotDeleting(collection);
            RequireSameState(request.Properties.ProvisioningState, collection.ProvisioningState);
            collection.Tags = Tags.From(request.Tags);
            collection.InstantAccess = request.Properties.InstantAccess ?? collection.InstantAccess;
            return Ok(RestorePointCollectionModel.From(collection));
        }

        ResourceNames.RequireValid("restorePointCollectionName", restorePointCollectionName);
        RequireSameState(request.Properties.ProvisioningState);
        await RequireRoomAsync(location);
        ArmResourceId sourceId = ArmResourceId.Parse(source.Id!);
        TrackedResource origin = sourceId.IsOfType("virtualMachines")
            ? await RequireMachineAsync(sourceId)
            : await copyRules.RequireSourceCollectionAsync(sourceId, restorePointCollectionName, location);
        collection = new RestorePointCollection
        {
            SubscriptionId = SubscriptionId,
            ResourceGroupName = ResourceGroupName,
            Name = restorePointCollectionName,
            Location = location,
            Tags = Tags.From(request.Tags),
            TimeCreated = Now,
            ProvisioningState = ProvisioningState.Succeeded,
            SourceId = source.Id!,
            SourceLocation = origin.Location,
            InstantAccess = request.Properties.InstantAccess,
        };
        Db.RestorePointCollections.Add(collection);
        return StatusCode(StatusCodes.Status201Created, RestorePointCollectionModel.From(collection));
    }

    [HttpPatch(InGroup + "/{restorePointCollectionName}")]
    [OperationId("RestorePointCollections_Update")]
    public async Task<RestorePointCollectionModel> Update(string restorePointCollectionName, RestorePointCollectionUpdate request)
    {
        RestorePointCollection collection = await RequireAsync(restorePointCollectionName);
        await RequireInstantAccessAsync(request.Properties?.InstantAccess, collection.SourceId);
        if (request.Location is { } location && Regions.Normalize(location) != collection.Location)
            throw ArmErrors.PropertyChangeNotAllowed("location").AsException();
        RequireSameSource(collection, request.Properties?.Source?.Id);
        RequireNotDeleting(collection);
        RequireSameState(request.Properties?.ProvisioningState, collection.ProvisioningState);
        collection.Tags = Tags.From(request.Tags) ?? collection.Tags;
        collection.InstantAccess = request.Properties?.InstantAccess ?? collection.InstantAccess;
        return RestorePointCollectionModel.From(collection);
    }

    /// <summary>Deletes the collection with everything below it, or nothing while a SAS is active below it.</summary>
    [HttpDelete(InGroup + "/{restorePointCollectionName}")]
    [OperationId("RestorePointCollections_Delete")]
    [AsyncOperation(StatusCodes.Status202Accepted, Notification = true)]
    public async Task<IActionResult> Delete(string restorePointCollectionName)
    {
        if (await FindAsync(restorePointCollectionName) is not { } collection)
            return NoContent();
        if (await Db.HasActiveAccessBelowAsync(Db.RestorePoints.Where(point => point.CollectionId == collection.Id), Now))
            throw ArmErrors.DiskRestorePointUsedByCustomer.AsException();
        collection.ProvisioningState = ProvisioningState.Deleting;
        Accept<DeleteRestorePointCollection>(collection.Id, collection.Id, collection.Location);
        return StatusCode(StatusCodes.Status202Accepted);
    }

    private async Task RequireInstantAccessAsync(bool? requested, string sourceId)
    {
        if (requested != true)
            return;
        await features.RequireAsync(SubscriptionId, Features.InstantAccess);
        if (!ArmResourceId.Parse(sourceId).IsOfType("virtualMachines"))
            throw ArmErrors.InvalidParameter("properties.instantAccess", "'instantAccess' is for collections whose source is a virtual machine: copies have no instant access.").AsException();
    }

    private async Task<VirtualMachine> RequireMachineAsync(ArmResourceId id) =>
        await Db.VirtualMachines.SingleOrDefaultAsync(vm => vm.SubscriptionId == id.SubscriptionId && vm.ResourceGroupName == id.ResourceGroup && vm.Name == id.Name)
            ?? throw ArmErrors.ResourceNotFound("virtualMachines", id.Name, id.ResourceGroup).AsException();

    private static void RequireSameSource(RestorePointCollection collection, string? sourceId)
    {
        if (sourceId is not null && !sourceId.Equals(collection.SourceId, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.PropertyChangeNotAllowed("properties.source.id").AsException();
    }

    private static void RequireNotDeleting(RestorePointCollection collection)
    {
        if (collection.ProvisioningState == ProvisioningState.Deleting)
            throw ArmErrors.BeingDeleted($"Restore point collection {collection.Name}").AsException();
    }

    private async Task RequireRoomAsync(string location)
    {
        int limit = options.Value.Limits.CollectionsPerRegion;
        // The first count reads an index alone, and nearly always settles it.
        if (limit > 0 && await Db.RestorePointCollections.CountAsync(known => known.SubscriptionId == SubscriptionId) >= limit
            && await Db.RestorePointCollections.CountAsync(known => known.SubscriptionId == SubscriptionId && known.Location == location) >= limit)
            throw ArmErrors.CollectionLimitReached(limit, location).AsException();
    }

    private Task<RestorePointCollection?> FindAsync(string name) => Db.FindCollectionAsync(SubscriptionId, ResourceGroupName, name);

    private async Task<RestorePointCollection> RequireAsync(string name) =>
        await FindAsync(name) ?? throw ArmErrors.ResourceNotFound("restorePointCollections", name, ResourceGroupName).AsException();
}
