using System.Diagnostics;
using RestorePoints.Emulator.Tests.Crash;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Restores;

/// <summary>What happens while a machine is on its way to its restored disks. The clock stands still, so that it stays on its way.</summary>
public sealed class MachineRestoreTimeTests
{
    private const int Bytes = 64 * 1024;
    private static readonly byte[] Os = World.Noise(80, Bytes);
    private static readonly byte[] Data = World.Noise(81, Bytes);

    [Fact]
    public async Task A_source_that_is_deleted_meanwhile_fails_the_machine_which_can_be_put_again_with_another()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await StartAsync(directory);
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        (World world, ArmResponse point) = await CreateAsync(http);
        RawArm arm = world.Arm;
        string vm = world.Vm("back"), snapshot = world.Snapshot("s");
        string os = world.Disk("os-back");
        await EndAsync(arm, await arm.PutAsync(os, World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{World.OsDiskPoint(point)}\"")));
        await EndAsync(arm, await arm.PutAsync(snapshot, World.SnapshotBody(world.Disk("data"))));
        string restored = MachineBodies.Restored(0, World.DataDiskPoint(point, 0), ",\"name\":\"restored\"");
        ArmResponse accepted = (await arm.PutAsync(vm, MachineBodies.With(os, World.Location, restored, MachineBodies.Copied(1, snapshot, ",\"name\":\"copied\"")))).Expect(201);
        ArmResponse deleted = (await arm.DeleteAsync(snapshot)).Expect(202);
        await http.AdvanceAsync(TimeSpan.FromSeconds(5));
        (await PollAsync(arm, deleted))["status"].ShouldBe("Succeeded");
        (await PollAsync(arm, accepted))["status"].ShouldBe("InProgress");
        await http.AdvanceAsync(TimeSpan.FromMinutes(1));

        ArmResponse failed = await PollAsync(arm, accepted);

        failed["status"].ShouldBe("Failed");
        failed["error.code"].ShouldBe("NotFound");
        failed["error.message"].ShouldBe("Resource s is not found.");
        (await arm.GetAsync(vm))["properties.provisioningState"].ShouldBe("Failed");
        foreach (string disk in new[] { "restored", "copied" })
            (await arm.GetAsync(world.Disk(disk)))["properties.provisioningState"].ShouldBe("Failed", "no disk was made: an operation does all or nothing");
        (await (await world.GuestAsync(os)).ReadAsync(0, Bytes)).ShouldBe(Os, "the disk that was there is untouched");

        await EndAsync(arm, await arm.PutAsync(vm, MachineBodies.With(os, World.Location, restored)));
        (await (await world.GuestAsync(world.Disk("restored"))).ReadAsync(0, Bytes)).ShouldBe(Data);
        ArmResponse left = (await arm.GetAsync(world.Disk("copied"))).Expect(200);
        (left["properties.provisioningState"], left["managedBy"]).ShouldBe(("Failed", null));
        await EndAsync(arm, await arm.DeleteAsync(world.Disk("copied")));
    }

    [Fact]
    public async Task A_disk_that_is_detached_before_it_is_made_is_made_all_the_same()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await StartAsync(directory);
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        (World world, ArmResponse point) = await CreateAsync(http);
        string vm = world.Vm("vm"), restored = MachineBodies.Restored(3, World.DataDiskPoint(point, 0), ",\"name\":\"restored\"");
        ArmResponse added = (await world.Arm.PutAsync(vm, MachineBodies.With(world.Disk("os"), World.Location, restored))).Expect(200);
        ArmResponse removed = (await world.Arm.PutAsync(vm, MachineBodies.With(world.Disk("os"), World.Location))).Expect(200);
        await http.AdvanceAsync(TimeSpan.FromMinutes(3));
        foreach (ArmResponse operation in new[] { added, removed })
            (await PollAsync(world.Arm, operation))["status"].ShouldBe("Succeeded");
        ArmResponse disk = (await world.Arm.GetAsync(world.Disk("restored"))).Expect(200);
        (disk["properties.provisioningState"], disk["properties.diskState"]).ShouldBe(("Succeeded", "Unattached"));
        (await (await world.GuestAsync(world.Disk("restored"))).ReadAsync(0, Bytes)).ShouldBe(Data);
    }

    [Theory]
    [InlineData("Recorded", 1)]
    [InlineData("Immediate", 2)]
    public async Task A_machine_that_a_kill_interrupts_is_restored_by_the_next_start(string operationTime, int kills)
    {
        using var directory = new TemporaryDirectory();
        var subscription = Guid.NewGuid();
        string restorePoint = "", status = "";
        for (int start = 0; start <= kills; start++)
        {
            await using EmulatorProcess emulator = await StartAsync(directory, operationTime);
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            var arm = new RawArm(http, subscription);
            if (start == 0)
                restorePoint = World.DataDiskPoint((await CreateAsync(http, arm)).Point, 0);
            World world = await World.OfAsync(arm);
            if (start > 0)
            {
                if (operationTime == "Recorded")
                    await http.AdvanceAsync(TimeSpan.FromMinutes(3));
                await SucceededAsync(arm, PointKeeper.Rebase(status, emulator.Http));
                ArmResponse machine = (await arm.GetAsync(world.Vm($"vm{start - 1}"))).Expect(200);
                machine["properties.provisioningState"].ShouldBe("Succeeded");
                for (int disk = 0; disk < 3; disk++)
                    (await (await world.GuestAsync(machine[$"properties.storageProfile.dataDisks.{disk}.managedDisk.id"]!)).ReadAsync(0, Bytes)).ShouldBe(Data, $"start {start}, disk {disk}");
            }
            if (start == kills)
                break;
            string body = MachineBodies.With(world.Disk("os"), World.Location, MachineBodies.Restored(0, restorePoint), MachineBodies.Restored(1, restorePoint), MachineBodies.Copied(2, world.Disk("data")));
            // Its OS disk comes from an image.
            body = body.Replace($"\"createOption\":\"Attach\",\"managedDisk\":{{\"id\":\"{world.Disk("os")}\"}}", "\"createOption\":\"FromImage\"");
            status = (await arm.PutAsync(world.Vm($"vm{start}"), body)).Expect(201).Header("Azure-AsyncOperation")!;
            await emulator.KillAsync();
        }
    }

    private static async Task<EmulatorProcess> StartAsync(TemporaryDirectory directory, string operationTime = "Recorded")
    {
        EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:HttpsPort=0", $"--Emulator:OperationTime={operationTime}");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        if (operationTime == "Recorded")
            await http.FreezeClockAsync();
        return emulator;
    }

    /// <summary>A machine with an OS disk and a data disk, and a restore point of it.</summary>
    private static async Task<(World World, ArmResponse Point)> CreateAsync(HttpClient http, RawArm? subscription = null)
    {
        World world = await World.CreateAsync(subscription ?? new RawArm(http, Guid.NewGuid()));
        RawArm arm = world.Arm;
        foreach ((string disk, byte[] content) in new[] { ("os", Os), ("data", Data) })
        {
            await EndAsync(arm, await arm.PutAsync(world.Disk(disk), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")));
            await (await world.GuestAsync(world.Disk(disk))).WriteAsync(0, content);
        }
        await EndAsync(arm, await arm.PutAsync(world.Vm("vm"), world.VmBody(world.Disk("os"), world.Disk("data"))));
        string collection = await world.CollectionAsync("c", world.Vm("vm"));
        await EndAsync(arm, await arm.PutAsync(World.Point(collection, "p"), "{}"));
        return (world, (await arm.GetAsync(World.Point(collection, "p"))).Expect(200));
    }

    /// <summary>Lets the time of an operation pass, which must succeed.</summary>
    private static async Task EndAsync(RawArm arm, ArmResponse accepted)
    {
        accepted.Expect(200, 201, 202);
        await arm.Http.AdvanceAsync(TimeSpan.FromMinutes(3));
        await SucceededAsync(arm, accepted.Header("Azure-AsyncOperation")!);
    }

    private static async Task SucceededAsync(RawArm arm, string status)
    {
        long started = Stopwatch.GetTimestamp();
        ArmResponse poll;
        do
            poll = (await arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, status))).Expect(200);
        while (poll["status"] == "InProgress" && Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60));
        poll["status"].ShouldBe("Succeeded", poll.Text);
    }

    private static Task<ArmResponse> PollAsync(RawArm arm, ArmResponse accepted) => arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Azure-AsyncOperation")));
}
