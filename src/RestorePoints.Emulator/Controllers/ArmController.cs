using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
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

    /// <summary>A request may repeat the provisioningState of the resource, or the one it leads to; any other is refused.</summary>
    protected static void RequireSameState(string? sent, ProvisioningState current = ProvisioningState.Succeeded)
    {
        if (sent is not null && !Is(current) && !Is(ProvisioningState.Succeeded))
            throw ArmErrors.InvalidParameter("properties.provisioningState", $"The value '{sent}' of 'properties.provisioningState' differs from the resource's state '{current}'; it is set by the service.").AsException();

        bool Is(ProvisioningState state) => sent.Equals(state.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The page of a list of tracked resources that the request asks for, ordered by resource group and name.</summary>
    protected async Task<ListModel<TResource>> PageAsync<TResource>(IQueryable<TResource> query) where TResource : TrackedResource
    {
        ListPage page = ListPage.Of(Request, keyParts: 2);
        if (page.After is { } after)
        {
            string group = after[0], name = after[1];
            // The first comparison is what the index can use.
            query = query.Where(resource => resource.ResourceGroupName.CompareTo(group) >= 0
                && (resource.ResourceGroupName.CompareTo(group) > 0 || resource.Name.CompareTo(name) > 0));
        }
        List<TResource> rows = await query.AsNoTracking().OrderBy(resource => resource.ResourceGroupName).ThenBy(resource => resource.Name)
            .Take(page.Size + 1).ToListAsync(HttpContext.RequestAborted);
        return page.Answer(rows, resource => [resource.ResourceGroupName, resource.Name]);
    }

    /// <summary>The page of a list in memory that the request asks for.</summary>
    /// <param name="keyOf">Unique in the list; orders it without regard to case.</param>
    protected ListModel<T> Page<T>(IEnumerable<T> items, Func<T, string> keyOf) => ListPage.Of(Request, items, keyOf);

    /// <summary>Queues <typeparamref name="TOperation"/> on a resource. The row is committed with everything else that the action changes; the runner starts it then.</summary>
    /// <param name="serialKey">Operations with one key run one after the other.</param>
    /// <param name="sourceKey">Key of what a copy is made from.</param>
    /// <param name="duration">Recorded from Azure for this case; null: that of the operation.</param>
    protected Operation Accept<TOperation>(Guid resourceRowId, Guid serialKey, string location, object? arguments = null, Guid? sourceKey = null, TimeSpan? duration = null) where TOperation : ArmOperation
    {
        DateTimeOffset now = Now;
        Operation operation = new()
        {
            Kind = typeof(TOperation).Name,
            SerialKey = serialKey,
            SourceKey = sourceKey,
            ResourceRowId = resourceRowId,
            Arguments = arguments is null ? null : JsonSerializer.Serialize(arguments),
            SubscriptionId = SubscriptionId,
            Location = location,
            ApiVersion = HttpContext.ApiVersion(),
            StartTime = now,
            DueTime = now + (duration ?? RecordedDurations.Of(typeof(TOperation).Name)),
        };
        Db.Operations.Add(operation);
        HttpContext.Features.Set(operation);
        return operation;
    }
}
