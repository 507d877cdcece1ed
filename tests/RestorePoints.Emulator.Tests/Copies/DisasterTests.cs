using System.Diagnostics;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Copies;

/// <summary>What cannot be provoked on Azure: a copy that stalls, a region that is lost, copies that come too fast.</summary>
public sealed class DisasterTests(EmulatorFixture fixture)
{
    [Fact]
    public async Task A_stalled_copy_stays_at_its_percent_until_the_fault_is_deleted()
    {
        CopyWorld world = await CopyWorld.CreateAsync(fixture.NewSubscription());
        await world.World.PointAsync(world.Source, "p");
        string fault = await world.Arm.AddFaultAsync("\"type\":\"StallReplication\",\"percent\":37");
        await world.StartCopyAsync("c", world.SourcePoint("p"));

        string[] stalled = await PercentsAsync(world, "c", percents => percents.All(percent => percent == "37"));

        stalled.ShouldBe(["37", "37"]);
        (await world.Arm.GetAsync(world.Copy("c"))).Expect(200)["properties.provisioningState"].ShouldBe("Succeeded");
        (await world.Arm.FiredAsync(fault)).ShouldBe(1);
        (await world.Arm.CallAsync(HttpMethod.Delete, $"faults/{fault}")).Expect(204);
        ArmResponse copy = await world.CompletedAsync(world.Copy("c"));
        (await world.World.DownloadAsync(World.OsDiskPoint(copy))).ShouldBe(CopyWorld.Os);
    }

    [Fact]
    public async Task When_a_region_is_lost_its_disks_are_restored_in_the_other_with_every_byte_of_the_last_copy()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:HttpsPort=0");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        CopyWorld world = await CopyWorld.CreateAsync(new RawArm(http, Guid.NewGuid()));
        await world.World.PointAsync(world.Source, "p1");
        await world.CopyAsync("c1", world.SourcePoint("p1"));
        byte[] data = (byte[])CopyWorld.Data.Clone(), change = World.Noise(9, 8192);
        change.CopyTo(data, 1 << 20);
        await (await world.World.GuestAsync(world.DataDisk)).WriteAsync(1 << 20, change);
        await world.World.PointAsync(world.Source, "p2");
        ArmResponse copy = await world.CopyAsync("c2", world.SourcePoint("p2"));
        await world.World.PointAsync(world.Source, "p3");

        (await world.Arm.CallAsync(HttpMethod.Put, $"regions/{World.Location}", """{"state":"Offline"}""")).Expect(200);

        (await world.Arm.GetAsync(world.SourcePoint("p3"))).Expect(503)["error.code"].ShouldBe("ServiceUnavailable");
        (await world.Arm.PutAsync(world.Copy("c3"), CopyWorld.CopyBody(world.SourcePoint("p3")))).Expect(503);
        foreach ((string name, string point, byte[] bytes) in new[] { ("os-back", World.OsDiskPoint(copy), CopyWorld.Os), ("data-back", World.DataDiskPoint(copy, 0), data) })
        {
            string disk = world.World.Disk(name);
            await world.Arm.SucceedAsync(world.Arm.PutAsync(disk, World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{point}\"", location: CopyWorld.Target)));
            (await world.World.DownloadAsync(disk)).ShouldBe(bytes);
        }

        (await world.Arm.CallAsync(HttpMethod.Put, $"regions/{World.Location}", """{"state":"Online"}""")).Expect(200);
        await world.CopyAsync("c3", world.SourcePoint("p3"));
    }

    [Fact]
    public async Task A_copy_into_a_lost_region_waits_and_the_machine_is_protected_in_its_own_meanwhile()
    {
        using var directory = new TemporaryDirectory();
        var subscription = Guid.NewGuid();
        CopyWorld world;
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:HttpsPort=0"))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            world = await CopyWorld.CreateAsync(new RawArm(http, subscription));
            await world.World.PointAsync(world.Source, "p1");
        }
        await using EmulatorProcess timed = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:HttpsPort=0", "--Emulator:OperationTime=Recorded");
        using HttpClient client = EmulatorFixture.NewClient(timed);
        var arm = new RawArm(client, subscription);
        (await arm.CallAsync(HttpMethod.Post, "clock/freeze", "{}")).Expect(200);
        (await arm.PutAsync(world.Copy("c1"), CopyWorld.CopyBody(world.SourcePoint("p1")))).Expect(201);
        (await arm.CallAsync(HttpMethod.Put, $"regions/{CopyWorld.Target}", """{"state":"Offline"}""")).Expect(200);

        (await arm.PutAsync(world.SourcePoint("p2"), "{}")).Expect(201);
        await client.AdvanceAsync(TimeSpan.FromMinutes(1));
        (await arm.GetAsync(world.SourcePoint("p2"))).Expect(200)["properties.provisioningState"].ShouldBe("Succeeded");

        (await arm.CallAsync(HttpMethod.Put, $"regions/{CopyWorld.Target}", """{"state":"Online"}""")).Expect(200);
        await client.AdvanceAsync(TimeSpan.FromMinutes(2));
        (await arm.GetAsync(world.Copy("c1"), "$expand=instanceView")).Expect(200)["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/succeeded");
    }

    [Fact]
    public async Task A_fourth_copy_into_a_collection_in_an_hour_is_refused_and_the_clock_moves_the_window()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:HttpsPort=0", "--Emulator:Throttling=On");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        CopyWorld world = await CopyWorld.CreateAsync(new RawArm(http, Guid.NewGuid()));
        for (int number = 1; number <= 3; number++)
        {
            await world.World.PointAsync(world.Source, $"p{number}");
            await world.CopyAsync($"c{number}", world.SourcePoint($"p{number}"));
        }
        await world.World.PointAsync(world.Source, "p4", """{"properties":{"consistencyMode":"CrashConsistent"}}""");

        ArmResponse refused = (await world.Arm.PutAsync(world.Copy("c4"), CopyWorld.CopyBody(world.SourcePoint("p4")))).Expect(429);

        refused["error.code"].ShouldBe("TooManyRequests");
        await http.AdvanceAsync(TimeSpan.FromSeconds(int.Parse(refused.Header("Retry-After")!) + 1));
        await world.CopyAsync("c4", world.SourcePoint("p4"));
    }

    private static async Task<string[]> PercentsAsync(CopyWorld world, string copy, Predicate<string[]> enough)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            ArmResponse point = (await world.Arm.GetAsync(world.Copy(copy), "$expand=instanceView")).Expect(200);
            string[] percents = [.. Enumerable.Range(0, 2).Select(disk => point[$"properties.instanceView.diskRestorePoints.{disk}.replicationStatus.completionPercent"]!)];
            if (enough(percents) || Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(60))
                return percents;
        }
    }
}
