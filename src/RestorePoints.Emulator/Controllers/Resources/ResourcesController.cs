using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>The tracked resources of a resource group or of a subscription, whatever their type.</summary>
[ArmResourceType("resources", ApiVersionFamily.Resources)]
[Route("subscriptions/{subscriptionId}")]
public sealed class ResourcesController(EmulatorDbContext db, TimeProvider time) : ArmController(db, time)
{
    private static readonly string[] FilterNames = ["resourceType", "resourceGroup", "name", "location", "tagName", "tagValue"];

    [HttpGet("resources")]
    public Task<ListModel<ResourceModel>> List([FromQuery(Name = "$filter")] string? filter, [FromQuery(Name = "$expand")] string? expand) => ListAsync(null, filter, expand);

    [HttpGet("resourceGroups/{resourceGroupName}/resources")]
    public async Task<ListModel<ResourceModel>> ListByResourceGroup(string resourceGroupName, [FromQuery(Name = "$filter")] string? filter, [FromQuery(Name = "$expand")] string? expand)
    {
        ResourceGroup group = await Db.FindGroupAsync(SubscriptionId, resourceGroupName) ?? throw ArmErrors.ResourceGroupNotFound(resourceGroupName).AsException();
        return await ListAsync(group.Name, filter, expand);
    }

    private async Task<ListModel<ResourceModel>> ListAsync(string? group, string? filter, string? expand)
    {
        ListFilter wanted = ListFilter.Parse(filter, FilterNames);
        string[] expanded = expand?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
        // Nobody records when a resource was changed: changedTime is asked for by the Azure CLI, and left out.
        if (expanded.FirstOrDefault(name => !Is(name, "createdTime") && !Is(name, "changedTime") && !Is(name, "provisioningState")) is { } unknown)
            throw ArmErrors.InvalidExpand(unknown, "createdTime, changedTime, provisioningState").AsException();
        bool withTime = expanded.Any(name => Is(name, "createdTime")), withState = expanded.Any(name => Is(name, "provisioningState"));

        List<ResourceModel> resources = [];
        foreach ((string type, IQueryable<TrackedResource> rows) in Db.TrackedResources().Where(known => Matches("resourceType", $"{ArmResourceId.Provider}/{known.Type}")))
        {
            List<TrackedResource> found = await rows.AsNoTracking().Where(row => row.SubscriptionId == SubscriptionId && (group == null || row.ResourceGroupName == group)).ToListAsync();
            resources.AddRange(found
                .Where(row => Matches("resourceGroup", row.ResourceGroupName) && Matches("name", row.Name) && Matches("location", row.Location) && wanted.MatchesTags(row.Tags))
                .Select(row => new ResourceModel
                {
                    Id = ArmResourceId.Of(row.SubscriptionId, row.ResourceGroupName, type, row.Name),
                    Name = row.Name,
                    Type = $"{ArmResourceId.Provider}/{type}",
                    Location = row.Location,
                    Tags = row.Tags?.ToDictionary(),
                    CreatedTime = withTime ? row.TimeCreated : null,
                    ProvisioningState = withState ? row.ProvisioningState.ToString() : null,
                }));
        }
        return Page(resources, resource => resource.Id);

        bool Matches(string name, string value) => wanted[name] is not { } required || Is(required, value);
        static bool Is(string left, string right) => left.Equals(right, StringComparison.OrdinalIgnoreCase);
    }
}

/// <summary>A resource in a generic list.</summary>
public sealed record ResourceModel
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Type { get; init; }
    public required string Location { get; init; }
    public Dictionary<string, string>? Tags { get; init; }

    /// <summary>Shown with <c>$expand=createdTime</c>.</summary>
    public DateTimeOffset? CreatedTime { get; init; }

    /// <summary>Shown with <c>$expand=provisioningState</c>.</summary>
    public string? ProvisioningState { get; init; }
}
