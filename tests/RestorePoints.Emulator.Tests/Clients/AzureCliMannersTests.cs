using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>What az asks of ARM itself: locks, providers, features, resources of any type.</summary>
public sealed class AzureCliMannersTests(AzureCli az) : IClassFixture<AzureCli>
{
    private const string Group = "manners", DiskType = "Microsoft.Compute/disks";
    private static readonly string Disk = $"/subscriptions/{SubscriptionOptions.DefaultId}/resourceGroups/{Group}/providers/{DiskType}/data";

    [Fact]
    public async Task A_lock_keeps_az_from_changing_what_it_covers()
    {
        Assert.SkipWhen(az.Arm is null, "az is missing: apt-get install azure-cli (Debian)");
        await az.RunAsync("group", "create", "-n", Group, "-l", "westeurope");
        await az.RunAsync("disk", "create", "-g", Group, "-n", "data", "--size-gb", "4");
        Text((await az.RunAsync("lock", "create", "-g", Group, "-n", "keep", "--lock-type", "CanNotDelete", "--notes", "why"))!["notes"]).ShouldBe("why");
        await az.RunAsync("lock", "create", "-g", Group, "-n", "keep-disk", "--lock-type", "ReadOnly", "--resource-name", "data", "--resource-type", DiskType);
        (await az.RunAsync("lock", "list", "-g", Group))!.AsArray().Select(item => Text(item!["name"])).ShouldContain("keep");

        await az.FailAsync(1, "ScopeLocked", "disk", "update", "-g", Group, "-n", "data", "--set", "tags.changed=yes");
        await az.RunAsync("lock", "delete", "-g", Group, "-n", "keep-disk", "--resource-name", "data", "--resource-type", DiskType);
        await az.FailAsync(1, "ScopeLocked", "group", "delete", "-n", Group, "--yes");
        await az.RunAsync("lock", "delete", "-g", Group, "-n", "keep");
        Text((await az.RunAsync("resource", "show", "--ids", Disk))!["name"]).ShouldBe("data");
        await az.RunAsync("group", "delete", "-n", Group, "--yes");
    }

    [Fact]
    public async Task Providers_features_and_locations_are_shown()
    {
        Assert.SkipWhen(az.Arm is null, "az is missing: apt-get install azure-cli (Debian)");
        JsonNode compute = (await az.RunAsync("provider", "show", "-n", "Microsoft.Compute"))!;
        Text(compute["registrationState"]).ShouldBe("Registered");
        compute["resourceTypes"]!.AsArray().Select(type => Text(type!["resourceType"])).ShouldContain("restorePointCollections");
        JsonNode feature = (await az.RunAsync("feature", "register", "--namespace", "Microsoft.Compute", "-n", "RestorePointsOfThisTest"))!;
        Text(feature["properties"]!["state"]).ShouldBe("Registered");
        (await az.RunAsync("account", "list-locations"))!.AsArray().Select(location => Text(location!["name"])).ShouldContain("westeurope");
    }

    private static string Text(JsonNode? node) => node.ShouldNotBeNull().GetValue<string>();
}
