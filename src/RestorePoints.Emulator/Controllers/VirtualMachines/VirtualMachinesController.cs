using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// Virtual machines, as far as restore points need them: their disks, their power state, and a profile that is echoed. Versions older than
/// managed disks are not served.
/// </summary>
[ArmResourceType("virtualMachines", ApiVersionFamily.Compute, ServedSince = "2016-04-30-preview")]
[Route("subscriptions/{subscriptionId}")]
public sealed class VirtualMachinesController(EmulatorDbContext db, TimeProvider time, VirtualMachineDisks disks, ResourceLocks locks) : ArmController(db, time)
{
    private const string InGroup = "resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/virtualMachines";

    [HttpGet("providers/Microsoft.Compute/virtualMachines")]
    [OperationId("VirtualMachines_ListAll")]
    public Task<ListModel<JsonObject>> ListAll([FromQuery] string? statusOnly) =>
        ListAsync(Machines().Where(vm => vm.SubscriptionId == SubscriptionId), "true".Equals(statusOnly, StringComparison.OrdinalIgnoreCase));

    [HttpGet(InGroup)]
    [OperationId("VirtualMachines_List")]
    public Task<ListModel<JsonObject>> List() => ListAsync(Machines().Where(vm => vm.SubscriptionId == SubscriptionId && vm.ResourceGroupName == ResourceGroupName));

    [HttpGet(InGroup + "/{vmName}")]
    [OperationId("VirtualMachines_Get")]
    public async Task<JsonObject> Get(string vmName, [FromQuery(Name = "$expand")] string? expand)
    {
        bool instanceView = "instanceView".Equals(expand, StringComparison.OrdinalIgnoreCase), userData = "userData".Equals(expand, StringComparison.OrdinalIgnoreCase);
        if (expand is not null && !instanceView && !userData)
            throw ArmErrors.InvalidExpand(expand, "instanceView, userData").AsException();
        return VirtualMachineModel.From(await RequireAsync(vmName), HttpContext.ApiVersion(), instanceView, userData);
    }

    [HttpGet(InGroup + "/{vmName}/instanceView")]
    [OperationId("VirtualMachines_InstanceView", Since = "2017-03-30")]
    public async Task<JsonObject> InstanceView(string vmName) => VirtualMachineModel.InstanceView(await RequireAsync(vmName), HttpContext.ApiVersion());

    [HttpPut(InGroup + "/{vmName}")]
    [OperationId("VirtualMachines_CreateOrUpdate")]
    [AsyncOperation(StatusCodes.Status200OK, Location = false, Notification = true, RetryAfterSeconds = 10)]
    public async Task<IActionResult> CreateOrUpdate(string vmName, VirtualMachineRequest request)
    {
        if (request.Location is null)
            throw ArmErrors.LocationRequired.AsException();
        if (!Regions.IsWellFormed(request.Location))
            throw ArmErrors.LocationNotAvailable(request.Location).AsException();
        string location = Regions.Normalize(request.Location);
        if (await FindAsync(vmName) is { } vm)
            return await ReplaceAsync(vm, location, request);

        ResourceNames.RequireValid("vmName", vmName);
        RequireSameState(request.SentProvisioningState);
        JsonObject body = VirtualMachineModel.BodyOf(request, HttpContext.ApiVersion());
        vm = new VirtualMachine
        {
            SubscriptionId = SubscriptionId,
            ResourceGroupName = ResourceGroupName,
            Name = vmName,
            Location = location,
            Tags = Tags.From(request.Tags),
            TimeCreated = Now,
            ProvisioningState = ProvisioningState.Creating,
            Body = body.ToJsonString(),
            PowerState = PowerState.Running,
            PowerStateTime = Now,
        };
        Db.VirtualMachines.Add(vm);
        IReadOnlyList<Guid> newDisks = await disks.ApplyAsync(vm, VirtualMachineProfile.Read(body["properties"]!.AsObject()), HttpContext.ApiVersion());
        Accept<UpdateVirtualMachine>(vm.Id, vm.Id, vm.Location, new UpdateVirtualMachine.Arguments(newDisks), duration: RecordedDurations.VirtualMachineCreation);
        return StatusCode(StatusCodes.Status201Created, VirtualMachineModel.From(vm, HttpContext.ApiVersion()));
    }

    /// <summary>Changes tags and what <c>properties</c> names; lists, such as data disks, are replaced as a whole.</summary>
    [HttpPatch(InGroup + "/{vmName}")]
    [OperationId("VirtualMachines_Update", Since = "2017-12-01")]
    [AsyncOperation(StatusCodes.Status200OK, Location = false, Notification = true)]
    public async Task<JsonObject> Update(string vmName, VirtualMachineRequest request)
    {
        VirtualMachine vm = await RequireAsync(vmName);
        if (request.Location is { } location && Regions.Normalize(location) != vm.Location)
            throw ArmErrors.PropertyChangeNotAllowed("location").AsException();
        RequireSameState(request.SentProvisioningState, vm.ProvisioningState);
        JsonObject body = JsonNode.Parse(vm.Body)!.AsObject(), change = VirtualMachineModel.BodyOf(request, HttpContext.ApiVersion());
        ArmJson.Merge(body, change);
        vm.Tags = Tags.From(request.Tags) ?? vm.Tags;
        await ChangeAsync(vm, body);
        return VirtualMachineModel.From(vm, HttpContext.ApiVersion());
    }

