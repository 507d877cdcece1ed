using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Polling URLs of the compute provider: virtual machines, collections, restore points.</summary>
[ArmResourceType("locations/operations", ApiVersionFamily.Compute)]
[Route("subscriptions/{subscriptionId}/providers/Microsoft.Compute/locations/{location}/operations/{operationId}")]
public sealed class OperationsController(EmulatorDbContext db, TimeProvider time, OperationRunner runner, IOptions<EmulatorOptions> options)
    : OperationsControllerBase(db, time, runner, options);

/// <summary>Polling URLs of the disk provider: disks, snapshots, disk restore points.</summary>
[ArmResourceType("locations/DiskOperations", ApiVersionFamily.Disk)]
[Route("subscriptions/{subscriptionId}/providers/Microsoft.Compute/locations/{location}/DiskOperations/{operationId}")]
public sealed class DiskOperationsController(EmulatorDbContext db, TimeProvider time, OperationRunner runner, IOptions<EmulatorOptions> options)
    : OperationsControllerBase(db, time, runner, options);

/// <summary>
/// Both polling URLs of an operation: without <c>monitor</c> its status document, always 200; with <c>monitor=true</c> (the Location header) 202
/// while it runs, then the result itself.
/// </summary>
public abstract class OperationsControllerBase(EmulatorDbContext db, TimeProvider time, OperationRunner runner, IOptions<EmulatorOptions> options) : ArmController(db, time)
{
    /// <summary>How long a status request waits for the end, so that a fast operation needs one poll only.</summary>
    internal static readonly TimeSpan PollWait = TimeSpan.FromMilliseconds(100);

    [HttpGet]
    public async Task<IActionResult> Get(string operationId, [FromQuery] bool monitor)
    {
        if (!Guid.TryParse(operationId, out Guid id))
            throw ArmErrors.OperationNotFound(operationId).AsException();
        if (options.Value.OperationTime == OperationTimeMode.Immediate)
            await runner.WaitAsync(id, PollWait, HttpContext.RequestAborted);
        if (await Db.FindOperationAsync(id) is not { } operation || operation.SubscriptionId != SubscriptionId)
            throw ArmErrors.OperationNotFound(operationId).AsException();
        if (operation.Status == OperationStatus.InProgress && options.Value.RetryAfter == RetryAfterMode.Always)
            Response.Headers.RetryAfter = "1";
        else if (operation is { Status: OperationStatus.InProgress, Kind: nameof(UpdateVirtualMachine) })
            Response.Headers.RetryAfter = "50";
        return monitor ? Result(operation) : Content(StatusBody(operation), ArmJson.ContentType);
    }

    /// <summary>That of a grant is a URL, which an imported world has without an authority.</summary>
    private string? OutputOf(Operation operation) =>
        operation is { Kind: nameof(GrantAccess), Output: { } output } ? AccessGrants.OfRequest(Request, output) : operation.Output;

    private IActionResult Result(Operation operation)
    {
        switch (operation.Status)
        {
            case OperationStatus.InProgress:
                Response.Headers.Location = AsyncOperationMiddleware.PollingUrl(HttpContext, operation, monitor: true);
                Response.Headers["Azure-AsyncOperation"] = AsyncOperationMiddleware.PollingUrl(HttpContext, operation, monitor: false);
                return StatusCode(StatusCodes.Status202Accepted);
            case OperationStatus.Failed:
                throw operation.Error.AsException();
            default:
                return OutputOf(operation) is { } output ? Content(output, ArmJson.ContentType) : Ok();
        }
    }

    /// <summary>Recorded order: startTime, endTime, status, properties or error, name. The output is pasted as it was rendered, which is what the disk provider does.</summary>
    private string StatusBody(Operation operation)
    {
        StringBuilder body = new("{\r\n");
        Add("startTime", Quote(ArmJson.Format(operation.StartTime)));
        if (operation.EndTime is { } end)
            Add("endTime", Quote(ArmJson.Format(end)));
        Add("status", Quote(operation.Status.ToString()));
        if (OutputOf(operation) is { } output)
            Add("properties", $"{{\r\n    \"output\": {output}\r\n  }}");
        if (operation.ErrorCode is not null)
            Add("error", $"{{\r\n    \"code\": {Quote(operation.ErrorCode)},\r\n    \"message\": {Quote(operation.ErrorMessage!)}\r\n  }}");
        return body.Append($"  \"name\": {Quote(operation.Id.ToString())}\r\n}}").ToString();

        void Add(string name, string json) => body.Append($"  \"{name}\": {json},\r\n");
        static string Quote(string text) => JsonValue.Create(text)!.ToJsonString(ArmJson.OptionsFor(""));
    }
}
