using System.Diagnostics;
using RestorePoints.Emulator.Tests.Copies;
using RestorePoints.Emulator.Tests.Hosting;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.StateArchives;

/// <summary>The setting <c>Seed</c>: the world that an empty data directory begins with.</summary>
public sealed class SeedTests(ITestOutputHelper output)
{
    private const int Machines = 20, ContentBytes = 64 * 1024;

    [Fact]
    public async Task An_empty_world_begins_with_the_seed_at_start_and_after_a_reset_and_no_other_does()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        string[] points = new string[Machines];
        string seed = directory.File("seed.tar.gz"), data = directory.File("data"), whole;
        await using (EmulatorProcess source = await EmulatorProcess.StartAsync(directory.File("source"), "--Emulator:HttpsPort=0"))
        {
            using HttpClient http = EmulatorFixture.NewClient(source);
            World world = await World.CreateAsync(new RawArm(http, subscription));
            await Task.WhenAll(Enumerable.Range(0, Machines).Select(async i =>
            {
                string os = await world.EmptyDiskAsync($"os{i}"), machine = await world.VmAsync($"vm{i}", os);
                RawBlob guest = await world.GuestAsync(os);
                await guest.WriteAsync(0, Content(i));
                points[i] = World.OsDiskPoint(await world.PointAsync(await world.CollectionAsync($"c{i}", machine), "p"));
                await guest.WriteAsync(0, Content(-1));
            }));
            await http.AdvanceAsync(TimeSpan.FromDays(40));
            await File.WriteAllBytesAsync(seed, await world.Arm.ExportAsync(), TestContext.Current.CancellationToken);
            whole = await world.Arm.PrintAsync(hashes: false);
        }

        string[] settings = ["--Emulator:HttpsPort=0", $"--Emulator:Seed={seed}"];
        long started = Stopwatch.GetTimestamp();
        await using (EmulatorProcess seeded = await EmulatorProcess.StartAsync(data, settings))
        {
            output.WriteLine($"start with {Machines} machines of {new FileInfo(seed).Length} bytes: {Stopwatch.GetElapsedTime(started).TotalMilliseconds:0} ms");
            using HttpClient http = EmulatorFixture.NewClient(seeded);
            var arm = new RawArm(http, subscription);
            (await arm.PrintAsync(hashes: false)).ShouldBe(whole);
            (await arm.CallAsync(HttpMethod.Get, "clock"))["offset"]!.ShouldStartWith("40.");
            for (int i = 0; i < Machines; i++)
                (await new RawBlob(http, await arm.GrantAsync(points[i])).ReadAsync(0, ContentBytes)).ShouldBe(Content(i));
            await Task.WhenAll(points.Select(arm.RevokeAsync));

            await arm.SucceedAsync(arm.DeleteAsync($"{arm.Subscription}/resourceGroups/backup-test"));
            (await arm.PutAsync($"{arm.Subscription}/resourceGroups/since", """{"location":"westeurope"}""")).Expect(201);
            await http.AdvanceAsync(TimeSpan.FromDays(1));
            (await arm.CallAsync(HttpMethod.Post, $"reset?subscription={Guid.NewGuid()}")).Expect(204);
            (await arm.GetAsync($"{arm.Subscription}/resourceGroups/since")).Expect(200);
            started = Stopwatch.GetTimestamp();
            await arm.ResetAsync();
            output.WriteLine($"reset: {Stopwatch.GetElapsedTime(started).TotalMilliseconds:0} ms");
            (await arm.PrintAsync(hashes: false)).ShouldBe(whole);
            (await arm.CallAsync(HttpMethod.Get, "clock"))["offset"]!.ShouldStartWith("40.");

            // A seed that went bad: the world stays.
            byte[] good = await File.ReadAllBytesAsync(seed, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(seed, "gone", TestContext.Current.CancellationToken);
            ArmResponse refused = (await arm.CallAsync(HttpMethod.Post, "reset")).Expect(400);
            refused["error.message"]!.ShouldStartWith("The archive of Emulator:Seed cannot be imported: it is no state archive, or damaged: ");
            refused.Text.ShouldNotContain(directory.Path);
            File.Delete(seed);
            refused = (await arm.CallAsync(HttpMethod.Post, "reset")).Expect(400);
            refused["error.message"].ShouldBe("The archive of Emulator:Seed cannot be imported: it cannot be read or unpacked; the log says why.");
            (await arm.PrintAsync(hashes: false)).ShouldBe(whole);
            await File.WriteAllBytesAsync(seed, good, TestContext.Current.CancellationToken);
            await arm.SucceedAsync(arm.DeleteAsync($"{arm.Subscription}/resourceGroups/backup-test"));
            await seeded.KillAsync();
        }
        await using EmulatorProcess again = await EmulatorProcess.StartAsync(data, settings);
        using HttpClient client = EmulatorFixture.NewClient(again);
        (await new RawArm(client, subscription).PrintAsync(hashes: false)).ShouldBeEmpty("what was deleted stays deleted");
        again.Output.ShouldContain($"The seed {seed} was not imported: the data directory has a world already");
    }

