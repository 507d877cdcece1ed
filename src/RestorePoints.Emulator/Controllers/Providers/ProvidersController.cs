using Microsoft.AspNetCore.Mvc;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Metadata of the resource providers, for a subscription and for the tenant. Every provider is registered in every subscription.</summary>
[ArmResourceType("providers", ApiVersionFamily.Resources)]
public sealed class ProvidersController(EmulatorDbContext db, TimeProvider time) : ArmController(db, time)
{
    [HttpGet("subscriptions/{subscriptionId}/providers")]
    public ListModel<ProviderModel> List() => Page(ArmProviders.All, provider => provider.Namespace).Select(InSubscription);

    [HttpGet("subscriptions/{subscriptionId}/providers/{providerNamespace}")]
    public ProviderModel Get(string providerNamespace) => InSubscription(ArmProviders.Require(providerNamespace));

    /// <summary>What is asked for is so already.</summary>
    [HttpPost("subscriptions/{subscriptionId}/providers/{providerNamespace}/register")]
    public ProviderModel Register(string providerNamespace) => InSubscription(ArmProviders.Require(providerNamespace));

    [HttpGet("providers")]
    public ListModel<ProviderModel> ListAtTenant() => Page(ArmProviders.All, provider => provider.Namespace).Select(provider => ProviderModel.From(provider, null));

    [HttpGet("providers/{providerNamespace}")]
    public ProviderModel GetAtTenant(string providerNamespace) => ProviderModel.From(ArmProviders.Require(providerNamespace), null);

    private ProviderModel InSubscription(ArmProvider provider) => ProviderModel.From(provider, SubscriptionId);
}

/// <summary>A provider on the wire; members in Azure's order. <c>id</c> and the registration are those of a subscription.</summary>
public sealed record ProviderModel
{
    public string? Id { get; init; }
    public required string Namespace { get; init; }
    public required IReadOnlyList<ProviderTypeModel> ResourceTypes { get; init; }
    public string? RegistrationState { get; init; }
    public string? RegistrationPolicy { get; init; }

    public static ProviderModel From(ArmProvider provider, Guid? subscriptionId) => new()
    {
        Id = subscriptionId is null ? null : $"/subscriptions/{subscriptionId}/providers/{provider.Namespace}",
        Namespace = provider.Namespace,
        ResourceTypes = [.. provider.Types.Select(type => new ProviderTypeModel(type.ResourceType,
            type.HasLocations ? [.. Regions.Known.Select(region => region.DisplayName)] : [], type.ApiVersions, type.Capabilities))],
        RegistrationState = subscriptionId is null ? null : "Registered",
        RegistrationPolicy = subscriptionId is null ? null : provider.Namespace == ArmResourceId.Provider ? "RegistrationRequired" : "RegistrationFree",
    };
}

/// <param name="Locations">Display names: <c>West Europe</c>.</param>
public sealed record ProviderTypeModel(string ResourceType, IReadOnlyList<string> Locations, IReadOnlyList<string> ApiVersions, string Capabilities);
