using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Preview features: registered per subscription, kept, and needed where Azure needs them.</summary>
public sealed class FeatureTests(EmulatorFixture fixture)
{
    private const string InstantAccess = "AppConsistentInstantAccessSnapshotForDirectDriveDisks";

    [Fact]
    public async Task A_feature_is_registered_and_unregistered_for_one_subscription()
    {
        RawArm arm = fixture.NewSubscription(), other = fixture.NewSubscription();
        ArmResponse registered = (await arm.PostAsync($"{Feature(arm, "SomePreview")}/register")).Expect(200);
        registered.Keys().ShouldBe("properties id type name");
        registered["properties.state"].ShouldBe("Registered");
        registered["id"].ShouldBe(Feature(arm, "SomePreview"));
        registered["type"].ShouldBe("Microsoft.Features/providers/features");
        registered["name"].ShouldBe("Microsoft.Compute/SomePreview");
        (await arm.PostAsync($"{Feature(arm, "somepreview")}/unregister")).Expect(200)["properties.state"].ShouldBe("NotRegistered");
        ArmResponse shown = (await arm.GetAsync(Feature(arm, "SOMEPREVIEW").Replace("Microsoft.Compute", "microsoft.compute"))).Expect(200);
        shown["properties.state"].ShouldBe("NotRegistered");
        shown["name"].ShouldBe("Microsoft.Compute/SomePreview", "the spelling of the registration");
        (await other.GetAsync(Feature(other, "SomePreview"))).Expect(200)["properties.state"].ShouldBe("Registered", "by the setting");
    }

    [Fact]
    public async Task Lists_have_what_is_known_and_what_was_registered()
    {
        RawArm arm = fixture.NewSubscription();
        (await arm.PostAsync($"{Feature(arm, "SomePreview")}/register")).Expect(200);
        (await arm.PostAsync($"{Feature(arm, "Else").Replace("Microsoft.Compute", "Microsoft.Resources")}/register")).Expect(200);
        string all = $"{arm.Subscription}/providers/Microsoft.Features/features", compute = $"{arm.Subscription}/providers/Microsoft.Features/providers/Microsoft.Compute/features";
        Names(await arm.GetAsync(all)).ShouldBe([$"Microsoft.Compute/{InstantAccess}", "Microsoft.Compute/SomePreview", "Microsoft.Resources/Else"]);
        Names(await arm.GetAsync(compute)).ShouldBe([$"Microsoft.Compute/{InstantAccess}", "Microsoft.Compute/SomePreview"]);
        ArmResponse page = await arm.GetAsync(compute, "$top=1");
        Names(await arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, page["nextLink"]))).ShouldBe(["Microsoft.Compute/SomePreview"]);
    }

    [Fact]
    public async Task What_cannot_be_a_feature_is_refused()
    {
        RawArm arm = fixture.NewSubscription();
        NotFoundTests.Check(await arm.GetAsync(Feature(arm, "X").Replace("Microsoft.Compute", "Microsoft.Imaginary")), 404, "InvalidResourceNamespace", "The resource namespace 'Microsoft.Imaginary' is invalid.");
        NotFoundTests.Check(await arm.PostAsync($"{Feature(arm, "a%20b")}/register"), 404, "FeatureNotFound", "The feature 'a b' could not be found.");
        NotFoundTests.Check(await arm.PostAsync($"{Feature(arm, new string('n', 129))}/register"), 404, "FeatureNotFound", "could not be found");
    }

    [Fact]
    public async Task Where_features_are_required_instant_access_needs_its_registration_which_survives_a_crash_and_not_a_reset()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:Features=Required"))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            World world = await World.CreateAsync(new RawArm(http, subscription));
            RawArm arm = world.Arm;
            string vm = await world.VmAsync("vm", await world.EmptyDiskAsync("os"));
            string body = $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{vm}}}"},"instantAccess":true}}""";
            (await arm.GetAsync(Feature(arm, InstantAccess))).Expect(200)["properties.state"].ShouldBe("NotRegistered");
            ArmResponse refused = await arm.SendAsync(HttpMethod.Put, world.Collection("c"), body, apiVersion: "2025-04-01");
            NotFoundTests.Check(refused, 409, "SubscriptionNotRegisteredForFeature", $"Microsoft.Compute/{InstantAccess}");
            (await arm.GetAsync(world.Collection("c"))).Expect(404);
            await world.CollectionAsync("plain", vm);
            NotFoundTests.Check(await arm.SendAsync(HttpMethod.Put, World.Point(world.Collection("plain"), "p"), """{"properties":{"instantAccessDurationMinutes":120}}""", apiVersion: "2025-04-01"),
                409, "SubscriptionNotRegisteredForFeature", InstantAccess);
            (await arm.PostAsync($"{Feature(arm, InstantAccess)}/register")).Expect(200);
            (await arm.SendAsync(HttpMethod.Put, world.Collection("c"), body, apiVersion: "2025-04-01")).Expect(201);
            await emulator.KillAsync();
        }
        await using EmulatorProcess second = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:Features=Required");
        using HttpClient again = EmulatorFixture.NewClient(second);
        RawArm after = new(again, subscription);
        (await after.GetAsync(Feature(after, InstantAccess))).Expect(200)["properties.state"].ShouldBe("Registered");
        (await after.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/emulator/reset?subscription={subscription}"))).Expect(204);
        (await after.GetAsync(Feature(after, InstantAccess))).Expect(200)["properties.state"].ShouldBe("NotRegistered");
    }

    private static string Feature(RawArm arm, string name) => $"{arm.Subscription}/providers/Microsoft.Features/providers/Microsoft.Compute/features/{name}";

    private static string[] Names(ArmResponse page) => [.. page.Expect(200).Node("value")!.AsArray().Select(item => (string)item!["name"]!)];
}
