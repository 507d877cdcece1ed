using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>What a body may repeat and may not contradict, and that repeating a PUT changes nothing.</summary>
public sealed class BodyRuleTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;
    private (string Path, string Body)[] _resources = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.CreateAsync(fixture);
        string disk = await _world.EmptyDiskAsync("os"), vm = await _world.VmAsync("vm", disk), collection = await _world.CollectionAsync("c", vm);
        await _world.PointAsync(collection, "p");
        _resources =
        [
            (_world.Group, """{"location":"westeurope"}"""),
            (disk, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")),
            (vm, _world.VmBody(disk)),
            (collection, $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{vm}}}"}} }"""),
            (World.Point(collection, "p"), "{}"),
        ];
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task Repeating_a_PUT_succeeds_and_changes_nothing()
    {
        foreach ((string path, string body) in _resources)
        {
            string before = Stable(await Arm.GetAsync(path));
            await Arm.SucceedAsync(Arm.PutAsync(path, body));
            await Arm.SucceedAsync(Arm.PutAsync(path, body));
            Stable(await Arm.GetAsync(path)).ShouldBe(before, path);
        }
    }

    [Fact]
    public async Task A_resource_takes_back_the_body_that_GET_gives()
    {
        // A point's GET has the source's metadata and the consistency that it reached: sent back it is another model.
        foreach ((string path, _) in _resources[..^1])
        {
            ArmResponse shown = (await Arm.GetAsync(path)).Expect(200);
            await Arm.SucceedAsync(Arm.PutAsync(path, shown.Text));
            Stable(await Arm.GetAsync(path)).ShouldBe(Stable(shown), path);
        }
    }

    [Fact]
    public async Task A_body_that_names_another_resource_than_the_url_is_refused()
    {
        foreach ((string path, string body) in _resources)
        {
            string before = Stable(await Arm.GetAsync(path)), name = path[(path.LastIndexOf('/') + 1)..];
            foreach ((string property, string value) in new[] { ("id", path + "x"), ("name", "other"), ("type", "Microsoft.Compute/others") })
            {
                if (property == "type" && path.EndsWith("/p", StringComparison.Ordinal))
                    continue;
                ArmResponse answer = await Arm.PutAsync(path, With(body, property, value));
                NotFoundTests.Check(answer, 400, "InvalidParameter", value);
                answer["error.target"].ShouldBe(property);
            }
            Stable(await Arm.GetAsync(path)).ShouldBe(before, path);
            await Arm.SucceedAsync(Arm.PutAsync(path, With(With(body, "id", path.ToUpperInvariant()), "name", name.ToUpperInvariant())));
        }
    }

    [Fact]
    public async Task A_provisioning_state_may_be_repeated_and_not_changed()
    {
        foreach ((string path, string body) in _resources)
        {
            ArmResponse answer = await Arm.PutAsync(path, WithState(body, "Failed"));
            NotFoundTests.Check(answer, 400, "InvalidParameter", "provisioningState");
            answer["error.target"].ShouldBe("properties.provisioningState");
            await Arm.SucceedAsync(Arm.PutAsync(path, WithState(body, "succeeded")));
            (await Arm.GetAsync(path)).Expect(200)["properties.provisioningState"].ShouldBe("Succeeded");
        }
        NotFoundTests.Check(await Arm.PutAsync(_world.Disk("new"), WithState(World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1"), "Creating")), 400, "InvalidParameter", "Creating");
        (await Arm.GetAsync(_world.Disk("new"))).Expect(404);
    }

    [Fact]
    public async Task Unknown_properties_are_ignored_and_not_echoed()
    {
        foreach ((string path, string body) in _resources.Where(resource => !resource.Path.Contains("/virtualMachines/")))
        {
            await Arm.SucceedAsync(Arm.PutAsync(path, With(With(body, "flavour", "sweet"), "kind", "x")));
            (await Arm.GetAsync(path)).Expect(200).Text.ShouldNotContain("flavour");
        }
    }

    [Fact]
    public async Task A_collection_accepts_its_own_source_and_location_and_no_other()
    {
        string collection = _world.Collection("c"), vm = _world.Vm("vm");
        string shown = (await Arm.GetAsync(collection)).Text;
        (await Arm.PatchAsync(collection, $$$"""{"location":"West Europe","properties":{"source":{"id":"{{{vm.ToUpperInvariant()}}}"}} }""")).Expect(200).Text.ShouldBe(shown);
        foreach ((string body, string target) in new[] { ("""{"location":"northeurope"}""", "location"), ($$$"""{"properties":{"source":{"id":"{{{vm}}}2"}} }""", "properties.source.id") })
        {
            ArmResponse answer = await Arm.PatchAsync(collection, body);
            NotFoundTests.Check(answer, 409, "PropertyChangeNotAllowed", $"Changing property '{target}' is not allowed.");
            answer["error.target"].ShouldBe(target);
        }
        (await Arm.GetAsync(collection)).Text.ShouldBe(shown);
    }

    private static string With(string body, string property, string value)
    {
        JsonObject changed = JsonNode.Parse(body)!.AsObject();
        changed[property] = value;
        return changed.ToJsonString();
    }

    private static string WithState(string body, string state)
    {
        JsonObject changed = JsonNode.Parse(body)!.AsObject();
        changed.TryAdd("properties", new JsonObject());
        changed["properties"]!["provisioningState"] = state;
        return changed.ToJsonString();
    }

    /// <summary>Without the etag, which counts accepted changes.</summary>
    private static string Stable(ArmResponse answer)
    {
        JsonObject body = JsonNode.Parse(answer.Expect(200).Text)!.AsObject();
        body.Remove("etag");
        return body.ToJsonString();
    }
}
