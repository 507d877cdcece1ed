using System.Reflection;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>A resource provider as its metadata describes it.</summary>
public sealed record ArmProvider(string Namespace, IReadOnlyList<ArmProviderType> Types);

/// <summary>A resource type of a provider.</summary>
/// <param name="ApiVersions">Newest first.</param>
/// <param name="HasLocations">Whether resources of the type are in a region.</param>
/// <param name="Capabilities">As Azure names them: <c>SupportsTags, SupportsLocation</c>, or <c>None</c>.</param>
public sealed record ArmProviderType(string ResourceType, IReadOnlyList<string> ApiVersions, bool HasLocations, string Capabilities);

/// <summary>The providers that are served, with their types. Clients read api-versions and locations here.</summary>
public static class ArmProviders
{
    private const string Tracked = "SupportsTags, SupportsLocation";

    private static readonly string[] GroupVersions =
    [
        "2025-04-01", "2025-03-01", "2024-11-01", "2024-07-01", "2024-03-01", "2023-07-01", "2022-09-01", "2021-04-01", "2021-01-01", "2020-10-01", "2020-08-01",
        "2020-06-01", "2019-10-01", "2019-08-01", "2019-07-01", "2019-05-10", "2019-05-01", "2019-03-01", "2018-05-01", "2018-02-01", "2017-05-10", "2016-09-01",
    ];

    private static readonly string[] SubscriptionVersions = ["2022-12-01", "2022-09-01", "2021-01-01", "2020-01-01", "2019-11-01", "2019-06-01", "2018-06-01", "2016-06-01"];
    private static readonly string[] LockVersions = ["2020-05-01", "2017-04-01", "2016-09-01", "2015-01-01"];
    private static readonly string[] FeatureVersions = ["2021-07-01", "2015-12-01"];

    public static IReadOnlyList<ArmProvider> All { get; } =
    [
        new("Microsoft.Authorization", [new("locks", LockVersions, false, "None")]),
        new("Microsoft.Compute",
        [
            Compute<DisksController>(Tracked),
            Compute<DiskOperationsController>("None"),
            Compute<OperationsController>("None"),
            Compute<RestorePointCollectionsController>(Tracked),
            Compute<RestorePointsController>("None"),
            Compute<DiskRestorePointsController>("None"),
            Compute<SnapshotsController>(Tracked),
            Compute<VirtualMachinesController>(Tracked),
        ]),
        new("Microsoft.Features", [new("features", FeatureVersions, false, "None"), new("providers", FeatureVersions, false, "None")]),
        new("Microsoft.Resources",
        [
            new("locations", SubscriptionVersions, false, "None"),
            new("operationresults", GroupVersions, false, "None"),
            new("providers", GroupVersions, false, "None"),
            new("resourceGroups", GroupVersions, true, Tracked),
            new("resources", GroupVersions, false, "None"),
            new("subscriptions", SubscriptionVersions, false, "None"),
            new("subscriptions/locations", SubscriptionVersions, false, "None"),
            new("subscriptions/resourceGroups", GroupVersions, false, "None"),
            new("tenants", SubscriptionVersions, false, "None"),
        ]),
    ];

    /// <summary>404 <c>InvalidResourceNamespace</c> for a provider that is not served.</summary>
    public static ArmProvider Require(string name) =>
        All.FirstOrDefault(provider => provider.Namespace.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? throw ArmErrors.InvalidResourceNamespace(name).AsException();

    private static ArmProviderType Compute<TController>(string capabilities) where TController : ArmController
    {
        ArmResourceTypeAttribute type = typeof(TController).GetCustomAttribute<ArmResourceTypeAttribute>()!;
        return new(type.Type, [.. type.Versions.Where(version => !ApiVersions.IsBefore(version, type.ServedSince)).Reverse()], true, capabilities);
    }
}
