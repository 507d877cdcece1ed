using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>The Location of a resource group's deletion: 202 with the same headers while it runs, then 200 and no body.</summary>
[ArmResourceType("operationresults", ApiVersionFamily.Resources)]
[Route("subscriptions/{subscriptionId}/operationresults/{operationId}")]
public sealed class OperationResultsController(EmulatorDbContext db, TimeProvider time, OperationRunner runner, IOptions<EmulatorOptions> options) : ArmController(db, time)
{
    [HttpGet]
    public async Task<IActionResult> Get(string operationId)
    {
        if (!Guid.TryParse(operationId, out Guid id))
            throw ArmErrors.OperationNotFound(operationId).AsException();
        if (options.Value.OperationTime == OperationTimeMode.Immediate)
            await runner.WaitAsync(id, OperationsControllerBase.PollWait, HttpContext.RequestAborted);
        if (await Db.FindOperationAsync(id) is not { } operation || operation.SubscriptionId != SubscriptionId)
            throw ArmErrors.OperationNotFound(operationId).AsException();
        switch (operation.Status)
        {
            case OperationStatus.InProgress:
                Response.Headers.Location = $"{Request.BaseUrl()}{Request.Path}{Request.QueryString}";
                Response.Headers.RetryAfter = ResourceGroupsController.RetryAfterOf(options.Value);
                return StatusCode(StatusCodes.Status202Accepted);
            case OperationStatus.Failed:
                throw operation.Error.AsException();
            default:
                return Ok();
        }
    }
}