    [Fact]
    public async Task A_seed_that_cannot_be_imported_ends_the_start_with_its_name()
    {
        using var directory = new TemporaryDirectory();
        string seed = directory.File("seed.tar.gz"), absent = directory.File("absent.tar.gz");
        await File.WriteAllTextAsync(seed, "not an archive", TestContext.Current.CancellationToken);
        (await EndOfStartAsync(directory, seed)).ShouldContain($"RestorePoints cannot start: Emulator:Seed={seed} cannot be imported: it is no state archive, or damaged");
        (await EndOfStartAsync(directory, absent)).ShouldContain($"Emulator:Seed={absent} is no file.");
        Directory.GetDirectories(directory.File("data"), "archive-*").ShouldBeEmpty();
    }

    /// <summary>What a reset replaces is still at work: the same copy, by its id, of the world before.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_copy_that_is_on_its_way_in_the_seed_ends_whole_however_often_the_world_is_reset(bool isRegionLost)
    {
        using var directory = new TemporaryDirectory();
        string seed = directory.File("seed.tar.gz");
        Guid subscription = Guid.NewGuid();
        CopyWorld world;
        await using (HeldEmulator source = await HeldEmulator.StartAsync(directory.File("source")))
        {
            world = await CopyWorld.CreateAsync(new RawArm(source.Http, subscription));
            await world.World.PointAsync(world.Source, "p");
            source.HoldAt(50);
            await world.StartCopyAsync("c", world.SourcePoint("p"));
            await source.HeldAsync();
            if (isRegionLost)
                await SetTargetAsync(world.Arm, "Offline");
            await File.WriteAllBytesAsync(seed, await world.Arm.ExportAsync(), TestContext.Current.CancellationToken);
        }

        await using HeldEmulator emulator = await HeldEmulator.StartAsync(directory.File("data"), $"--Emulator:Seed={seed}");
        var arm = new RawArm(emulator.Http, subscription);
        world = new CopyWorld { World = await World.OfAsync(arm), OsDisk = world.OsDisk, DataDisk = world.DataDisk, Source = world.Source, Copies = world.Copies };
        if (isRegionLost)
        {
            for (int round = 0; round < 4; round++)
                await arm.ResetAsync();
            await SetTargetAsync(arm, "Online");
        }
        else
        {
            await CompletedAsync();
            foreach (int percent in (int[])[100, 40, 100])
            {
                emulator.HoldAt(percent);
                await arm.ResetAsync();
                await emulator.HeldAsync();
                emulator.Waiting.ShouldBe(2, "only the copies of the new world are left");
            }
            emulator.Release();
            for (int round = 0; round < 4; round++)
                await arm.ResetAsync();
        }
        await CompletedAsync();

        async Task CompletedAsync()
        {
            ArmResponse copy = await world.CompletedAsync(world.Copy("c"));
            (copy["properties.provisioningState"], copy["properties.instanceView.statuses.0.code"]).ShouldBe(("Succeeded", "ReplicationState/succeeded"));
            (await world.World.DownloadAsync(World.OsDiskPoint(copy))).AsSpan().SequenceEqual(CopyWorld.Os).ShouldBeTrue();
            (await world.World.DownloadAsync(World.DataDiskPoint(copy, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
        }

        static async Task SetTargetAsync(RawArm arm, string state) =>
            (await arm.CallAsync(HttpMethod.Put, $"regions/{CopyWorld.Target}", $$"""{"state":"{{state}}"}""")).Expect(200);
    }

    private static byte[] Content(int machine) => World.Noise(machine + 1, ContentBytes);

    private static async Task<string> EndOfStartAsync(TemporaryDirectory directory, string seed)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using StartedProgram program = StartedProgram.Start(directory.Path, "--Emulator:DataDirectory=data", $"--Emulator:Seed={seed}");
        (await program.ExitCodeAsync(limit.Token)).ShouldBe(1);
        return await program.Errors;
    }
}
