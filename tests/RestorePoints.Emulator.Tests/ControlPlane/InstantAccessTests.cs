using RestorePoints.Emulator.Tests.Copies;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Points and snapshots of Ultra and Premium SSD v2 disks, whose bytes are copied in the background, and instant access to them meanwhile.</summary>
public sealed class InstantAccessTests(EmulatorFixture fixture) : IAsyncLifetime
{
    /// <summary>The first version with instant access.</summary>
    private const string First = "2025-04-01";
    private const string Newest = "2026-04-01";
    private const string NewestDisk = "2026-03-02";
    private const string Stall = "\"type\":\"StallReplication\",\"percent\":37";

    private static readonly byte[] s_content = World.Noise(1, 4096);
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task Instant_access_of_a_collection_can_be_changed_and_is_shown_once_somebody_has_said_so()
    {
        string vm = await _world.VmAsync("vm", await _world.EmptyDiskAsync("os")), collection = await _world.CollectionAsync("c", vm);
        (await Arm.SendAsync(HttpMethod.Get, collection, apiVersion: First))["properties.instantAccess"].ShouldBeNull();
        ArmResponse changed = await Arm.SendAsync(HttpMethod.Patch, collection, """{"properties":{"instantAccess":true}}""", apiVersion: First);
        changed.Expect(200)["properties.instantAccess"].ShouldBe("true");
        (await Arm.PatchAsync(collection, """{"properties":{"instantAccess":false}}""")).Expect(200)["properties.instantAccess"].ShouldBeNull("older versions do not know it");
        (await Arm.PutAsync(collection, CollectionBody(vm, null))).Expect(200);
        (await Arm.SendAsync(HttpMethod.Get, collection, apiVersion: First))["properties.instantAccess"].ShouldBe("true");
        (await Arm.SendAsync(HttpMethod.Put, collection, CollectionBody(vm, false), apiVersion: First)).Expect(200)["properties.instantAccess"].ShouldBe("false");
        (await Arm.SendAsync(HttpMethod.Put, _world.Collection("d"), CollectionBody(vm, true), apiVersion: First)).Expect(201)["properties.instantAccess"].ShouldBe("true");
        ArmResponse copies = await Arm.SendAsync(HttpMethod.Put, _world.Collection("copies"),
            $$$"""{"location":"northeurope","properties":{"source":{"id":"{{{collection}}}"},"instantAccess":true}}""", apiVersion: First);
        NotFoundTests.Check(copies, 400, "InvalidParameter", "copies have no instant access");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(301)]
    [InlineData(-60)]
    public async Task Instant_access_lasts_from_1_to_300_minutes(int minutes)
    {
        string collection = await MachineAsync(instantAccess: true);
        NotFoundTests.Check(await PutPointAsync(collection, "p", minutes), 400, "InvalidParameter", $"The value '{minutes}' is not allowed");
        (await Arm.GetAsync(World.Point(collection, "p"))).Expect(404);
        await Arm.SucceedAsync(PutPointAsync(collection, "p", 1));
    }

    [Fact]
    public async Task A_duration_needs_a_collection_with_instant_access_and_a_point_that_is_not_crash_consistent()
    {
        string collection = await MachineAsync(instantAccess: false);
        NotFoundTests.Check(await PutPointAsync(collection, "p", 120), 400, "InvalidParameter", "whose instantAccess is not true");
        (await Arm.SendAsync(HttpMethod.Patch, collection, """{"properties":{"instantAccess":true}}""", apiVersion: First)).Expect(200);
        NotFoundTests.Check(await Arm.SendAsync(HttpMethod.Put, World.Point(collection, "p"), """{"properties":{"consistencyMode":"CrashConsistent","instantAccessDurationMinutes":120}}""", apiVersion: First),
            400, "InvalidParameter", "application-consistent");
        string crash = $$$"""{"properties":{"consistencyMode":"CrashConsistent","excludeDisks":[{"id":"{{{_world.Disk("data")}}}"}]}}""";
        ArmResponse point = await _world.PointAsync(collection, "crash", crash);
        (await Arm.SendAsync(HttpMethod.Get, World.Point(collection, "crash"), apiVersion: First))["properties.instantAccessDurationMinutes"].ShouldBeNull();
        point["properties.consistencyMode"].ShouldBe("CrashConsistent");
    }

