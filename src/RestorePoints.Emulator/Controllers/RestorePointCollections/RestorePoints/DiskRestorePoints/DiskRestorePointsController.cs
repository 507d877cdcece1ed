using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Disk restore points: one per disk that a restore point froze, with a read SAS to its bytes.</summary>
[ArmResourceType("restorePointCollections/restorePoints/diskRestorePoints", ApiVersionFamily.Disk, First = "2020-09-30")]
[Route("subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/restorePointCollections/{restorePointCollectionName}/restorePoints/{vmRestorePointName}/diskRestorePoints")]
public sealed class DiskRestorePointsController(EmulatorDbContext db, TimeProvider time, IOptions<EmulatorOptions> options, SnapshotAccess access) : ArmController(db, time)
{
    [HttpGet]
    [OperationId("DiskRestorePoint_ListByRestorePoint")]
    public async Task<ListModel<DiskRestorePointModel>> ListByRestorePoint(string restorePointCollectionName, string vmRestorePointName)
    {
        RestorePoint point = await RequireRestorePointAsync(restorePointCollectionName, vmRestorePointName);
        string id = RestorePointModel.IdOf(point, point.Collection!);
        return Page(point.DiskRestorePoints, disk => $"{disk.Lun + 1:D2}/{disk.Name}").Select(disk => DiskRestorePointModel.From(disk, id, access));
    }

    [HttpGet("{diskRestorePointName}")]
    [OperationId("DiskRestorePoint_Get")]
    public async Task<DiskRestorePointModel> Get(string restorePointCollectionName, string vmRestorePointName, string diskRestorePointName)
    {
        RestorePoint point = await RequireRestorePointAsync(restorePointCollectionName, vmRestorePointName);
        return DiskRestorePointModel.From(Require(point, diskRestorePointName), RestorePointModel.IdOf(point, point.Collection!), access);
    }

    [HttpPost("{diskRestorePointName}/beginGetAccess")]
    [OperationId("DiskRestorePoint_GrantAccess", Since = "2020-12-01")]
    [AsyncOperation(StatusCodes.Status202Accepted)]
    public async Task<IActionResult> BeginGetAccess(string restorePointCollectionName, string vmRestorePointName, string diskRestorePointName, GrantAccessData request)
    {
        RestorePoint point = await RequireRestorePointAsync(restorePointCollectionName, vmRestorePointName);
        DiskRestorePoint disk = Require(point, diskRestorePointName);
        if (!"Read".Equals(request.Access, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.InvalidParameter("access", "Only Read access can be granted on a disk restore point.").AsException();
        if (point.ProvisioningState != ProvisioningState.Succeeded)
            throw ArmErrors.RestorePointNotReady(point.Name, point.ProvisioningState.ToString()).AsException();
        if (access.Of(disk) is { IsComplete: false } status)
            throw (disk.CopyEndTime is null ? ArmErrors.DiskRestorePointReplicating(disk.Name, status.Replication.ToString()) : ArmErrors.SnapshotNotReadable(disk.Name, status.Access.ToString())).AsException();
        if ("DenyAll".Equals(disk.NetworkAccessPolicy, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.NetworkAccessDenied(disk.Name).AsException();
        await Db.RequireRoomInFamilyAsync(disk.VolumeId, disk.Id, options.Value.Limits.SasPerFamily, Now);
        Accept<GrantAccess>(disk.Id, disk.Id, disk.Location, new GrantAccess.Arguments(
            AccessKind.Read, disk.Location, disk.VolumeId, new GrantedPoint(point.Id, disk.SnapshotTime, IsIncremental: true), AccessGrants.BaseUrlOf(Request), request.DurationInSeconds!.Value));
        return StatusCode(StatusCodes.Status202Accepted);
    }

    [HttpPost("{diskRestorePointName}/endGetAccess")]
    [OperationId("DiskRestorePoint_RevokeAccess", Since = "2020-12-01")]
    [AsyncOperation(StatusCodes.Status202Accepted)]
    public async Task<IActionResult> EndGetAccess(string restorePointCollectionName, string vmRestorePointName, string diskRestorePointName)
    {
        DiskRestorePoint disk = Require(await RequireRestorePointAsync(restorePointCollectionName, vmRestorePointName), diskRestorePointName);
        Accept<RevokeAccess>(disk.Id, disk.Id, disk.Location);
        return StatusCode(StatusCodes.Status202Accepted);
    }

    private async Task<RestorePoint> RequireRestorePointAsync(string collectionName, string name)
    {
        RestorePointCollection collection = await Db.FindCollectionAsync(SubscriptionId, ResourceGroupName, collectionName)
            ?? throw ArmErrors.ResourceNotFound("restorePointCollections", collectionName, ResourceGroupName).AsException();
        return await Db.FindRestorePointAsync(collection.Id, name) ?? throw ArmErrors.EntityNotFound.AsException();
    }

    private static DiskRestorePoint Require(RestorePoint point, string name) =>
        point.DiskRestorePoints.Find(disk => disk.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? throw ArmErrors.DiskResourceNotFound(name).AsException();
}
