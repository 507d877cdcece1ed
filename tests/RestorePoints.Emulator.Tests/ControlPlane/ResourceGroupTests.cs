using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Resource groups: existence, change, generic lists, and a deletion that takes everything along.</summary>
public sealed class ResourceGroupTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task A_group_is_made_changed_asked_for_and_listed()
    {
        string group = $"{Arm.Subscription}/resourceGroups/Mine";
        ArmResponse made = (await Arm.PutAsync(group, """{"location":"West Europe","tags":{"a":"b"}}""")).Expect(201);
        made.Keys().ShouldBe("id name type location tags properties");
        made["id"].ShouldBe(group);
        made["type"].ShouldBe("Microsoft.Resources/resourceGroups");
        made["location"].ShouldBe("westeurope");
        (await Arm.PutAsync(group.Replace("Mine", "MINE"), """{"location":"westeurope"}""")).Expect(200)["name"].ShouldBe("Mine");
        (await Arm.PatchAsync(group, """{"tags":{"c":"d"}}""")).Expect(200)["tags.c"].ShouldBe("d");
        NotFoundTests.Check(await Arm.PutAsync(group, """{"location":"eastus"}"""), 409, "InvalidResourceGroupLocation", "westeurope");
        (await Arm.SendAsync(HttpMethod.Head, group)).Expect(204);
        (await Arm.SendAsync(HttpMethod.Head, group + "2")).Expect(404).Body.ShouldBeEmpty();
        (await Arm.GetAsync($"{Arm.Subscription}/resourceGroups")).Count("value").ShouldBe(2);
    }

    [Fact]
    public async Task Deleting_a_group_deletes_machines_collections_points_disks_and_locks_below()
    {
        string disk = await _world.EmptyDiskAsync("os"), vm = await _world.VmAsync("vm", disk, await _world.EmptyDiskAsync("data")), collection = await _world.CollectionAsync("c", vm);
        await _world.PointAsync(collection, "p1");
        await _world.PointAsync(collection, "p2");
        await _world.EmptyDiskAsync("free");
        ArmResponse accepted = (await Arm.DeleteAsync(_world.Group)).Expect(202);
        accepted.Header("Location").ShouldNotBeNull().ShouldContain($"{Arm.Subscription}/operationresults/");
        accepted.Header("Retry-After").ShouldBe("1");
        (await Arm.FinishAsync(accepted)).Expect(200).Body.ShouldBeEmpty();
        (await Arm.GetAsync(_world.Group)).Expect(404).ErrorCode.ShouldBe("ResourceGroupNotFound");
        (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Location")))).Expect(200);
        (await Arm.PutAsync(_world.Group, """{"location":"westeurope"}""")).Expect(201);
        foreach (string list in new[] { "disks", "virtualMachines", "restorePointCollections" })
            (await Arm.GetAsync($"{_world.Compute}/{list}")).Expect(200).Count("value").ShouldBe(0, list);
        (await Arm.GetAsync($"{Arm.Subscription}/resources")).Expect(200).Count("value").ShouldBe(0);
    }

    [Fact]
    public async Task A_group_with_an_active_sas_in_it_stays_whole()
    {
        string disk = await _world.EmptyDiskAsync("d");
        await _world.EmptyDiskAsync("other");
        await Arm.GrantAsync(disk);
        ArmResponse ended = await Arm.FinishAsync((await Arm.DeleteAsync(_world.Group)).Expect(202));
        NotFoundTests.Check(ended, 409, "OperationNotAllowed", "active shared access signature");
        (await Arm.GetAsync(_world.Group)).Expect(200)["properties.provisioningState"].ShouldBe("Succeeded");
        (await Arm.GetAsync($"{_world.Compute}/disks")).Count("value").ShouldBe(2);
    }

    [Fact]
    public async Task Recorded_retry_times_are_those_of_ARM()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:RetryAfter=Recorded");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, Guid.NewGuid()));
        (await world.Arm.DeleteAsync(world.Group)).Expect(202).Header("Retry-After").ShouldBe("15");
    }

    [Fact]
    public async Task Resources_of_all_types_are_listed_together_and_filtered()
    {
        string disk = await _world.EmptyDiskAsync("os"), vm = await _world.VmAsync("vm", disk), collection = await _world.CollectionAsync("c", vm);
        await Arm.SucceedAsync(Arm.PatchAsync(disk, """{"tags":{"Env":"test"}}"""));
        string other = $"{Arm.Subscription}/resourceGroups/other", foreign = $"{other}/providers/Microsoft.Compute/disks/far";
        (await Arm.PutAsync(other, """{"location":"westeurope"}""")).Expect(201);
        await Arm.SucceedAsync(Arm.PutAsync(foreign, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1", "northeurope")));
        string all = $"{Arm.Subscription}/resources";

        (await IdsAsync($"{_world.Group}/resources")).ShouldBe([disk, collection, vm]);
        (await IdsAsync(all)).ShouldBe([disk, collection, vm, foreign]);
        (await IdsAsync(all, "$filter=resourceType eq 'microsoft.compute/DISKS'")).ShouldBe([disk, foreign]);
        (await IdsAsync(all, "$filter=resourceGroup eq 'OTHER'")).ShouldBe([foreign]);
        (await IdsAsync(all, "$filter=tagName eq 'env' and tagValue eq 'test'")).ShouldBe([disk]);
        (await IdsAsync(all, "$filter=location eq 'northeurope' and name eq 'far'")).ShouldBe([foreign]);
        (await IdsAsync(all, "$top=3")).ShouldBe([disk, collection, vm]);
        ArmResponse expanded = (await Arm.GetAsync($"{other}/resources", "$expand=createdTime,provisioningState")).Expect(200);
        expanded.Node("value.0")!.AsObject().Select(member => member.Key).ShouldBe(["id", "name", "type", "location", "createdTime", "provisioningState"]);
        expanded["value.0.type"].ShouldBe("Microsoft.Compute/disks");
        NotFoundTests.Check(await Arm.GetAsync(all, "$filter=substringof('a', name)"), 400, "InvalidFilterInQueryString", "");
        NotFoundTests.Check(await Arm.GetAsync(all, "$expand=everything"), 400, "InvalidParameter", "everything");
        NotFoundTests.Check(await Arm.GetAsync($"{other}x/resources"), 404, "ResourceGroupNotFound", "otherx");
    }

    private async Task<string[]> IdsAsync(string path, string? query = null) =>
        [.. (await Arm.GetAsync(path, query)).Expect(200).Node("value")!.AsArray().Select(item => (string)item!["id"]!)];
}
