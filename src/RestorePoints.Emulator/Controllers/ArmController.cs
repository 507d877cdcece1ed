using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>What every ARM controller shares: the scope of the request, and how an operation is accepted.</summary>
[ApiController]
[ServiceFilter<ArmActionFilter>]
public abstract class ArmController(EmulatorDbContext db, TimeProvider time) : ControllerBase
{
    protected EmulatorDbContext Db { get; } = db;

    protected DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Subscription of the URL.</summary>
    protected Guid SubscriptionId => Scope.SubscriptionId;

    /// <summary>Resource group of the URL, as it was spelled when it was created; in a read of one resource, as the URL spells it.</summary>
    protected string ResourceGroupName => Scope.ResourceGroup?.Name ?? (string)RouteData.Values["resourceGroupName"]!;

    private ArmScope Scope => HttpContext.Features.Get<ArmScope>() ?? throw new InvalidOperationException("The route has no subscription.");

    /// <summary>Queues <typeparamref name="TOperation"/> on a resource. The row is committed with everything else that the action changes; the runner starts it then.</summary>
    /// <param name="serialKey">Operations with one key run one after the other.</param>
    protected Operation Accept<TOperation>(Guid resourceRowId, Guid serialKey, string location, object? arguments = null) where TOperation : ArmOperation
    {
        Operation operation = new()
        {
            Kind = typeof(TOperation).Name,
            SerialKey = serialKey,
            ResourceRowId = resourceRowId,
            Arguments = arguments is null ? null : JsonSerializer.Serialize(arguments),
            SubscriptionId = SubscriptionId,
            Location = location,
            ApiVersion = HttpContext.ApiVersion(),
            StartTime = Now,
        };
        Db.Operations.Add(operation);
        HttpContext.Features.Set(operation);
        return operation;
    }
}