    [Fact]
    public async Task The_flag_of_the_collection_governs_the_points_to_come()
    {
        string collection = await MachineAsync(instantAccess: true);
        await _world.PointAsync(collection, "with");
        (await Arm.SendAsync(HttpMethod.Patch, collection, """{"properties":{"instantAccess":false}}""", apiVersion: First)).Expect(200);
        await _world.PointAsync(collection, "without");
        (await ViewAsync(collection, "with"))["properties.instantAccessDurationMinutes"].ShouldBe("300", "the default");
        (await StateAsync(collection, "with")).ShouldBe(("AvailableWithInstantAccess", "100"));
        (await ViewAsync(collection, "without"))["properties.instantAccessDurationMinutes"].ShouldBeNull();
        (await StateAsync(collection, "without")).ShouldBe(("Available", "100"));

        ArmResponse shown = await Arm.SendAsync(HttpMethod.Get, World.Point(collection, "with"), apiVersion: First);
        (await Arm.SendAsync(HttpMethod.Put, World.Point(collection, "with"), shown.Text, apiVersion: First)).Expect(201);
        (await PutPointAsync(collection, "with", 120)).Expect(409);
    }

    [Fact]
    public async Task The_instance_view_lists_the_disks_that_are_copied_in_the_background()
    {
        string collection = await MachineAsync(instantAccess: true);
        ArmResponse point = await _world.PointAsync(collection, "p");
        ArmResponse view = await ViewAsync(collection, "p", Newest);
        view.Count("properties.instanceView.diskRestorePoints").ShouldBe(1, "the OS disk is Premium SSD");
        view["properties.instanceView.diskRestorePoints.0.id"].ShouldBe(World.DataDiskPoint(point, 0));
        view.Keys("properties.instanceView.diskRestorePoints.0").ShouldBe("id snapshotAccessState replicationStatus");
        view["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/succeeded");
        view["properties.instanceView.statuses.1.code"].ShouldBe("InstantAccessState/availableWithInstantAccess");
        view["properties.instanceView.statuses.1.displayStatus"].ShouldBe("AvailableWithInstantAccess");
        (await ViewAsync(collection, "p")).Count("properties.instanceView.statuses").ShouldBe(1, "as recorded");
        (await ViewAsync(collection, "p", RawArm.ComputeVersion)).Keys("properties.instanceView.diskRestorePoints.0").ShouldBe("id replicationStatus");
        (await Arm.SendAsync(HttpMethod.Get, World.OsDiskPoint(point), apiVersion: NewestDisk))["properties.snapshotAccessState"].ShouldBe("Available", "of other disks at once");
    }

