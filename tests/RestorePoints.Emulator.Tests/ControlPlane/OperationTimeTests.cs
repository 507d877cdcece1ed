using RestorePoints.Emulator.Tests.Copies;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>The profile Azure: operations take the recorded time by the emulator's clock, which stands still here unless a test moves it.</summary>
public sealed class OperationTimeTests(OperationTimeTests.Server server) : IClassFixture<OperationTimeTests.Server>, IAsyncLifetime
{
    private readonly HttpClient _http = server.Http;
    private World _world = null!;

    public async ValueTask InitializeAsync()
    {
        (await _http.PostAsync("/emulator/reset", null)).EnsureSuccessStatusCode();
        await _http.FreezeClockAsync();
        _world = await World.CreateAsync(Arm);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => new(_http, SubscriptionOptions.DefaultId);

    [Fact]
    public async Task An_operation_ends_when_the_clock_reaches_its_recorded_time()
    {
        ArmResponse disk = await Arm.PutAsync(_world.Disk("os"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1"));
        disk.Header("Retry-After").ShouldBe("2");
        await ShouldEndAfterAsync(disk, 0.12);
        ArmResponse machine = await Arm.PutAsync(_world.Vm("vm"), _world.VmBody(_world.Disk("os")));
        machine.Header("Retry-After").ShouldBe("10");
        (await PollAsync(machine)).Header("Retry-After").ShouldBe("50");
        await ShouldEndAfterAsync(machine, 42.5);
        string collection = await _world.CollectionAsync("c", _world.Vm("vm")), path = World.Point(collection, "p");

        ArmResponse creation = await Arm.PutAsync(path, "{}");
        creation.Header("Retry-After").ShouldBeNull();
        (await Arm.GetAsync(path))["properties.provisioningState"].ShouldBe("Creating");
        await ShouldEndAfterAsync(creation, 35.5);
        ArmResponse point = await Arm.GetAsync(path);
        point["properties.provisioningState"].ShouldBe("Succeeded");
        await ShouldEndAfterAsync(await Arm.PostAsync($"{World.OsDiskPoint(point)}/beginGetAccess", """{"access":"Read","durationInSeconds":600}"""), 0.25);
        await ShouldEndAfterAsync(await Arm.PostAsync($"{World.OsDiskPoint(point)}/endGetAccess"), 0.15);
        ArmResponse deletion = await Arm.DeleteAsync(path);
        (await Arm.GetAsync(path))["properties.provisioningState"].ShouldBe("Deleting");
        await ShouldEndAfterAsync(deletion, 10.1);
        (await Arm.GetAsync(path)).Expect(404);
        await ShouldEndAfterAsync(await Arm.DeleteAsync(collection), 0.031);
    }

    [Fact]
    public async Task A_windows_machine_takes_its_time_to_be_application_consistent()
    {
        string collection = await MachineAsync("Windows");
        await ShouldEndAfterAsync(await Arm.PutAsync(World.Point(collection, "app"), "{}"), 106);
        (await Arm.GetAsync(World.Point(collection, "app")))["properties.consistencyMode"].ShouldBe("ApplicationConsistent");
        await ShouldEndAfterAsync(await Arm.PutAsync(World.Point(collection, "crash"), """{"properties":{"consistencyMode":"CrashConsistent"}}"""), 35.5);
    }

    [Fact]
    public async Task The_time_that_is_left_survives_a_crash()
    {
        using var directory = new TemporaryDirectory();
        ArmResponse creation;
        string authority;
        await using (EmulatorProcess first = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:Profile=Azure"))
        {
            using HttpClient http = EmulatorFixture.NewClient(first);
            await http.FreezeClockAsync();
            _world = await World.CreateAsync(new RawArm(http, SubscriptionOptions.DefaultId));
            creation = (await _world.Arm.PutAsync(_world.Disk("d"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1"))).Expect(202);
            await http.AdvanceAsync(TimeSpan.FromMilliseconds(100));
            authority = first.Http.Authority;
            await first.KillAsync();
        }
        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:Profile=Azure");
        using HttpClient client = EmulatorFixture.NewClient(again);
        string status = creation.Header("Azure-AsyncOperation")!.Replace(authority, again.Http.Authority);
        foreach ((int milliseconds, string expected) in new[] { (0, "InProgress"), (19, "InProgress"), (1, "Succeeded") })
        {
            await client.AdvanceAsync(TimeSpan.FromMilliseconds(milliseconds));
            (await new RawArm(client, SubscriptionOptions.DefaultId).SendAsync(new HttpRequestMessage(HttpMethod.Get, status)))["status"].ShouldBe(expected);
        }
    }

    [Fact]
    public async Task Operations_of_one_machine_end_in_their_order()
    {
        string collection = await MachineAsync("Linux");
        ArmResponse creation = await Arm.PutAsync(World.Point(collection, "p"), "{}"), deletion = (await Arm.DeleteAsync(World.Point(collection, "p"))).Expect(202);
        await _http.AdvanceAsync(TimeSpan.FromSeconds(20));
        (await PollAsync(deletion))["status"].ShouldBe("InProgress", "its own time is over, that of the creation is not");
        await _http.AdvanceAsync(TimeSpan.FromSeconds(20));
        (await PollAsync(creation))["status"].ShouldBe("Succeeded");
        (await PollAsync(deletion))["status"].ShouldBe("Succeeded");
        (await Arm.GetAsync(World.Point(collection, "p"))).Expect(404);
    }

    [Theory]
    [InlineData("attached")]
    [InlineData("detached")]
    [InlineData("excluded and detached")]
    public async Task A_disk_that_comes_or_goes_while_a_point_is_created_fails_the_creation(string change)
    {
        string collection = await MachineAsync("Linux", "data"), vm = _world.Vm("vm");
        await EndAsync(await Arm.PutAsync(_world.Disk("more"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")));
        string body = change.StartsWith("excluded", StringComparison.Ordinal) ? $$$"""{"properties":{"excludeDisks":[{"id":"{{{_world.Disk("data")}}}"}]}}""" : "{}";
        ArmResponse creation = (await Arm.PutAsync(World.Point(collection, "p"), body)).Expect(201);
        string[] disks = change == "attached" ? [_world.Disk("data"), _world.Disk("more")] : [];
        ArmResponse update = (await Arm.PutAsync(vm, _world.VmBody(_world.Disk("os"), disks))).Expect(200);
        await EndAsync(update);
        ArmResponse final = await PollAsync(creation);
        final["status"].ShouldBe("Failed");
        final["error.code"].ShouldBe("OperationNotAllowed");
        final["error.message"].ShouldBe("Changes were made to the Virtual Machine while the operation 'Create Restore Point' was in progress. Operation Create Restore Point cannot be completed at this time. Please try again later.");
        (await Arm.GetAsync(World.Point(collection, "p")))["properties.provisioningState"].ShouldBe("Failed");
        await EndAsync(await Arm.PutAsync(World.Point(collection, "again"), "{}"));
    }

    [Fact]
    public async Task A_second_creation_on_a_machine_while_one_runs_fails_and_the_first_does_not()
    {
        string collection = await MachineAsync("Linux"), other = await _world.CollectionAsync("other", _world.Vm("vm")), remote = _world.Collection("remote");
        (await Arm.PutAsync(remote, CopyWorld.CollectionBody(_world.Vm("vm")))).Expect(201);
        ArmResponse first = await Arm.PutAsync(World.Point(collection, "p"), "{}");
        ArmResponse[] others = [(await Arm.PutAsync(World.Point(other, "q"), "{}")).Expect(201), (await Arm.PutAsync(World.Point(remote, "in-another-region"), "{}")).Expect(201)];
        await _http.AdvanceAsync(TimeSpan.FromMinutes(1));
        (await PollAsync(first))["status"].ShouldBe("Succeeded");
        foreach (ArmResponse second in others)
        {
            ArmResponse failed = await PollAsync(second);
            failed["error.code"].ShouldBe("VMRestorePointClientError");
            failed["error.message"].ShouldBe("RestorePoint creation failed since a concurrent 'Create RestorePoint' operation was triggered on the VM.");
        }
    }

    [Fact]
    public async Task Points_and_snapshots_that_are_being_created_count_as_pending_ones_of_their_disk()
    {
        string ultra = await UltraDiskAsync(), collection = await MachineAsync("Linux");
        await EndAsync(await Arm.PutAsync(_world.Vm("vm"), _world.VmBody(_world.Disk("os"), ultra)));
        (await Arm.PutAsync(World.Point(collection, "p"), "{}")).Expect(201);
        (await PutSnapshotAsync("a", ultra)).Expect(202);
        (await PutSnapshotAsync("b", ultra)).Expect(202);
        NotFoundTests.Check(await PutSnapshotAsync("c", ultra), 409, "OperationNotAllowed", "At most 3 snapshots of disk ultra");
        (await PutSnapshotAsync("of-another-disk", _world.Disk("os"))).Expect(202);
        await _http.AdvanceAsync(TimeSpan.FromMinutes(3));
        (string? state, string? access, string? percent) = await ShownAsync("a");
        (state, access).ShouldBe(("Succeeded", "Pending"));
        // Three minutes of thirty, and what the clock went on by itself.
        decimal.Parse(percent!).ShouldBeInRange(9, 50);
        NotFoundTests.Check(await PutSnapshotAsync("c", ultra), 409, "OperationNotAllowed", "At most 3 snapshots of disk ultra");
        await _http.AdvanceAsync(TimeSpan.FromMinutes(30));
        (await PutSnapshotAsync("c", ultra)).Expect(202);
    }

    [Fact]
    public async Task A_snapshot_that_is_being_created_is_pending_and_can_be_copied_unless_a_copy_in_the_background_follows()
    {
        string ultra = await UltraDiskAsync(), plain = _world.Disk("plain");
        await EndAsync(await Arm.PutAsync(plain, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")));
        (await PutSnapshotAsync("u", ultra)).Expect(202);
        (await PutSnapshotAsync("p", plain)).Expect(202);
        (await ShownAsync("u")).ShouldBe(("Updating", "Pending", "0.0"));
        (await ShownAsync("p")).ShouldBe(("Updating", "Pending", "0.0"));
        NotFoundTests.Check(await CopyAsync("u"), 409, "OperationNotAllowed", "in its snapshotAccessState Pending");
        NotFoundTests.Check(await PutSnapshotAsync("copy", _world.Snapshot("u")), 409, "OperationNotAllowed", "in its snapshotAccessState Pending");
        await EndAsync(await CopyAsync("p"));
        (await ShownAsync("p")).ShouldBe(("Succeeded", "Available", "100.0"));
        NotFoundTests.Check(await CopyAsync("u"), 409, "OperationNotAllowed", "in its snapshotAccessState Pending");
        await _http.AdvanceAsync(TimeSpan.FromMinutes(30));
        await EndAsync(await CopyAsync("u"));

        Task<ArmResponse> CopyAsync(string snapshot) => Arm.PutAsync(_world.Disk($"copy-of-{snapshot}"), World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{_world.Snapshot(snapshot)}\""));
    }

    [Fact]
    public async Task A_failed_deletion_does_not_revive_a_snapshot_whose_copy_a_resize_has_failed()
    {
        string ultra = await UltraDiskAsync(), snapshot = _world.Snapshot("s");
        await EndAsync(await PutSnapshotAsync("s", ultra));
        await Arm.AddFaultAsync("\"type\":\"FailOperation\"", ",\"operation\":\"Snapshots_Delete\"", ",\"times\":2");
        ArmResponse resize = (await Arm.PatchAsync(ultra, """{"properties":{"diskSizeGB":5}}""")).Expect(202);
        // While it waits for the resize, and then of a snapshot that has failed already.
        for (int i = 0; i < 2; i++)
        {
            ArmResponse deletion = (await Arm.DeleteAsync(snapshot)).Expect(202);
            (await ShownAsync("s")).State.ShouldBe("Deleting");
            await _http.AdvanceAsync(TimeSpan.FromMinutes(1));
            (await PollAsync(resize))["status"].ShouldBe("Succeeded");
            (await PollAsync(deletion))["status"].ShouldBe("Failed");
            (await ShownAsync("s")).ShouldBe(("Failed", "Unknown", "0.0"));
        }
        await EndAsync(await Arm.DeleteAsync(snapshot));
        (await Arm.GetAsync(snapshot)).Expect(404);
    }

    [Fact]
    public async Task A_disk_that_a_machine_brings_along_cannot_be_changed_before_it_is_made()
    {
        ArmResponse machine = (await Arm.PutAsync(_world.Vm("vm"), _world.ImageVmBody("vm"))).Expect(201);
        string disk = (await Arm.GetAsync($"{_world.Compute}/disks")).Expect(200)["value.0.id"]!;
        NotFoundTests.Check(await Arm.PatchAsync(disk, """{"tags":{"a":"b"}}"""), 409, "OperationNotAllowed", "Creating");
        await EndAsync(machine);
        (await Arm.GetAsync(disk))["properties.provisioningState"].ShouldBe("Succeeded");
        await EndAsync(await Arm.PatchAsync(disk, """{"tags":{"a":"b"}}"""));
    }

    [Fact]
    public async Task Unknown_subscriptions_and_versions_are_refused_and_points_are_throttled()
    {
        NotFoundTests.Check(await new RawArm(_http, Guid.NewGuid()).GetAsync(Arm.Subscription.Replace("0001", "0002")), 404, "SubscriptionNotFound", "0002");
        NotFoundTests.Check(await Arm.SendAsync(HttpMethod.Get, _world.Vm("vm"), apiVersion: "2199-01-01"), 400, "NoRegisteredProviderFound", "2199-01-01");
        string collection = await MachineAsync("Linux");
        for (int i = 0; i < 3; i++)
            await EndAsync(await Arm.PutAsync(World.Point(collection, $"p{i}"), "{}"));
        (await Arm.PutAsync(World.Point(collection, "p3"), "{}")).Expect(429);
    }

    [Fact]
    public async Task Without_a_frozen_clock_real_time_ends_operations_too()
    {
        (await _http.PostAsync("/emulator/clock/resume", null, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        await Arm.SucceedAsync(Arm.PutAsync(_world.Disk("d"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")));
        (await Arm.GetAsync(_world.Disk("d")))["properties.diskState"].ShouldBe("Unattached");
    }

    /// <summary>A machine with its collection.</summary>
    private async Task<string> MachineAsync(string os, params string[] dataDisks)
    {
        await EndAsync(await Arm.PutAsync(_world.Disk("os"), World.DiskBody("\"createOption\":\"Empty\"", $",\"diskSizeGB\":1,\"osType\":\"{os}\"")));
        foreach (string disk in dataDisks)
            await EndAsync(await Arm.PutAsync(_world.Disk(disk), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")));
        await EndAsync(await Arm.PutAsync(_world.Vm("vm"), _world.VmBody(_world.Disk("os"), [.. dataDisks.Select(_world.Disk)])));
        return await _world.CollectionAsync("c", _world.Vm("vm"));
    }

    private async Task<string> UltraDiskAsync()
    {
        string body = World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":4").Replace("Premium_LRS", "UltraSSD_LRS");
        await EndAsync(await Arm.PutAsync(_world.Disk("ultra"), body));
        return _world.Disk("ultra");
    }

    private Task<ArmResponse> PutSnapshotAsync(string name, string source) => Arm.PutAsync(_world.Snapshot(name), World.SnapshotBody(source, ",\"incremental\":true"));

    /// <summary>Of a snapshot.</summary>
    private async Task<(string? State, string? Access, string? Percent)> ShownAsync(string name)
    {
        ArmResponse shown = (await Arm.SendAsync(HttpMethod.Get, _world.Snapshot(name), apiVersion: "2025-01-02")).Expect(200);
        return (shown["properties.provisioningState"], shown["properties.snapshotAccessState"], shown["properties.completionPercent"]);
    }

    private async Task EndAsync(ArmResponse accepted)
    {
        accepted.Expect(200, 201, 202);
        await _http.AdvanceAsync(TimeSpan.FromMinutes(3));
        (await PollAsync(accepted))["status"].ShouldBe("Succeeded");
    }

    private async Task ShouldEndAfterAsync(ArmResponse accepted, double seconds)
    {
        accepted.Expect(200, 201, 202);
        var time = TimeSpan.FromSeconds(seconds);
        await _http.AdvanceAsync(time - TimeSpan.FromTicks(1));
        (await PollAsync(accepted))["status"].ShouldBe("InProgress", accepted.Request);
        await _http.AdvanceAsync(TimeSpan.FromTicks(1));
        ArmResponse final = await PollAsync(accepted);
        final["status"].ShouldBe("Succeeded", $"{accepted.Request}: {final.Text}");
        (DateTimeOffset.Parse(final["endTime"]!) - DateTimeOffset.Parse(final["startTime"]!)).ShouldBe(time);
    }

    private Task<ArmResponse> PollAsync(ArmResponse accepted) => Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Azure-AsyncOperation")));

    /// <summary>A server of these tests alone: the clock is everyone's.</summary>
    public sealed class Server : IAsyncLifetime
    {
        private readonly TemporaryDirectory _directory = new();
        private EmulatorProcess? _emulator;

        public HttpClient Http { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            _emulator = await EmulatorProcess.StartAsync(_directory.Path, "--Emulator:Profile=Azure");
            Http = EmulatorFixture.NewClient(_emulator);
        }

        public async ValueTask DisposeAsync()
        {
            Http?.Dispose();
            if (_emulator is not null)
                await _emulator.DisposeAsync();
            _directory.Dispose();
        }
    }
}
