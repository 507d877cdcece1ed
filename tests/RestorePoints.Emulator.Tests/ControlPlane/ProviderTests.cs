using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>What clients ask before their first resource: providers, their types and versions, regions, tenants.</summary>
public sealed class ProviderTests(EmulatorFixture fixture)
{
    private readonly RawArm _arm = fixture.NewSubscription();

    [Fact]
    public async Task A_provider_lists_its_types_with_regions_and_versions_newest_first()
    {
        ArmResponse provider = (await _arm.GetAsync($"{_arm.Subscription}/providers/microsoft.compute")).Expect(200);
        provider.Keys().ShouldBe("id namespace resourceTypes registrationState registrationPolicy");
        provider["id"].ShouldBe($"{_arm.Subscription}/providers/Microsoft.Compute");
        provider["namespace"].ShouldBe("Microsoft.Compute");
        provider["registrationState"].ShouldBe("Registered");
        var types = provider.Node("resourceTypes")!.AsArray().ToDictionary(type => (string)type!["resourceType"]!);
        foreach (string name in new[] { "disks", "virtualMachines", "restorePointCollections", "restorePointCollections/restorePoints", "restorePointCollections/restorePoints/diskRestorePoints" })
        {
            string[] versions = [.. types[name]!["apiVersions"]!.AsArray().Select(version => (string)version!)];
            versions.ShouldBe(versions.OrderDescending(), ignoreOrder: false, name);
            versions.ShouldContain(name.Contains("isk") ? RawArm.DiskVersion : RawArm.ComputeVersion);
            types[name]!["locations"]!.AsArray().Select(location => (string)location!).ShouldContain("West Europe");
        }
        ((string)types["disks"]!["capabilities"]!).ShouldBe("SupportsTags, SupportsLocation");
        ((string)types["restorePointCollections/restorePoints"]!["capabilities"]!).ShouldBe("None");
    }

    [Fact]
    public async Task Every_version_that_the_metadata_names_is_served()
    {
        World world = await World.CreateAsync(_arm);
        ArmResponse provider = (await _arm.GetAsync($"{_arm.Subscription}/providers/Microsoft.Compute")).Expect(200);
        foreach (string type in new[] { "disks", "virtualMachines", "restorePointCollections" })
            foreach (string version in provider.Node("resourceTypes")!.AsArray().Single(known => (string)known!["resourceType"]! == type)!["apiVersions"]!.AsArray().Select(version => (string)version!))
                (await _arm.SendAsync(HttpMethod.Get, $"{world.Compute}/{type}", apiVersion: version)).Expect(200);
    }

    [Fact]
    public async Task Providers_are_listed_and_registered_and_shown_to_the_tenant()
    {
        string[] names = ["Microsoft.Authorization", "Microsoft.Compute", "Microsoft.Features", "Microsoft.Resources"];
        foreach (string list in new[] { $"{_arm.Subscription}/providers", "/providers" })
        {
            ArmResponse page = (await _arm.GetAsync(list, "$top=3")).Expect(200), next = (await _arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, page["nextLink"]))).Expect(200);
            new[] { page, next }.SelectMany(answer => answer.Node("value")!.AsArray().Select(item => (string)item!["namespace"]!)).ShouldBe(names, list);
        }
        foreach (string name in names)
            (await _arm.GetAsync($"{_arm.Subscription}/providers/{name}")).Expect(200)["resourceTypes.0.apiVersions.0"].ShouldNotBeNull(name);
        (await _arm.PostAsync($"{_arm.Subscription}/providers/Microsoft.Compute/register")).Expect(200)["registrationState"].ShouldBe("Registered");
        (await _arm.GetAsync("/providers/Microsoft.Compute")).Expect(200).Keys().ShouldBe("namespace resourceTypes");
        NotFoundTests.Check(await _arm.GetAsync($"{_arm.Subscription}/providers/Microsoft.Imaginary"), 404, "InvalidResourceNamespace", "Microsoft.Imaginary");
        NotFoundTests.Check(await _arm.PostAsync($"{_arm.Subscription}/providers/Microsoft.Imaginary/register"), 404, "InvalidResourceNamespace", "Microsoft.Imaginary");
    }

    [Fact]
    public async Task Regions_and_tenants_are_listed()
    {
        ArmResponse regions = (await _arm.GetAsync($"{_arm.Subscription}/locations")).Expect(200);
        var europe = regions.Node("value")!.AsArray().Single(region => (string)region!["name"]! == "westeurope")!.AsObject();
        string.Join(' ', europe.Select(member => member.Key)).ShouldBe("id name type displayName regionalDisplayName metadata");
        ((string)europe["displayName"]!).ShouldBe("West Europe");
        ((string)europe["id"]!).ShouldBe($"{_arm.Subscription}/locations/westeurope");
        ArmResponse tenants = (await _arm.GetAsync("/tenants")).Expect(200), subscriptions = (await _arm.GetAsync("/subscriptions")).Expect(200);
        tenants["value.0.tenantId"].ShouldBe(subscriptions["value.0.tenantId"]);
        tenants["value.0.id"].ShouldBe($"/tenants/{tenants["value.0.tenantId"]}");
    }

    [Theory]
    [InlineData("/tenants")]
    [InlineData("/providers")]
    [InlineData("{s}/providers")]
    [InlineData("{s}/locations")]
    [InlineData("{s}/providers/Microsoft.Features/features")]
    [InlineData("{s}/providers/Microsoft.Authorization/locks")]
    public async Task An_api_version_is_needed(string path) => NotFoundTests.Check(
        await _arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, path.Replace("{s}", _arm.Subscription))), 400, "MissingApiVersionParameter", "");
}
