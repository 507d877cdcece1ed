using System.Text;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>The consistency of a restore point arises from what was asked, the OS, the power state and what the guest reports.</summary>
public sealed class ConsistencyTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Theory]
    [InlineData("Windows", "{}", "ApplicationConsistent")]
    [InlineData("Linux", "{}", "FileSystemConsistent")]
    [InlineData("Windows", """{"consistency":"FileSystemConsistent"}""", "FileSystemConsistent")]
    [InlineData("Linux", """{"consistency":"ApplicationConsistent"}""", "ApplicationConsistent")]
    public async Task A_running_guest_gives_what_it_can(string os, string guest, string mode)
    {
        (string vm, string collection) = await MachineAsync(os);
        (await PutGuestAsync(vm, guest)).Expect(200);
        (await _world.PointAsync(collection, "p"))["properties.consistencyMode"].ShouldBe(mode);
    }

    [Fact]
    public async Task The_os_of_a_machine_is_that_of_its_os_disk()
    {
        string data = _world.Disk("data");
        await Arm.SucceedAsync(Arm.PutAsync(data, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1,\"osType\":\"Windows\"")));
        string collection = await _world.CollectionAsync("c", await _world.VmAsync("vm", await _world.EmptyDiskAsync("os"), data));
        (await _world.PointAsync(collection, "p"))["properties.consistencyMode"].ShouldBe("FileSystemConsistent");
    }

    [Theory]
    [InlineData("Windows")]
    [InlineData("Linux")]
    public async Task A_crash_consistent_point_needs_no_guest(string os)
    {
        (string vm, string collection) = await MachineAsync(os);
        (await PutGuestAsync(vm, """{"agent":"Missing","consistency":"Fails"}""")).Expect(200);
        (await _world.PointAsync(collection, "asked", """{"properties":{"consistencyMode":"CrashConsistent"}}"""))["properties.consistencyMode"].ShouldBe("CrashConsistent");
    }

    [Theory]
    [InlineData("powerOff")]
    [InlineData("deallocate")]
    public async Task A_machine_that_is_off_gives_a_crash_consistent_point(string action)
    {
        (string vm, string collection) = await MachineAsync("Windows");
        (await PutGuestAsync(vm, """{"agent":"NotReady","consistency":"Fails"}""")).Expect(200);
        await Arm.SucceedAsync(Arm.PostAsync($"{vm}/{action}"));
        (await _world.PointAsync(collection, "p"))["properties.consistencyMode"].ShouldBe("CrashConsistent");
    }

    [Theory]
    [InlineData("NotReady")]
    [InlineData("Missing")]
    public async Task Without_an_agent_that_reports_the_creation_fails(string agent)
    {
        (string vm, string collection) = await MachineAsync("Linux");
        (await PutGuestAsync(vm, $$"""{"agent":"{{agent}}"}""")).Expect(200);
        await ShouldFailAsync(collection, "p", "VMAgentStatusCommunicationError", "VM has not reported status for VM agent or extensions.");
        (await Arm.GetAsync($"{vm}/instanceView"))["vmAgent.statuses.0.displayStatus"].ShouldBe("Not Ready");
        (await PutGuestAsync(vm, """{"agent":"Ready"}""")).Expect(200);
        await _world.PointAsync(collection, "q");
        (await Arm.GetAsync($"{vm}/instanceView"))["vmAgent.statuses.0.displayStatus"].ShouldBe("Ready");
    }

    [Fact]
    public async Task After_a_failure_of_VSS_three_points_are_file_system_consistent_and_the_fourth_tries_again()
    {
        const string code = "VMRestorePointClientError", message = "Restore Point creation failed due to VSS Writers in bad state.";
        (string vm, string collection) = await MachineAsync("Windows");
        await _world.PointAsync(collection, "before");
        (await PutGuestAsync(vm, """{"consistency":"Fails"}""")).Expect(200);
        await ShouldFailAsync(collection, "fails", code, message);
        for (int i = 1; i <= 3; i++)
            (await _world.PointAsync(collection, $"first{i}"))["properties.consistencyMode"].ShouldBe("FileSystemConsistent", $"attempt {i}");
        await ShouldFailAsync(collection, "fails-again", code, message);

        (await PutGuestAsync(vm, """{"consistency":"ApplicationConsistent"}""")).Expect(200);
        (await _world.PointAsync(collection, "crash", """{"properties":{"consistencyMode":"CrashConsistent"}}"""))["properties.consistencyMode"].ShouldBe("CrashConsistent", "no attempt of the guest");
        for (int i = 1; i <= 3; i++)
            (await _world.PointAsync(collection, $"second{i}"))["properties.consistencyMode"].ShouldBe("FileSystemConsistent", $"attempt {i}, although VSS works again");
        (await _world.PointAsync(collection, "after"))["properties.consistencyMode"].ShouldBe("ApplicationConsistent");
    }

    [Fact]
    public async Task A_snapshot_extension_that_fails_in_Linux_fails_the_creation_each_time()
    {
        (string vm, string collection) = await MachineAsync("Linux");
        (await PutGuestAsync(vm, """{"consistency":"Fails"}""")).Expect(200);
        foreach (string name in new[] { "p", "q" })
            await ShouldFailAsync(collection, name, "VMRestorePointInternalError",
                "Restore Point creation failed due to an internal execution error while creating VM snapshot. Please retry the operation after some time.");
    }

    [Theory]
    [InlineData("""{"agent":"Gone"}""", "agent")]
    [InlineData("""{"agent":""}""", "agent")]
    [InlineData("""{"consistency":"CrashConsistent"}""", "consistency")]
    [InlineData("""{"agent":"Missing","consistency":"1"}""", "consistency")]
    [InlineData("""{"agent":"Missing","mood":"good"}""", null)]
    [InlineData("""{"agent":5}""", null)]
    [InlineData("[]", null)]
    [InlineData("", null)]
    public async Task A_guest_state_that_is_none_is_refused_and_changes_nothing(string body, string? target)
    {
        (string vm, _) = await MachineAsync("Windows");
        ArmResponse refused = (await PutGuestAsync(vm, body)).Expect(400);
        refused.ErrorCode.ShouldBe(target is null ? "InvalidRequestContent" : "InvalidParameter");
        refused["error.target"].ShouldBe(target);
        (await GuestAsync(vm)).Expect(200).Text.ShouldBe("""{"agent":"Ready","consistency":"ApplicationConsistent"}""");
    }

    [Fact]
    public async Task A_guest_state_can_be_put_in_parts_and_is_of_machines_that_exist()
    {
        (string vm, _) = await MachineAsync("Linux");
        (await GuestAsync(vm)).Expect(200).Text.ShouldBe("""{"agent":"Ready","consistency":"FileSystemConsistent"}""");
        (await PutGuestAsync(vm, """{"consistency":"fails"}""")).Expect(200).Text.ShouldBe("""{"agent":"Ready","consistency":"Fails"}""");
        (await PutGuestAsync(vm, """{"agent":"NotReady"}""")).Expect(200).Text.ShouldBe("""{"agent":"NotReady","consistency":"Fails"}""");
        NotFoundTests.Check(await PutGuestAsync(_world.Vm("none"), "{}"), 404, "ResourceNotFound", "virtualMachines/none");
        NotFoundTests.Check(await GuestAsync(vm.Replace("backup-test", "nowhere")), 404, "ResourceGroupNotFound", "nowhere");
        await Arm.SucceedAsync(Arm.DeleteAsync(vm));
        (await GuestAsync(vm)).Expect(404);
        await _world.VmAsync("vm", _world.Disk("os"));
        (await GuestAsync(vm)).Expect(200).Text.ShouldBe("""{"agent":"Ready","consistency":"FileSystemConsistent"}""", "another machine");
    }

    [Fact]
    public async Task What_the_guest_reports_and_the_attempts_without_VSS_survive_a_crash()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        string vm, collection;
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            _world = await World.CreateAsync(new RawArm(http, subscription));
            (vm, collection) = await MachineAsync("Windows");
            (await PutGuestAsync(vm, """{"consistency":"Fails"}""")).Expect(200);
            await ShouldFailAsync(collection, "fails", "VMRestorePointClientError", "VSS Writers");
            await _world.PointAsync(collection, "first");
            await emulator.KillAsync();
        }
        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient client = EmulatorFixture.NewClient(again);
        _world = await World.CreateAsync(new RawArm(client, Guid.NewGuid()));
        (await GuestAsync(vm)).Expect(200).Text.ShouldBe("""{"agent":"Ready","consistency":"Fails"}""");
        (await _world.PointAsync(collection, "second"))["properties.consistencyMode"].ShouldBe("FileSystemConsistent");
        (await _world.PointAsync(collection, "third"))["properties.consistencyMode"].ShouldBe("FileSystemConsistent");
        await ShouldFailAsync(collection, "fourth", "VMRestorePointClientError", "VSS Writers");
    }

    private async Task<(string Vm, string Collection)> MachineAsync(string os)
    {
        await Arm.SucceedAsync(Arm.PutAsync(_world.Disk("os"), World.DiskBody("\"createOption\":\"Empty\"", $",\"diskSizeGB\":1,\"osType\":\"{os}\"")));
        string vm = await _world.VmAsync("vm", _world.Disk("os"));
        return (vm, await _world.CollectionAsync("c", vm));
    }

    private async Task ShouldFailAsync(string collection, string name, string code, string message)
    {
        ArmResponse final = await Arm.FinishAsync((await Arm.PutAsync(World.Point(collection, name), "{}")).Expect(201));
        final["status"].ShouldBe("Failed", final.Text);
        final["error.code"].ShouldBe(code);
        final["error.message"].ShouldNotBeNull().ShouldContain(message);
        ArmResponse point = (await Arm.GetAsync(World.Point(collection, name))).Expect(200);
        point["properties.provisioningState"].ShouldBe("Failed");
        point["properties.consistencyMode"].ShouldBeNull();
        (await Arm.GetAsync($"{World.Point(collection, name)}/diskRestorePoints")).Expect(200).Count("value").ShouldBe(0);
    }

    private Task<ArmResponse> GuestAsync(string vm) => Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/emulator{vm}/guest"));

    private Task<ArmResponse> PutGuestAsync(string vm, string json) => Arm.SendAsync(new HttpRequestMessage(HttpMethod.Put, $"/emulator{vm}/guest")
    {
        Content = new StringContent(json, Encoding.UTF8, "application/json"),
    });
}