    [HttpDelete(InGroup + "/{vmName}")]
    [OperationId("VirtualMachines_Delete")]
    [AsyncOperation(StatusCodes.Status202Accepted, Notification = true)]
    public async Task<IActionResult> Delete(string vmName)
    {
        if (await FindAsync(vmName) is not { } vm)
            return NoContent();
        foreach (Disk disk in VirtualMachineDisks.DeletedWith(vm))
        {
            await locks.RequireDeletableAsync(Db, disk.SubscriptionId, ArmResourceId.Of(disk.SubscriptionId, disk.ResourceGroupName, "disks", disk.Name));
            if (await Db.ActiveGrantAsync(disk.Id, Now) is not null)
                throw ArmErrors.DiskHasActiveAccess(disk.Name).AsException();
        }
        vm.ProvisioningState = ProvisioningState.Deleting;
        Accept<DeleteVirtualMachine>(vm.Id, vm.Id, vm.Location);
        return StatusCode(StatusCodes.Status202Accepted);
    }

    [HttpPost(InGroup + "/{vmName}/start")]
    [OperationId("VirtualMachines_Start")]
    [AsyncOperation(StatusCodes.Status202Accepted, Notification = true)]
    public async Task<IActionResult> Start(string vmName)
    {
        VirtualMachine vm = await RequireAsync(vmName);
        foreach (Disk disk in vm.Disks)
            if (await Db.ActiveGrantAsync(disk.Id, Now) is not null)
                throw ArmErrors.ActiveSharedAccessSignature(disk.Name).AsException();
        return AcceptPowerState(vm, PowerState.Running);
    }

    [HttpPost(InGroup + "/{vmName}/powerOff")]
    [OperationId("VirtualMachines_PowerOff")]
    [AsyncOperation(StatusCodes.Status202Accepted, Notification = true)]
    public async Task<IActionResult> PowerOff(string vmName) => AcceptPowerState(await RequireAsync(vmName), PowerState.Stopped);

    [HttpPost(InGroup + "/{vmName}/deallocate")]
    [OperationId("VirtualMachines_Deallocate")]
    [AsyncOperation(StatusCodes.Status202Accepted, Notification = true)]
    public async Task<IActionResult> Deallocate(string vmName) => AcceptPowerState(await RequireAsync(vmName), PowerState.Deallocated);

    private StatusCodeResult AcceptPowerState(VirtualMachine vm, PowerState state)
    {
        Accept<ChangePowerState>(vm.Id, vm.Id, vm.Location, new ChangePowerState.Arguments(state));
        return StatusCode(StatusCodes.Status202Accepted);
    }

    private async Task<IActionResult> ReplaceAsync(VirtualMachine vm, string location, VirtualMachineRequest request)
    {
        if (vm.Location != location)
            throw ArmErrors.PropertyChangeNotAllowed("location").AsException();
        RequireSameState(request.SentProvisioningState, vm.ProvisioningState);
        JsonObject body = VirtualMachineModel.BodyOf(request, HttpContext.ApiVersion());
        JsonObject stored = JsonNode.Parse(vm.Body)!["properties"]!.AsObject(), properties = body["properties"]!.AsObject();
        // What a machine was made with stays when a later PUT does not repeat it.
        foreach (string name in (string[])["hardwareProfile", "storageProfile", "osProfile"])
            if (!properties.ContainsKey(name) && stored[name] is { } kept)
                properties[name] = kept.DeepClone();
        vm.Tags = Tags.From(request.Tags);
        await ChangeAsync(vm, body);
        return Ok(VirtualMachineModel.From(vm, HttpContext.ApiVersion()));
    }

    private async Task ChangeAsync(VirtualMachine vm, JsonObject body)
    {
        if (vm.ProvisioningState == ProvisioningState.Deleting)
            throw ArmErrors.BeingDeleted($"Virtual machine {vm.Name}").AsException();
        IReadOnlyList<Guid> newDisks = await disks.ApplyAsync(vm, VirtualMachineProfile.Read(body["properties"]!.AsObject()), HttpContext.ApiVersion());
        vm.Body = body.ToJsonString();
        vm.Etag++;
        vm.ProvisioningState = ProvisioningState.Updating;
        Accept<UpdateVirtualMachine>(vm.Id, vm.Id, vm.Location, new UpdateVirtualMachine.Arguments(newDisks));
    }

    private IQueryable<VirtualMachine> Machines() => Db.VirtualMachines.Include(vm => vm.Disks);

    private async Task<ListModel<JsonObject>> ListAsync(IQueryable<VirtualMachine> query, bool withInstanceView = false) =>
        (await PageAsync(query)).Select(vm => VirtualMachineModel.From(vm, HttpContext.ApiVersion(), withInstanceView));

    private Task<VirtualMachine?> FindAsync(string name) =>
        Machines().SingleOrDefaultAsync(vm => vm.SubscriptionId == SubscriptionId && vm.ResourceGroupName == ResourceGroupName && vm.Name == name);

    private async Task<VirtualMachine> RequireAsync(string name) =>
        await FindAsync(name) ?? throw ArmErrors.ResourceNotFound("virtualMachines", name, ResourceGroupName).AsException();
}