    [Fact]
    public async Task With_instant_access_a_disk_can_be_restored_before_the_background_copy_is_over_and_nothing_else()
    {
        string collection = await MachineAsync(instantAccess: true);
        string fault = await Arm.AddFaultAsync(Stall, ",\"operation\":\"RestorePoints_Create\"", ",\"times\":1");
        ArmResponse point = await _world.PointAsync(collection, "p");
        string disk = World.DataDiskPoint(point, 0);
        (await StateAsync(collection, "p")).ShouldBe(("InstantAccess", "37"));
        ArmResponse shown = await Arm.SendAsync(HttpMethod.Get, disk, apiVersion: NewestDisk);
        (shown["properties.snapshotAccessState"], shown["properties.replicationState"], shown["properties.completionPercent"]).ShouldBe(("InstantAccess", "Replicating", "37"));

        NotFoundTests.Check(await Arm.PostAsync($"{disk}/beginGetAccess", """{"access":"Read","durationInSeconds":3600}"""), 409, "OperationNotAllowed", "in its snapshotAccessState InstantAccess");
        string copies = _world.Collection("copies");
        (await Arm.PutAsync(copies, CopyWorld.CollectionBody(collection))).Expect(201);
        NotFoundTests.Check(await Arm.PutAsync(World.Point(copies, "p"), CopyWorld.CopyBody(World.Point(collection, "p"))), 409, "OperationNotAllowed", "is InstantAccess");
        RawBlob restored = await _world.GuestAsync(await _world.RestoredDiskAsync("restored", disk));
        (await restored.ReadAsync(0, s_content.Length)).ShouldBe(s_content);

        (await Arm.FiredAsync(fault)).ShouldBe(1);
        (await Arm.CallAsync(HttpMethod.Delete, $"faults/{fault}")).Expect(204);
        (await StateAsync(collection, "p")).ShouldBe(("AvailableWithInstantAccess", "100"));
        (await _world.Blob(await Arm.GrantAsync(disk)).ReadAsync(0, s_content.Length)).ShouldBe(s_content);
        await Arm.RevokeAsync(disk);
        await Arm.SucceedAsync(Arm.PutAsync(World.Point(copies, "p"), CopyWorld.CopyBody(World.Point(collection, "p"))));
    }

    [Theory]
    [InlineData("UltraSSD_LRS")]
    [InlineData("PremiumV2_LRS")]
    public async Task Without_instant_access_nothing_can_be_done_before_the_background_copy_is_over(string sku)
    {
        string collection = await MachineAsync(instantAccess: false, sku);
        string fault = await Arm.AddFaultAsync(Stall, more: ",\"times\":1");
        ArmResponse point = await _world.PointAsync(collection, "p");
        string disk = World.DataDiskPoint(point, 0), body = World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{disk}\"");
        (await StateAsync(collection, "p")).ShouldBe(("Pending", "37"));
        (await ViewAsync(collection, "p"))["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/replicating");
        NotFoundTests.Check(await Arm.PutAsync(_world.Disk("restored"), body), 409, "OperationNotAllowed", "in its snapshotAccessState Pending");
        (await Arm.GetAsync(_world.Disk("restored"))).Expect(404);
        NotFoundTests.Check(await Arm.PostAsync($"{disk}/beginGetAccess", """{"access":"Read","durationInSeconds":3600}"""), 409, "OperationNotAllowed", "in its snapshotAccessState Pending");
        await Arm.GrantAsync(World.OsDiskPoint(point));

