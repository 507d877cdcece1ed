using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>The subscriptions of the settings; in the Fast profile any other well-formed GUID exists too, so that tests can have one each.</summary>
[ArmResourceType("subscriptions", ApiVersionFamily.Resources)]
[Route("subscriptions")]
public sealed class SubscriptionsController(EmulatorDbContext db, TimeProvider time, IOptions<EmulatorOptions> options) : ArmController(db, time)
{
    /// <summary>In the order of the settings: az takes the first as its default.</summary>
    [HttpGet]
    public ListModel<SubscriptionModel> List() => Page(options.Value.Subscriptions.Index(), item => $"{item.Index:D9}").Select(item => Model(item.Item));

    [HttpGet("{subscriptionId}")]
    public SubscriptionModel Get() => Model(options.Value.SubscriptionOf(SubscriptionId));

    [HttpGet("{subscriptionId}/locations")]
    public ListModel<LocationModel> ListLocations() => Page(Regions.Known, region => region.Name).Select(region => LocationModel.From(region, SubscriptionId));

    private static SubscriptionModel Model(SubscriptionOptions subscription) =>
        new($"/subscriptions/{subscription.Id}", subscription.Id, subscription.TenantId, subscription.DisplayName, "Enabled",
            new SubscriptionPolicies("Internal_2014-09-01", "Internal_2014-09-01", "Off"), "RoleBased");
}

public sealed record SubscriptionModel(string Id, Guid SubscriptionId, Guid TenantId, string DisplayName, string State,
    SubscriptionPolicies SubscriptionPolicies, string AuthorizationSource);

public sealed record SubscriptionPolicies(string LocationPlacementId, string QuotaId, string SpendingLimit);

/// <param name="Type"><c>Region</c>.</param>
public sealed record LocationModel(string Id, string Name, string Type, string DisplayName, string RegionalDisplayName, LocationMetadata Metadata)
{
    public static LocationModel From(Region region, Guid subscriptionId) => new($"/subscriptions/{subscriptionId}/locations/{region.Name}", region.Name, "Region",
        region.DisplayName, $"({region.GeographyGroup}) {region.DisplayName}", new LocationMetadata("Physical", "Recommended", region.GeographyGroup));
}

public sealed record LocationMetadata(string RegionType, string RegionCategory, string GeographyGroup);
