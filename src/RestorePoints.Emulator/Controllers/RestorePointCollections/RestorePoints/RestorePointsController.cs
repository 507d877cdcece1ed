using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Restore points: each freezes the included disks of its virtual machine at one instant. Immutable; deleted in any order.</summary>
[ArmResourceType("restorePointCollections/restorePoints", ApiVersionFamily.Compute, First = "2021-03-01")]
[Route("subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/restorePointCollections/{restorePointCollectionName}/restorePoints/{restorePointName}")]
public sealed class RestorePointsController(
    EmulatorDbContext db, TimeProvider time, IOptions<EmulatorOptions> options, Features features, HourlyRates rates, CopyRules copyRules, SnapshotAccess access) : ArmController(db, time)
{
    [HttpGet]
    [OperationId("RestorePoints_Get")]
    public async Task<RestorePointModel> Get(string restorePointCollectionName, string restorePointName, [FromQuery(Name = "$expand")] string? expand)
    {
        if (expand is not null)
            ApiVersionMiddleware.RequireServed(HttpContext.ApiVersion(), "2021-11-01");
        if (expand is not null && !expand.Equals("instanceView", StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.InvalidExpand(expand, "instanceView").AsException();
        RestorePointCollection collection = await Db.FindCollectionAsync(SubscriptionId, ResourceGroupName, restorePointCollectionName)
            ?? throw ArmErrors.ResourceNotFound("restorePointCollections", restorePointCollectionName, ResourceGroupName).AsException();
        RestorePoint point = await Db.FindRestorePointAsync(collection.Id, restorePointName) ?? throw ArmErrors.EntityNotFound.AsException();
        return RestorePointModel.From(point, collection, HttpContext.ApiVersion(), expand is null ? null : access);
    }

    [HttpPut]
    [OperationId("RestorePoints_Create")]
    [AsyncOperation(StatusCodes.Status201Created, Location = false, Notification = true)]
    public async Task<IActionResult> Create(string restorePointCollectionName, string restorePointName, RestorePointModel request)
    {
        RestorePointCollection collection = await Db.FindCollectionAsync(SubscriptionId, ResourceGroupName, restorePointCollectionName)
            ?? throw ArmErrors.ParentResourceNotFound(restorePointCollectionName).AsException();
        if (collection.ProvisioningState == ProvisioningState.Deleting)
            throw ArmErrors.BeingDeleted($"Restore point collection {collection.Name}").AsException();
        RestorePointPropertiesModel properties = request.Properties ?? new RestorePointPropertiesModel();
        RestorePoint? point = await Db.FindRestorePointAsync(collection.Id, restorePointName);
        RequireSameState(properties.ProvisioningState, point?.ProvisioningState ?? ProvisioningState.Succeeded);
        if (point is not null)
            return await RepeatAsync(point, collection, properties);

        ResourceNames.RequireValid("restorePointName", restorePointName);
        if (properties.SourceRestorePoint is not null)
            return await CopyAsync(collection, restorePointName, properties);
        if (CopyRules.IsTarget(collection))
            throw ArmErrors.InvalidParameter("properties.sourceRestorePoint", $"Required parameter 'properties.sourceRestorePoint' is missing (null): the collection {collection.Name} takes copies only.").AsException();
        if (properties.ConsistencyMode is { } mode && !mode.Equals("CrashConsistent", StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.InvalidParameter("properties.consistencyMode", $"The value '{mode}' is not allowed. Allowed values are: CrashConsistent.").AsException();
        bool instantAccess = await WantsInstantAccessAsync(collection, properties);
        if (properties.ExcludeDisks is { Count: 0 } && HttpContext.ApiVersion() == "2021-03-01")
            throw ArmErrors.InvalidParameter("properties.excludeDisks", "The list of disks to exclude (properties.excludeDisks) must be non-empty.").AsException();
        // Older versions only show it.
        if (properties.ConsistencyMode is not null)
            ApiVersionMiddleware.RequireServed(HttpContext.ApiVersion(), "2022-03-01");
        VirtualMachine vm = await RequireMachineAsync(collection);
        List<Disk> included = Included(vm, properties.ExcludeDisks);
        bool crashConsistent = properties.ConsistencyMode is not null;
        await rates.RequireAsync<CreateRestorePoint>(HttpContext, $"Create{(crashConsistent ? "Crash" : "Application")}ConsistentRestorePoint", vm.Id, CreateRestorePoint.Arguments.OfMode(crashConsistent));
        bool concurrent = await IsBeingProtectedAsync(vm);
        JsonObject metadata = SourceMetadata.Of(vm, included);
        RestorePointEncryption.Put(properties.SourceMetadata, metadata, [.. included.Select(disk => disk.Lun!.Value)], HttpContext.ApiVersion());
        if (vm.Location != collection.Location && properties.InstantAccessDurationMinutes is not null)
            throw ArmErrors.InvalidParameter("properties.instantAccessDurationMinutes", $"'instantAccessDurationMinutes' cannot be given in another region than the virtual machine's, {vm.Location}.").AsException();
        List<Disk> copied = vm.Location == collection.Location ? included.FindAll(SnapshotAccess.IsCopied) : [];
        if (copied.Count > 0)
            await RequireRoomForCopiesAsync(collection, copied, instantAccess);
        point = new RestorePoint
        {
            CollectionId = collection.Id,
            Name = restorePointName,
            TimeCreated = Now,
            ProvisioningState = ProvisioningState.Creating,
            VirtualMachineId = vm.Id,
            Model = ModelOf(properties),
            SourceMetadata = metadata.ToJsonString(),
            ExcludeDisks = properties.ExcludeDisks is null ? null : JsonSerializer.Serialize(properties.ExcludeDisks.Select(disk => disk.Id)),
            InstantAccessDurationMinutes = properties.InstantAccessDurationMinutes ?? (instantAccess && copied.Count > 0 ? SnapshotAccess.DefaultMinutes : null),
        };
        Db.RestorePoints.Add(point);
        Accept<CreateRestorePoint>(point.Id, vm.Id, collection.Location, new CreateRestorePoint.Arguments([.. included.Select(disk => disk.Id)], concurrent, crashConsistent, [.. vm.Disks.Select(disk => disk.Id)]),
            duration: instantAccess && copied.Count > 0 ? RecordedDurations.InstantAccessRestorePoint
                : vm.IsWindows && !crashConsistent && vm.PowerState == PowerState.Running ? RecordedDurations.WindowsRestorePoint : null);
        return StatusCode(StatusCodes.Status201Created, RestorePointModel.From(point, collection, HttpContext.ApiVersion()));
    }

    [HttpDelete]
    [OperationId("RestorePoints_Delete")]
    [AsyncOperation(StatusCodes.Status202Accepted)]
    public async Task<IActionResult> Delete(string restorePointCollectionName, string restorePointName)
    {
        if (await Db.FindCollectionAsync(SubscriptionId, ResourceGroupName, restorePointCollectionName) is not { } collection || await Db.FindRestorePointAsync(collection.Id, restorePointName) is not { } point)
            return NoContent();
        if (await Db.HasActiveAccessBelowAsync(Db.RestorePoints.Where(known => known.Id == point.Id), Now))
            throw ArmErrors.DiskRestorePointUsedByCustomer.AsException();
        // A point that is still being created is deleted right after: the operations of one machine run in order.
        if (point.ProvisioningState != ProvisioningState.Creating)
            point.ProvisioningState = ProvisioningState.Deleting;
        Accept<DeleteRestorePoint>(point.Id, point.VirtualMachineId, collection.Location);
        return StatusCode(StatusCodes.Status202Accepted);
    }

    private async Task<IActionResult> CopyAsync(RestorePointCollection collection, string name, RestorePointPropertiesModel properties)
    {
        if (properties.InstantAccessDurationMinutes is not null)
            throw ArmErrors.InvalidParameter("properties.instantAccessDurationMinutes", "'instantAccessDurationMinutes' cannot be given for a copy.").AsException();
        RestorePoint source = await copyRules.RequireSourceAsync(collection, name, properties);
        var arguments = new CopyRestorePoint.Arguments(collection.Id);
        await rates.RequireAsync<CopyRestorePoint>(HttpContext, "CopyRestorePoint", source.VirtualMachineId, arguments.OfCollection);
        if (properties.ConsistencyMode is { } mode && !mode.Equals(source.ConsistencyMode, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.InvalidParameter("properties.consistencyMode", $"The value '{mode}' is not allowed: a copy has the consistency mode of its source, {source.ConsistencyMode}.").AsException();
        JsonObject metadata = RestorePointEncryption.WithoutAsked(source.SourceMetadata);
        RestorePointEncryption.Put(properties.SourceMetadata, metadata, [.. source.DiskRestorePoints.Select(disk => disk.Lun)], HttpContext.ApiVersion());
        RestorePoint copy = new()
        {
            CollectionId = collection.Id,
            Name = name,
            TimeCreated = source.TimeCreated,
            ProvisioningState = ProvisioningState.Creating,
            VirtualMachineId = source.VirtualMachineId,
            Model = ModelOf(properties),
            SourceMetadata = metadata.ToJsonString(),
            ConsistencyMode = source.ConsistencyMode,
            SourceRestorePointId = properties.SourceRestorePoint!.Id,
            SourcePointId = source.Id,
        };
        Db.RestorePoints.Add(copy);
        // In turn with the deletion of source and copy.
        Accept<CopyRestorePoint>(copy.Id, source.VirtualMachineId, collection.Location, arguments);
        return StatusCode(StatusCodes.Status201Created, RestorePointModel.From(copy, collection, HttpContext.ApiVersion()));
    }

    /// <summary>A PUT with the same model answers 201 with the point as it is; any other change of a point is refused.</summary>
    private async Task<IActionResult> RepeatAsync(RestorePoint point, RestorePointCollection collection, RestorePointPropertiesModel properties)
    {
        // The mode and the default duration that a GET shows may come back with the PUT.
        bool showsMode = string.Equals(properties.ConsistencyMode, point.ConsistencyMode, StringComparison.OrdinalIgnoreCase);
        RestorePointPropertiesModel asked = showsMode ? properties with { ConsistencyMode = null } : properties;
        RestorePointPropertiesModel[] readings = properties.InstantAccessDurationMinutes == point.InstantAccessDurationMinutes
            ? [properties, asked, asked with { InstantAccessDurationMinutes = null }]
            : [properties, asked];
        if (!Array.Exists(readings, reading => point.Model == ModelOf(reading)))
            throw ArmErrors.RestorePointUpdateNotSupported.AsException();
        if (!RestorePointEncryption.IsSame(properties.SourceMetadata, point, HttpContext.ApiVersion()))
            throw ArmErrors.RestorePointUpdateNotSupported.AsException();
        if (point.ProvisioningState == ProvisioningState.Deleting)
            throw ArmErrors.BeingDeleted($"Restore point {point.Name}").AsException();
        if (await Db.Operations.AsNoTracking().FirstOrDefaultAsync(operation => operation.ResourceRowId == point.Id && operation.Status == OperationStatus.InProgress
            && (operation.Kind == nameof(CreateRestorePoint) || operation.Kind == nameof(CopyRestorePoint))) is { } running)
            HttpContext.Features.Set(running);
        return StatusCode(StatusCodes.Status201Created, RestorePointModel.From(point, collection, HttpContext.ApiVersion()));
    }

    private static string ModelOf(RestorePointPropertiesModel properties) => JsonSerializer.Serialize(new
    {
        ExcludeDisks = properties.ExcludeDisks?.Select(disk => disk.Id!.ToLowerInvariant()).Order(StringComparer.Ordinal),
        ConsistencyMode = properties.ConsistencyMode?.ToLowerInvariant(),
        SourceRestorePoint = properties.SourceRestorePoint?.Id?.ToLowerInvariant(),
        properties.InstantAccessDurationMinutes,
    });

    /// <summary>Whether the point is to have instant access: the collection says so, and it is not asked to be crash-consistent.</summary>
    private async Task<bool> WantsInstantAccessAsync(RestorePointCollection collection, RestorePointPropertiesModel properties)
    {
        bool wanted = collection.InstantAccess == true && properties.ConsistencyMode is null;
        if (wanted || properties.InstantAccessDurationMinutes is not null)
            await features.RequireAsync(SubscriptionId, Features.InstantAccess);
        if (properties.InstantAccessDurationMinutes is not null && !wanted)
            throw ArmErrors.InvalidParameter("properties.instantAccessDurationMinutes", collection.InstantAccess == true
                ? "'instantAccessDurationMinutes' cannot be given for a crash-consistent restore point: instant access is for application-consistent ones."
                : $"'instantAccessDurationMinutes' cannot be given in the restore point collection {collection.Name}, whose instantAccess is not true.").AsException();
        return wanted;
    }

    /// <summary>Refuses a point when too many are being created with instant access, or too many copies run in the background.</summary>
    /// <param name="disks">Those whose bytes will be copied.</param>
    private async Task RequireRoomForCopiesAsync(RestorePointCollection collection, List<Disk> disks, bool instantAccess)
    {
        LimitOptions limits = options.Value.Limits;
        if (instantAccess && limits.InstantAccessPerRegion > 0 && await Db.RestorePoints.CountAsync(point => point.ProvisioningState == ProvisioningState.Creating && point.InstantAccessDurationMinutes != null
                && point.Collection!.SubscriptionId == SubscriptionId && point.Collection.Location == collection.Location) >= limits.InstantAccessPerRegion)
            throw ArmErrors.InstantAccessLimitReached(limits.InstantAccessPerRegion, collection.Location).AsException();
        await Db.RequireRoomForCopiesAsync(SubscriptionId, disks, limits, access.Held, Now);
    }

    private async Task<VirtualMachine> RequireMachineAsync(RestorePointCollection collection)
    {
        ArmResourceId id = ArmResourceId.Parse(collection.SourceId);
        return await Db.FindMachineAsync(id.SubscriptionId, id.ResourceGroup, id.Name)
            ?? throw ArmErrors.ResourceNotFound("virtualMachines", id.Name, id.ResourceGroup).AsException();
    }

    private static List<Disk> Included(VirtualMachine vm, IReadOnlyList<ApiEntityReference>? excluded)
    {
        List<Disk> included = [.. vm.Disks];
        foreach (ApiEntityReference reference in excluded ?? [])
        {
            ArmResourceId id = ArmResourceId.Parse(reference.Id!);
            Disk disk = vm.Disks.Find(disk => disk.SubscriptionId == id.SubscriptionId && disk.Name.Equals(id.Name, StringComparison.OrdinalIgnoreCase)
                && disk.ResourceGroupName.Equals(id.ResourceGroup, StringComparison.OrdinalIgnoreCase))
                ?? throw ArmErrors.InvalidParameter("excludeDisks", $"The disk '{reference.Id}' in excludeDisks is not attached to the virtual machine '{vm.Name}'.").AsException();
            included.Remove(disk);
        }
        return included.Count > 0
            ? included
            : throw ArmErrors.InvalidParameter("excludeDisks", $"No disk of the virtual machine '{vm.Name}' is left to include in the restore point.").AsException();
    }

    /// <summary>Whether another point of the machine is being created; refuses when the machine has as many points as it may have.</summary>
    private async Task<bool> IsBeingProtectedAsync(VirtualMachine vm)
    {
        var states = await Db.RestorePoints.Where(point => point.VirtualMachineId == vm.Id && point.SourcePointId == null).GroupBy(point => point.ProvisioningState)
            .Select(points => new { State = points.Key, Count = points.Count() }).ToListAsync();
        int limit = options.Value.Limits.RestorePointsPerVm;
        if (limit > 0 && states.Where(points => points.State != ProvisioningState.Failed).Sum(points => points.Count) >= limit)
            throw ArmErrors.RestorePointLimitReached.AsException();
        return states.Exists(points => points.State == ProvisioningState.Creating);
    }
}