        // Complete stays complete: a rule that comes later holds what comes later.
        (await Arm.CallAsync(HttpMethod.Delete, $"faults/{fault}")).Expect(204);
        await Arm.AddFaultAsync(Stall);
        (await StateAsync(collection, "p")).ShouldBe(("Available", "100"));
        await Arm.SucceedAsync(Arm.PutAsync(_world.Disk("restored"), body));
    }

    [Fact]
    public async Task A_disk_has_three_pending_points_and_snapshots_at_a_time()
    {
        string collection = await MachineAsync(instantAccess: false);
        string fault = await Arm.AddFaultAsync(Stall);
        await _world.PointAsync(collection, "p1");
        await _world.PointAsync(collection, "p2");
        await _world.SnapshotAsync("s", _world.Disk("data"), incremental: true);
        NotFoundTests.Check(await Arm.PutAsync(World.Point(collection, "p3"), "{}"), 409, "OperationNotAllowed", "At most 3 snapshots of disk data");
        NotFoundTests.Check(await Arm.PutAsync(_world.Snapshot("t"), World.SnapshotBody(_world.Disk("data"))), 409, "OperationNotAllowed", "At most 3 snapshots of disk data");
        await _world.PointAsync(collection, "without", $$$"""{"properties":{"excludeDisks":[{"id":"{{{_world.Disk("data")}}}"}]}}""");
        (await Arm.CallAsync(HttpMethod.Delete, $"faults/{fault}")).Expect(204);
        await _world.PointAsync(collection, "p3");
    }

    [Fact]
    public async Task Resizing_a_disk_fails_its_pending_points_and_snapshots_and_no_other()
    {
        string collection = await MachineAsync(instantAccess: true);
        ArmResponse complete = await _world.PointAsync(collection, "complete");
        await Arm.AddFaultAsync(Stall);
        ArmResponse pending = await _world.PointAsync(collection, "pending");
        await _world.SnapshotAsync("s", _world.Disk("data"), incremental: true);
        await Arm.SucceedAsync(Arm.PatchAsync(_world.Disk("data"), """{"properties":{"diskSizeGB":5}}"""));

        (await ViewAsync(collection, "pending"))["properties.provisioningState"].ShouldBe("Failed");
        (await ViewAsync(collection, "pending"))["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/failed");
        (await StateAsync(collection, "pending")).ShouldBe(("Unknown", "0"));
        (await Arm.PutAsync(_world.Disk("r"), World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{World.DataDiskPoint(pending, 0)}\""))).Expect(404);
        (await Arm.GetAsync(_world.Snapshot("s")))["properties.provisioningState"].ShouldBe("Failed");
        (await StateAsync(collection, "complete")).ShouldBe(("AvailableWithInstantAccess", "100"));
        await Arm.SucceedAsync(Arm.DeleteAsync(World.Point(collection, "pending")));
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Snapshot("s")));
        (await (await _world.GuestAsync(_world.Disk("data"))).ReadAsync(0, s_content.Length)).ShouldBe(s_content, "the live disk is untouched");
        (await _world.Blob(await Arm.GrantAsync(World.DataDiskPoint(complete, 0))).ReadAsync(0, s_content.Length)).ShouldBe(s_content);
    }

    [Fact]
    public async Task A_snapshot_has_the_states_of_its_background_copy_too()
    {
        await MachineAsync(instantAccess: false);
        string fault = await Arm.AddFaultAsync(Stall, ",\"operation\":\"Snapshots_CreateOrUpdate\"");
        string instant = World.SnapshotBody(_world.Disk("data"), ",\"incremental\":true").Replace("\"createOption\":\"Copy\"", "\"createOption\":\"Copy\",\"instantAccessDurationMinutes\":60");
        NotFoundTests.Check(await PutAsync("i", instant.Replace(":60", ":301")), 400, "InvalidParameter", "The value '301' is not allowed");
        await Arm.SucceedAsync(PutAsync("i", instant));
        await _world.SnapshotAsync("p", _world.Disk("data"), incremental: true);
        string plain = await _world.SnapshotAsync("plain", _world.Disk("os"), incremental: true);
        (await ShownAsync("i")).ShouldBe(("InstantAccess", "37.0"));
        (await ShownAsync("p")).ShouldBe(("Pending", "37.0"));
        (await ShownAsync("plain")).ShouldBe(("Available", "100.0"));
        (await Arm.SendAsync(HttpMethod.Get, _world.Snapshot("i"), apiVersion: NewestDisk))["properties.creationData.instantAccessDurationMinutes"].ShouldBe("60");

        foreach (string name in new[] { "i", "p" })
        {
            NotFoundTests.Check(await Arm.PostAsync($"{_world.Snapshot(name)}/beginGetAccess", """{"access":"Read","durationInSeconds":3600}"""), 409, "OperationNotAllowed", "snapshotAccessState");
            NotFoundTests.Check(await Arm.PutAsync(_world.Snapshot("copy"), World.SnapshotBody(_world.Snapshot(name))), 409, "OperationNotAllowed", "snapshotAccessState");
        }
        await Arm.GrantAsync(plain);
        NotFoundTests.Check(await Arm.PutAsync(_world.Disk("copy"), World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{_world.Snapshot("p")}\"")), 409, "OperationNotAllowed", "Pending");
        (await (await _world.GuestAsync(await _world.CopiedDiskAsync("copy", _world.Snapshot("i")))).ReadAsync(0, s_content.Length)).ShouldBe(s_content);

        (await Arm.CallAsync(HttpMethod.Delete, $"faults/{fault}")).Expect(204);
        (await ShownAsync("i")).ShouldBe(("AvailableWithInstantAccess", "100.0"));
        (await ShownAsync("p")).ShouldBe(("Available", "100.0"));
        (await _world.Blob(await Arm.GrantAsync(_world.Snapshot("p"))).ReadAsync(0, s_content.Length)).ShouldBe(s_content);

        Task<ArmResponse> PutAsync(string name, string body) => Arm.SendAsync(HttpMethod.Put, _world.Snapshot(name), body, apiVersion: NewestDisk);

        async Task<(string?, string?)> ShownAsync(string name)
        {
            ArmResponse shown = await Arm.SendAsync(HttpMethod.Get, _world.Snapshot(name), apiVersion: NewestDisk);
            return (shown["properties.snapshotAccessState"], shown["properties.completionPercent"]);
        }
    }

    [Fact]
    public async Task A_snapshot_whose_creation_failed_is_not_available()
    {
        string snapshot = _world.Snapshot("s"), source = await _world.EmptyDiskAsync("d");
        await Arm.AddFaultAsync("\"type\":\"FailOperation\"", path: snapshot);
        ArmResponse creation = (await Arm.PutAsync(snapshot, World.SnapshotBody(source, ",\"incremental\":true"))).Expect(202);
        (await Arm.FinishAsync(creation))["status"].ShouldBe("Failed");
        ArmResponse shown = await Arm.SendAsync(HttpMethod.Get, snapshot, apiVersion: NewestDisk);
        (shown["properties.provisioningState"], shown["properties.snapshotAccessState"], shown["properties.completionPercent"]).ShouldBe(("Failed", "Unknown", "0.0"));
    }

    [Fact]
    public async Task Background_copy_and_instant_access_end_by_the_clock_and_a_crash_changes_nothing()
    {
        using var directory = new TemporaryDirectory();
        string[] settings = ["--Emulator:OperationTime=Recorded", "--Emulator:Limits:InstantAccessPerRegion=1", "--Emulator:Limits:BackgroundCopies=2"];
        Guid subscription = Guid.NewGuid();
        string collection, other;
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, settings))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            _world = await World.CreateAsync(new RawArm(http, subscription));
            await http.FreezeClockAsync();
            Task<string> machine = MachineAsync(instantAccess: true), otherMachine = MachineAsync(instantAccess: true, prefix: "other-");
            while (!machine.IsCompleted || !otherMachine.IsCompleted)
                await http.AdvanceAsync(TimeSpan.FromMinutes(1));
            (collection, other) = (await machine, await otherMachine);
            ArmResponse creation = await PutPointAsync(collection, "p", 120);
            NotFoundTests.Check(await PutPointAsync(other, "q", 120), 409, "OperationNotAllowed", "At most 1 restore points with instant access");
            await http.AdvanceAsync(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
            (await PollAsync(creation)).ShouldBe("InProgress");
            await http.AdvanceAsync(TimeSpan.FromTicks(1));
            (await PollAsync(creation)).ShouldBe("Succeeded");
            (await StateAsync(collection, "p")).ShouldBe(("InstantAccess", "0"));
            (await PutPointAsync(other, "q", 1)).Expect(201);
            NotFoundTests.Check(await Arm.PutAsync(_world.Snapshot("s"), World.SnapshotBody(_world.Disk("data"))), 409, "OperationNotAllowed", "At most 2 snapshots of Ultra and Premium SSD v2 disks");
            await http.AdvanceAsync(TimeSpan.FromMinutes(5));
            await http.AdvanceAsync(TimeSpan.FromMinutes(10));
            (await StateAsync(collection, "p")).ShouldBe(("InstantAccess", "50"));
            (await StateAsync(other, "q")).ShouldBe(("Pending", "33"), "its minute is over");
            NotFoundTests.Check(await PutPointAsync(collection, "r", 1), 409, "OperationNotAllowed", "At most 2 snapshots of Ultra and Premium SSD v2 disks");
            await emulator.KillAsync();
        }
        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path, settings);
        using HttpClient client = EmulatorFixture.NewClient(again);
        _world = await World.OfAsync(new RawArm(client, subscription));
        (await StateAsync(collection, "p")).ShouldBe(("InstantAccess", "50"));
        await client.AdvanceAsync(TimeSpan.FromMinutes(15) - TimeSpan.FromTicks(1));
        (await StateAsync(collection, "p")).ShouldBe(("InstantAccess", "99"));
        await client.AdvanceAsync(TimeSpan.FromTicks(1));
        (await StateAsync(collection, "p")).ShouldBe(("AvailableWithInstantAccess", "100"));
        await client.AdvanceAsync(TimeSpan.FromMinutes(90) - TimeSpan.FromTicks(1));
        (await StateAsync(collection, "p")).ShouldBe(("AvailableWithInstantAccess", "100"));
        (await StateAsync(other, "q")).ShouldBe(("Available", "100"));
        await client.AdvanceAsync(TimeSpan.FromTicks(1));
        (await StateAsync(collection, "p")).ShouldBe(("Available", "100"));

        async Task<string?> PollAsync(ArmResponse accepted) => (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Expect(201).Header("Azure-AsyncOperation"))))["status"];
    }

    /// <summary>A machine with a Premium SSD OS disk and a data disk of another SKU that has <see cref="s_content"/>, and a collection of it.</summary>
    private async Task<string> MachineAsync(bool instantAccess, string sku = "PremiumV2_LRS", string prefix = "")
    {
        string data = _world.Disk($"{prefix}data");
        await Arm.SucceedAsync(Arm.PutAsync(data, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":4").Replace("Premium_LRS", sku)));
        await (await _world.GuestAsync(data)).WriteAsync(0, s_content);
        string vm = await _world.VmAsync($"{prefix}vm", await _world.EmptyDiskAsync($"{prefix}os"), data), collection = _world.Collection($"{prefix}c");
        (await Arm.SendAsync(HttpMethod.Put, collection, CollectionBody(vm, instantAccess), apiVersion: First)).Expect(201);
        return collection;
    }

    private static string CollectionBody(string vm, bool? instantAccess) =>
        $$$"""{"location":"{{{World.Location}}}","properties":{"source":{"id":"{{{vm}}}"}{{{(instantAccess is { } value ? $",\"instantAccess\":{(value ? "true" : "false")}" : "")}}}}}""";

    private Task<ArmResponse> PutPointAsync(string collection, string name, int minutes) =>
        Arm.SendAsync(HttpMethod.Put, World.Point(collection, name), $$$"""{"properties":{"instantAccessDurationMinutes":{{{minutes}}}}}""", apiVersion: First);

    private async Task<ArmResponse> ViewAsync(string collection, string name, string version = First) =>
        (await Arm.SendAsync(HttpMethod.Get, World.Point(collection, name), query: "$expand=instanceView", apiVersion: version)).Expect(200);

    /// <summary>Of the data disk.</summary>
    private async Task<(string? Access, string? Percent)> StateAsync(string collection, string name)
    {
        ArmResponse view = await ViewAsync(collection, name);
        return (view["properties.instanceView.diskRestorePoints.0.snapshotAccessState"], view["properties.instanceView.diskRestorePoints.0.replicationStatus.completionPercent"]);
    }
}
