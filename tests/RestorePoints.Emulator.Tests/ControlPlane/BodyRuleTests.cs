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
        string snapshot = await _world.SnapshotAsync("s", disk);
        _resources =
        [
            (_world.Group, """{"location":"westeurope"}"""),
            (disk, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")),
            (snapshot, World.SnapshotBody(disk)),
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
        foreach ((string path, string body) in new[] { (_world.Disk("new"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")), (_world.Snapshot("new"), World.SnapshotBody(_world.Disk("os"))) })
        {
            NotFoundTests.Check(await Arm.PutAsync(path, WithState(body, "Creating")), 400, "InvalidParameter", "Creating");
            (await Arm.GetAsync(path)).Expect(404);
        }
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
    public async Task A_PUT_on_what_exists_changes_neither_its_generation_nor_its_zones()
    {
        string disk = _world.Disk("zonal"), snapshot = _world.Snapshot("second");
        string diskBody = With(World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1,\"hyperVGeneration\":\"V2\""), "zones", new JsonArray("1"));
        string snapshotBody = World.SnapshotBody(disk, ",\"hyperVGeneration\":\"V2\"");
        await Arm.SucceedAsync(Arm.PutAsync(disk, diskBody));
        await Arm.SucceedAsync(Arm.PutAsync(snapshot, snapshotBody));
        foreach ((string path, string body, string target) in new[]
        {
            (disk, diskBody.Replace("\"V2\"", "\"V1\""), "disk.hyperVGeneration"),
            (disk, With(diskBody, "zones", new JsonArray("2")), "zones"),
            (disk, With(diskBody, "zones", new JsonArray()), "zones"),
            (_world.Disk("os"), With(World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1"), "zones", new JsonArray("1")), "zones"),
            (_world.Disk("os"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1,\"hyperVGeneration\":\"V2\""), "disk.hyperVGeneration"),
            (snapshot, snapshotBody.Replace("\"V2\"", "\"V1\""), "snapshot.hyperVGeneration"),
            (_world.Snapshot("s"), World.SnapshotBody(_world.Disk("os"), ",\"hyperVGeneration\":\"V1\""), "snapshot.hyperVGeneration"),
        })
        {
            string before = (await Arm.GetAsync(path)).Expect(200).Text;
            ArmResponse answer = await Arm.PutAsync(path, With(body, "tags", new JsonObject { ["changed"] = "yes" }));
            NotFoundTests.Check(answer, 409, "PropertyChangeNotAllowed", $"Changing property '{target}' is not allowed.");
            answer["error.target"].ShouldBe(target);
            (await Arm.GetAsync(path)).Expect(200).Text.ShouldBe(before, body);
        }
        foreach ((string path, string body) in new[] { (disk, diskBody), (snapshot, snapshotBody) })
        {
            string before = (await Arm.GetAsync(path)).Expect(200).Text;
            await Arm.SucceedAsync(Arm.PutAsync(path, body));
            (await Arm.GetAsync(path)).Expect(200).Text.ShouldBe(before, "the same again");
        }
    }

    [Theory]
    [InlineData("disk")]
    [InlineData("snapshot")]
    public async Task The_accountType_of_the_first_version_is_the_sku(string type)
    {
        const string first = "2016-04-30-preview";
        string path = type == "disk" ? _world.Disk("old") : _world.Snapshot("old");
        await PutAsync("Standard_LRS");
        await ShouldShowAsync("Standard_LRS");
        await Arm.SucceedAsync(Arm.SendAsync(HttpMethod.Patch, path, """{"properties":{"accountType":"premium_lrs"}}""", apiVersion: first));
        await ShouldShowAsync("Premium_LRS");
        await PutAsync("Standard_LRS");
        await ShouldShowAsync("Standard_LRS");
        NotFoundTests.Check(await Arm.SendAsync(HttpMethod.Patch, path, """{"properties":{"accountType":"Drum_LRS"}}""", apiVersion: first), 400, "InvalidParameter", "Drum_LRS");
        await Arm.SucceedAsync(Arm.PatchAsync(path, """{"properties":{"accountType":"Premium_LRS"}}"""));
        await ShouldShowAsync("Standard_LRS", "a later version has no accountType");

        async Task PutAsync(string accountType) => await Arm.SucceedAsync(Arm.SendAsync(HttpMethod.Put, path, type == "disk"
            ? $$$"""{"location":"westeurope","properties":{"accountType":"{{{accountType}}}","diskSizeGB":1,"creationData":{"createOption":"Empty"}} }"""
            : World.SnapshotBody(_world.Disk("os"), $",\"accountType\":\"{accountType}\""), apiVersion: first));

        async Task ShouldShowAsync(string skuName, string? because = null)
        {
            (await Arm.SendAsync(HttpMethod.Get, path, apiVersion: first)).Expect(200)["properties.accountType"].ShouldBe(skuName, because);
            ArmResponse later = (await Arm.GetAsync(path)).Expect(200);
            later["sku.name"].ShouldBe(skuName, because);
            later.Node("properties.accountType").ShouldBeNull();
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

    private static string With(string body, string property, JsonNode value)
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
