using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Management locks: where they can be, what they forbid, and that they go with what they lock.</summary>
public sealed class LockTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private const string LockVersion = "2016-09-01";
    private World _world = null!;
    private string _osDisk = null!;
    private string _vm = null!;
    private string _collection = null!;
    private string _point = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.CreateAsync(fixture);
        _osDisk = await _world.EmptyDiskAsync("os");
        _vm = await _world.VmAsync("vm", _osDisk);
        _collection = await _world.CollectionAsync("c", _vm);
        _point = World.Point(_collection, "p");
        await _world.PointAsync(_collection, "p");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task A_lock_is_created_shown_changed_and_deleted()
    {
        string known = Lock(_osDisk, "Keep");
        ArmResponse created = (await Arm.PutAsync(known, """{"properties":{"level":"cannotdelete","notes":"mine","owners":[{"applicationId":"app"}]}}""")).Expect(201);
        created.Keys().ShouldBe("properties id type name");
        created.Keys("properties").ShouldBe("level notes owners");
        created["properties.level"].ShouldBe("CanNotDelete");
        created["properties.owners.0.applicationId"].ShouldBe("app");
        created["id"].ShouldBe(known);
        created["type"].ShouldBe("Microsoft.Authorization/locks");
        (await Arm.GetAsync(known.Replace("/disks/os/", "/DISKS/OS/").Replace("/Keep", "/KEEP"))).Expect(200).Text.ShouldBe(created.Text, "names are compared without regard to case");
        ArmResponse changed = (await Arm.PutAsync(known, """{"properties":{"level":"ReadOnly"}}""")).Expect(200);
        changed.Keys("properties").ShouldBe("level");
        (await Arm.GetAsync(known)).Expect(200)["properties.level"].ShouldBe("ReadOnly");
        (await Arm.DeleteAsync(known)).Expect(200);
        (await Arm.DeleteAsync(known)).Expect(204);
        NotFoundTests.Check(await Arm.GetAsync(known), 404, "LockNotFound", "The lock 'Keep' could not be found.");
    }

    [Fact]
    public async Task The_url_that_az_writes_with_an_empty_parent_is_the_same_lock()
    {
        string known = Lock(_osDisk, "l");
        ArmResponse created = (await Arm.SendAsync(HttpMethod.Put, known.Replace("/Microsoft.Compute/disks", "/Microsoft.Compute//disks"), Body("CanNotDelete"), apiVersion: LockVersion)).Expect(201);
        created["id"].ShouldBe(known);
        (await Arm.SendAsync(HttpMethod.Get, known, apiVersion: LockVersion)).Expect(200);
    }

    [Theory]
    [InlineData("subscription")]
    [InlineData("group")]
    [InlineData("disk")]
    public async Task CanNotDelete_forbids_deleting_at_its_scope_and_below_and_nothing_else(string where)
    {
        string disk = await _world.EmptyDiskAsync("free"), scope = where switch { "subscription" => Arm.Subscription, "group" => _world.Group, _ => disk };
        (await Arm.PutAsync(Lock(scope, "l"), Body("CanNotDelete"))).Expect(201);
        ShouldBeLocked(await Arm.DeleteAsync(disk), disk, "delete", scope);
        (await Arm.GetAsync(disk)).Expect(200);
        await Arm.SucceedAsync(Arm.PatchAsync(disk, """{"tags":{"a":"b"}}"""));
        await Arm.GrantAsync(disk);
        await Arm.RevokeAsync(disk);
        (await Arm.DeleteAsync(Lock(scope, "l"))).Expect(200);
        await Arm.SucceedAsync(Arm.DeleteAsync(disk));
        (await Arm.GetAsync(disk)).Expect(404);
    }

    [Theory]
    [InlineData("subscription")]
    [InlineData("group")]
    [InlineData("snapshot")]
    public async Task CanNotDelete_keeps_a_snapshot_and_lets_it_be_used(string where)
    {
        string snapshot = await _world.SnapshotAsync("s", _osDisk), scope = where switch { "subscription" => Arm.Subscription, "group" => _world.Group, _ => snapshot };
        (await Arm.PutAsync(Lock(scope, "l"), Body("CanNotDelete"))).Expect(201);
        ShouldBeLocked(await Arm.DeleteAsync(snapshot), snapshot, "delete", scope);
        await Arm.SucceedAsync(Arm.PatchAsync(snapshot, """{"tags":{"a":"b"}}"""));
        await Arm.GrantAsync(snapshot);
        await Arm.RevokeAsync(snapshot);
        (await Arm.GetAsync(snapshot)).Expect(200)["tags.a"].ShouldBe("b");
        (await Arm.DeleteAsync(Lock(scope, "l"))).Expect(200);
        await Arm.SucceedAsync(Arm.DeleteAsync(snapshot));
    }

    [Fact]
    public async Task A_lock_goes_with_its_snapshot()
    {
        string snapshot = await _world.SnapshotAsync("s", _osDisk);
        (await Arm.PutAsync(Lock(snapshot, "l"), Body("ReadOnly"))).Expect(201);
        (await ScopesAsync(snapshot)).ShouldBe([snapshot]);
        (await Arm.DeleteAsync(Lock(snapshot, "l"))).Expect(200);

        Task<ArmResponse> deletion = Arm.DeleteAsync(snapshot);
        // Accepted before or after the deletion: either way the next snapshot of this name has no lock.
        ArmResponse late = await Arm.PutAsync(Lock(snapshot, "late"), Body("CanNotDelete"));
        ArmResponse deleted = await deletion;
        if (deleted.Status == 202)
        {
            await Arm.FinishAsync(deleted);
            await _world.SnapshotAsync("s", _osDisk);
            (await ScopesAsync(snapshot)).ShouldBeEmpty(late.Text);
            await Arm.SucceedAsync(Arm.DeleteAsync(snapshot));
        }
        else
            ShouldBeLocked(deleted, snapshot, "delete", snapshot);
    }

    [Theory]
    [InlineData("subscription")]
    [InlineData("group")]
    [InlineData("resource")]
    public async Task ReadOnly_forbids_every_write_and_action(string where)
    {
        string snapshot = await _world.SnapshotAsync("s", _osDisk);
        (HttpMethod Method, string Path, string? Body, string Scope)[] calls =
        [
            (HttpMethod.Put, _osDisk, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1"), _osDisk),
            (HttpMethod.Patch, _osDisk, """{"tags":{}}""", _osDisk),
            (HttpMethod.Post, $"{_osDisk}/beginGetAccess", """{"access":"Read","durationInSeconds":60}""", _osDisk),
            (HttpMethod.Post, $"{_osDisk}/endGetAccess", null, _osDisk),
            (HttpMethod.Delete, _osDisk, null, _osDisk),
            (HttpMethod.Put, snapshot, World.SnapshotBody(_osDisk), snapshot),
            (HttpMethod.Patch, snapshot, """{"tags":{}}""", snapshot),
            (HttpMethod.Post, $"{snapshot}/beginGetAccess", """{"access":"Read","durationInSeconds":60}""", snapshot),
            (HttpMethod.Post, $"{snapshot}/endGetAccess", null, snapshot),
            (HttpMethod.Delete, snapshot, null, snapshot),
            (HttpMethod.Patch, _vm, """{"tags":{}}""", _vm),
            (HttpMethod.Post, $"{_vm}/start", null, _vm),
            (HttpMethod.Post, $"{_vm}/powerOff", null, _vm),
            (HttpMethod.Post, $"{_vm}/deallocate", null, _vm),
            (HttpMethod.Patch, _collection, """{"tags":{}}""", _collection),
            (HttpMethod.Put, World.Point(_collection, "p2"), "{}", World.Point(_collection, "p2")),
            (HttpMethod.Delete, _point, null, _point),
        ];
        string before = (await Arm.GetAsync(_osDisk)).Text + (await Arm.GetAsync(snapshot)).Text + (await Arm.GetAsync(_vm)).Text + (await Arm.GetAsync(_collection, "$expand=restorePoints")).Text;
        string[] scopes = where switch { "subscription" => [Arm.Subscription], "group" => [_world.Group], _ => [_osDisk, snapshot, _vm, _collection] };
        foreach (string scope in scopes)
            (await Arm.PutAsync(Lock(scope, "l"), Body("ReadOnly"))).Expect(201);
        foreach ((HttpMethod method, string path, string? body, string locked) in calls)
        {
            string scope = scopes.Single(known => locked.StartsWith(known, StringComparison.Ordinal));
            ShouldBeLocked(await Arm.SendAsync(method, path, body), locked, method == HttpMethod.Delete ? "delete" : "write", scope);
        }
        (await Arm.GetAsync(_point, "$expand=instanceView")).Expect(200);
        ((await Arm.GetAsync(_osDisk)).Text + (await Arm.GetAsync(snapshot)).Text + (await Arm.GetAsync(_vm)).Text + (await Arm.GetAsync(_collection, "$expand=restorePoints")).Text).ShouldBe(before);
        foreach (string scope in scopes)
            (await Arm.DeleteAsync(Lock(scope, "l"))).Expect(200);
        await Arm.SucceedAsync(Arm.PatchAsync(_osDisk, """{"tags":{}}"""));
        await Arm.SucceedAsync(Arm.PatchAsync(snapshot, """{"tags":{}}"""));
    }

    [Fact]
    public async Task A_lock_on_a_resource_does_not_touch_its_neighbours()
    {
        string disk = await _world.EmptyDiskAsync("free"), longer = await _world.EmptyDiskAsync("free2");
        (await Arm.PutAsync(Lock(disk, "l"), Body("ReadOnly"))).Expect(201);
        await Arm.SucceedAsync(Arm.PatchAsync(longer, """{"tags":{"a":"b"}}"""));
        await Arm.SucceedAsync(Arm.DeleteAsync(longer));
        World other = await World.CreateAsync(fixture);
        await Arm.SucceedAsync(other.Arm.DeleteAsync(other.Group));
    }

    [Fact]
    public async Task A_point_cannot_be_deleted_while_its_collection_or_group_is_locked()
    {
        foreach (string scope in new[] { _collection, _world.Group, _point })
        {
            (await Arm.PutAsync(Lock(scope, "l"), Body("CanNotDelete"))).Expect(201);
            ShouldBeLocked(await Arm.DeleteAsync(_point), _point, "delete", scope);
            ShouldBeLocked(await Arm.DeleteAsync(_collection), _collection, "delete", scope);
            (await Arm.DeleteAsync(Lock(scope, "l"))).Expect(200);
        }
        await Arm.SucceedAsync(Arm.DeleteAsync(_collection));
    }

    [Fact]
    public async Task A_group_with_something_locked_in_it_is_not_deleted_and_every_lock_is_named()
    {
        string disk = await _world.EmptyDiskAsync("free");
        (await Arm.PutAsync(Lock(_point, "l"), Body("CanNotDelete"))).Expect(201);
        (await Arm.PutAsync(Lock(disk, "l"), Body("ReadOnly"))).Expect(201);
        ShouldBeLocked(await Arm.DeleteAsync(_world.Group), _world.Group, "delete", $"{disk},{_point}");
        (await Arm.GetAsync(_world.Group)).Expect(200)["properties.provisioningState"].ShouldBe("Succeeded");
        (await Arm.DeleteAsync(Lock(_point, "l"))).Expect(200);
        (await Arm.DeleteAsync(Lock(disk, "l"))).Expect(200);
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Group));
        (await Arm.GetAsync(_world.Group)).Expect(404);
    }

    [Fact]
    public async Task A_machine_is_not_deleted_while_a_disk_that_goes_with_it_is_locked()
    {
        await Arm.SucceedAsync(Arm.PutAsync(_world.Vm("vm2"), _world.ImageVmBody("vm2").Replace("\"createOption\":\"FromImage\"", "\"createOption\":\"FromImage\",\"deleteOption\":\"Delete\"")));
        string disk = (await Arm.GetAsync(_world.Vm("vm2")))["properties.storageProfile.osDisk.managedDisk.id"]!;
        (await Arm.PutAsync(Lock(disk, "l"), Body("CanNotDelete"))).Expect(201);
        ShouldBeLocked(await Arm.DeleteAsync(_world.Vm("vm2")), disk, "delete", disk);
        (await Arm.DeleteAsync(Lock(disk, "l"))).Expect(200);
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Vm("vm2")));
        (await Arm.GetAsync(disk)).Expect(404);
    }

    [Fact]
    public async Task Lists_have_the_locks_at_above_and_below_and_with_atScope_not_those_below()
    {
        string disk = await _world.EmptyDiskAsync("free");
        foreach (string scope in new[] { Arm.Subscription, _world.Group, disk, _point })
            (await Arm.PutAsync(Lock(scope, "l"), Body("CanNotDelete"))).Expect(201);
        (await ScopesAsync(Arm.Subscription)).ShouldBe([Arm.Subscription, _world.Group, disk, _point], ignoreOrder: true);
        (await ScopesAsync(_world.Group)).ShouldBe([Arm.Subscription, _world.Group, disk, _point], ignoreOrder: true);
        (await ScopesAsync(_collection)).ShouldBe([Arm.Subscription, _world.Group, _point], ignoreOrder: true);
        (await ScopesAsync(disk)).ShouldBe([Arm.Subscription, _world.Group, disk], ignoreOrder: true);
        (await ScopesAsync(_world.Group, "$filter=atScope()")).ShouldBe([Arm.Subscription, _world.Group], ignoreOrder: true);
        ArmResponse page = (await Arm.GetAsync($"{Arm.Subscription}/providers/Microsoft.Authorization/locks", "$top=3")).Expect(200);
        (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, page["nextLink"]))).Expect(200).Count("value").ShouldBe(1);
        NotFoundTests.Check(await Arm.GetAsync($"{_world.Group}/providers/Microsoft.Authorization/locks", "$filter=everything()"), 400, "InvalidFilterInQueryString", "atScope()");
    }

    [Fact]
    public async Task A_lock_is_not_there_when_its_resource_is_made_again()
    {
        string disk = await _world.EmptyDiskAsync("free");
        Task<ArmResponse> deletion = Arm.DeleteAsync(disk);
        // Accepted before or after the deletion: either way the next disk of this name has no lock.
        ArmResponse late = await Arm.PutAsync(Lock(disk, "late"), Body("CanNotDelete"));
        ArmResponse deleted = await deletion;
        if (deleted.Status == 202)
        {
            await Arm.FinishAsync(deleted);
            await _world.EmptyDiskAsync("free");
            (await ScopesAsync(disk)).ShouldBeEmpty(late.Text);
            await Arm.SucceedAsync(Arm.DeleteAsync(disk));
        }
        else
            ShouldBeLocked(deleted, disk, "delete", disk);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"properties":{}}""")]
    [InlineData("""{"properties":{"level":"NotSpecified"}}""")]
    [InlineData("""{"properties":{"level":"1"}}""")]
    [InlineData("""{"properties":{"level":7}}""")]
    [InlineData("""{"properties":{"level":"ReadOnly","owners":[{}]}}""")]
    [InlineData("""{"properties":{"level":"ReadOnly","notes":"LONG"}}""")]
    public async Task A_lock_needs_a_level_and_short_notes(string body)
    {
        BadInput.Canary.ShouldBeRefused(await Arm.PutAsync(Lock(_osDisk, "l"), body.Replace("LONG", new string('n', 513))), 400);
        (await ScopesAsync(_osDisk)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("a:b")]
    [InlineData("a%3Cb")]
    [InlineData("a%26b")]
    [InlineData("a%25b")]
    [InlineData("%20")]
    [InlineData("LONG")]
    public async Task A_lock_has_a_name_without_special_characters(string name) =>
        BadInput.Canary.ShouldBeRefused(await Arm.PutAsync(Lock(_osDisk, name.Replace("LONG", new string('n', 261))), Body("ReadOnly")), 400, "InvalidParameter");

    [Fact]
    public async Task What_does_not_exist_cannot_be_locked()
    {
        NotFoundTests.Check(await Arm.PutAsync(Lock($"{Arm.Subscription}/resourceGroups/absent", "l"), Body("ReadOnly")), 404, "ResourceGroupNotFound", "absent");
        NotFoundTests.Check(await Arm.PutAsync(Lock(_world.Disk("absent"), "l"), Body("ReadOnly")), 404, "ResourceNotFound", "Microsoft.Compute/disks/absent");
        NotFoundTests.Check(await Arm.PutAsync(Lock(World.Point(_collection, "absent"), "l"), Body("ReadOnly")), 404, "ResourceNotFound", "restorePoints");
        NotFoundTests.Check(await Arm.PutAsync(Lock($"{_world.Group}/providers/Microsoft.Network/virtualNetworks/v", "l"), Body("ReadOnly")), 404, "ResourceNotFound", "Microsoft.Network/virtualNetworks/v");
        (await ScopesAsync(Arm.Subscription)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Locks_survive_a_crash()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        string disk, group;
        await using (EmulatorProcess first = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(first);
            World world = await World.CreateAsync(new RawArm(http, subscription));
            (disk, group) = (await world.EmptyDiskAsync("d"), world.Group);
            (await world.Arm.PutAsync(Lock(group, "l"), Body("CanNotDelete"))).Expect(201);
            await first.KillAsync();
        }
        await using EmulatorProcess second = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient again = EmulatorFixture.NewClient(second);
        ShouldBeLocked(await new RawArm(again, subscription).DeleteAsync(disk), disk, "delete", group);
    }

    private static string Lock(string scope, string name) => $"{scope}/providers/Microsoft.Authorization/locks/{name}";

    private static string Body(string level) => $$$"""{"properties":{"level":"{{{level}}}"}}""";

    private async Task<string[]> ScopesAsync(string scope, string? query = null) =>
        [.. (await Arm.GetAsync($"{scope}/providers/Microsoft.Authorization/locks", query)).Expect(200).Node("value")!.AsArray().Select(item => ((string)item!["id"]!).Split("/providers/Microsoft.Authorization")[0])];

    private static void ShouldBeLocked(ArmResponse answer, string resource, string operation, string scopes) => NotFoundTests.Check(answer, 409, "ScopeLocked",
        $"The scope '{resource}' cannot perform {operation} operation because following scope(s) are locked: '{scopes}'. Please remove the lock and try again.");
}
