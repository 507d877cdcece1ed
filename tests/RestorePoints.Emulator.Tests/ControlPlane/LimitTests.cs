using RestorePoints.Emulator.Tests.Copies;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Counts that may not be passed; small ones here by the settings <c>Limits:*</c>.</summary>
public sealed class LimitTests
{
    private const string Crash = """{"properties":{"consistencyMode":"CrashConsistent"}}""";

    [Fact]
    public async Task The_points_of_a_machine_are_limited_over_all_collections_groups_and_modes_and_failed_ones_do_not_count()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:Limits:RestorePointsPerVm=3");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, Guid.NewGuid()));
        string disk = await world.EmptyDiskAsync("os"), vm = await world.VmAsync("vm", disk), collection = await world.CollectionAsync("c", vm);
        string otherGroup = $"{world.Arm.Subscription}/resourceGroups/other", other = $"{otherGroup}/providers/Microsoft.Compute/restorePointCollections/d";
        (await world.Arm.PutAsync(otherGroup, """{"location":"westeurope"}""")).Expect(201);
        (await world.Arm.PutAsync(other, $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{vm}}}"}} }""")).Expect(201);

        await world.PointAsync(collection, "p1");
        await world.PointAsync(collection, "p2", Crash);
        await GuestAsync(http, vm, "Missing");
        (await world.Arm.FinishAsync(await world.Arm.PutAsync(World.Point(collection, "failed"), "{}")))["status"].ShouldBe("Failed");
        await GuestAsync(http, vm, "Ready");
        await world.PointAsync(other, "p3");
        foreach (string body in new[] { "{}", Crash })
            NotFoundTests.Check(await world.Arm.PutAsync(World.Point(collection, "p4"), body), 409, "OperationNotAllowed",
                "Restore Point creation failed as the maximum allowed snapshot limit of one or more disk blobs has been reached. Please delete some existing restore points of this VM and then retry.");
        (await world.Arm.GetAsync(World.Point(collection, "p4"))).Expect(404);
        // A copy refers to its source and not to the machine: neither refused nor counted.
        string copies = world.Collection("copies");
        (await world.Arm.PutAsync(copies, CopyWorld.CollectionBody(collection))).Expect(201);
        await world.Arm.SucceedAsync(world.Arm.PutAsync(World.Point(copies, "p1"), CopyWorld.CopyBody(World.Point(collection, "p1"))));
        string second = await world.CollectionAsync("e", await world.VmAsync("vm2", await world.EmptyDiskAsync("os2")));
        await world.PointAsync(second, "of-another-machine");

        await world.Arm.SucceedAsync(world.Arm.DeleteAsync(World.Point(other, "p3")));
        await world.PointAsync(collection, "p4");
        NotFoundTests.Check(await world.Arm.PutAsync(World.Point(other, "p5"), "{}"), 409, "OperationNotAllowed", "maximum allowed snapshot limit");
        await world.Arm.SucceedAsync(world.Arm.DeleteAsync(vm));
        await world.VmAsync("vm", disk);
        await world.PointAsync(other, "of-a-new-machine");
    }

    [Fact]
    public async Task The_collections_of_a_subscription_are_limited_in_each_region()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:Limits:CollectionsPerRegion=1");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, Guid.NewGuid()));
        string vm = await world.VmAsync("vm", await world.EmptyDiskAsync("os")), first = await world.CollectionAsync("c", vm);
        string body = $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{vm}}}"}} }""";
        NotFoundTests.Check(await world.Arm.PutAsync(world.Collection("d"), body), 409, "OperationNotAllowed", "at most 1 restore point collections in the region westeurope");
        (await world.Arm.PutAsync(world.Collection("d"), body.Replace("westeurope", "northeurope"))).Expect(201);
        await world.Arm.SucceedAsync(world.Arm.DeleteAsync(first));
        (await world.Arm.PutAsync(world.Collection("e"), body)).Expect(201);
    }

    [Fact]
    public async Task Copies_do_not_count_towards_the_points_of_a_machine_and_points_in_other_regions_do()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:Limits:RestorePointsPerVm=2");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, Guid.NewGuid()));
        string vm = await world.VmAsync("vm", await world.EmptyDiskAsync("os")), here = await world.CollectionAsync("here", vm), copies = world.Collection("copies"), remote = world.Collection("remote");
        (await world.Arm.PutAsync(copies, CopyWorld.CollectionBody(here))).Expect(201);
        (await world.Arm.PutAsync(remote, CopyWorld.CollectionBody(vm))).Expect(201);
        await world.PointAsync(here, "p1");
        await world.PointAsync(copies, "c1", CopyWorld.CopyBody(World.Point(here, "p1")));

        await world.PointAsync(remote, "p2");

        foreach (string collection in new[] { here, remote })
            NotFoundTests.Check(await world.Arm.PutAsync(World.Point(collection, "p3"), "{}"), 409, "OperationNotAllowed", "maximum allowed snapshot limit");
        await world.Arm.SucceedAsync(world.Arm.DeleteAsync(World.Point(remote, "p2")));
        await world.PointAsync(here, "p3");
    }

    [Fact]
    public async Task The_snapshots_of_a_subscription_that_are_copied_to_a_region_at_the_same_time_are_limited()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:Limits:SnapshotCopiesPerRegion=1");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        var arm = new RawArm(http, Guid.NewGuid());
        SnapshotCopyWorld world = await SnapshotCopyWorld.CreateAsync(arm);
        string first = await world.SnapshotAsync("s1"), other = await world.World.SnapshotAsync("s2", await world.World.EmptyDiskAsync("other"), incremental: true);
        string fault = await arm.AddFaultAsync("\"type\":\"StallReplication\",\"percent\":0");
        await world.StartAsync("c1", first);

        NotFoundTests.Check(await arm.PutAsync(world.World.Snapshot("c2"), SnapshotCopyWorld.Body(other)), 409, "OperationNotAllowed",
            "Snapshot s2 cannot be copied to c2: 1 snapshots of the subscription are being copied to the region northeurope");
        await world.StartAsync("elsewhere", other, "uksouth");

        (await arm.CallAsync(HttpMethod.Delete, $"faults/{fault}")).Expect(204);
        await world.EndedAsync(world.World.Snapshot("c1"));
        await world.EndedAsync(world.World.Snapshot("elsewhere"));
        await world.CopyAsync("c2", other);
    }

    private static async Task GuestAsync(HttpClient http, string vm, string agent)
    {
        using var body = new StringContent($$"""{"agent":"{{agent}}"}""", System.Text.Encoding.UTF8, "application/json");
        (await http.PutAsync($"/emulator{vm}/guest", body)).EnsureSuccessStatusCode();
    }
}
