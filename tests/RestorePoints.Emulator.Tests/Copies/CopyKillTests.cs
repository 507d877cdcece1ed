using RestorePoints.Emulator.Tests.Crash;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Copies;

/// <summary>
/// The server is killed with SIGKILL while a copy, a creation in another region and the copy of a snapshot are initiated or on their way: the next start ends them, with every byte.
/// </summary>
public sealed class CopyKillTests(ITestOutputHelper output)
{
    private const int Rounds = 6;

    [Fact]
    public async Task A_copy_that_a_kill_interrupts_is_ended_by_the_next_start()
    {
        int seed = Seeds.Choose(), interrupted = 0;
        var random = new Random(seed);
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        CopyWorld? first = null;
        byte[] content = [.. CopyWorld.Data];
        string copy = "", created = "", snapshot = "";
        try
        {
            for (int round = 0; round <= Rounds; round++)
            {
                await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:HttpsPort=0");
                using HttpClient http = EmulatorFixture.NewClient(emulator);
                var arm = new RawArm(http, subscription);
                first ??= await CopyWorld.CreateAsync(arm);
                var world = new CopyWorld { World = await World.OfAsync(arm), OsDisk = first.OsDisk, DataDisk = first.DataDisk, Source = first.Source, Copies = first.Copies };
                if (copy.Length > 0)
                {
                    await world.InitiatedAsync(copy);
                    ArmResponse ended = await world.CompletedAsync(copy);
                    ended["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/succeeded");
                    (await world.World.DownloadAsync(World.DataDiskPoint(ended, 0))).AsSpan().SequenceEqual(content).ShouldBeTrue($"round {round}");
                    (await world.World.DownloadAsync(World.OsDiskPoint(ended))).AsSpan().SequenceEqual(CopyWorld.Os).ShouldBeTrue($"round {round}");
                    await world.InitiatedAsync(created);
                    ended = await world.CompletedAsync(created);
                    ended["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/succeeded");
                    (await world.World.DownloadAsync(World.DataDiskPoint(ended, 0))).AsSpan().SequenceEqual(content).ShouldBeTrue($"round {round}, created in another region");
                    (await new SnapshotCopyWorld { World = world.World, Disk = "" }.EndedAsync(snapshot))["properties.provisioningState"].ShouldBe("Succeeded");
                    (await world.World.DownloadAsync(snapshot)).AsSpan().SequenceEqual(content).ShouldBeTrue($"round {round}, snapshot");
                }
                if (round == Rounds)
                    break;
                RawBlob guest = new(http, PointKeeper.Rebase(await arm.GuestAccessAsync(world.DataDisk), emulator.Http));
                int at = random.Next(16) << 20;
                await guest.WriteAsync(content, at, World.Noise(random.Next(), 4 << 20));
                await guest.ClearAsync(content, random.Next(19) << 20, 1 << 20);
                await world.World.PointAsync(world.Source, $"p{round}");
                string source = await world.World.SnapshotAsync($"s{round}", world.DataDisk, incremental: true), remote = world.World.Collection("remote");
                (await arm.PutAsync(remote, CopyWorld.CollectionBody(world.World.Vm("vm")))).Expect(200, 201);
                (copy, created, snapshot) = (world.Copy($"c{round}"), World.Point(remote, $"x{round}"), world.World.Snapshot($"k{round}"));
                (await arm.PutAsync(created, "{}")).Expect(201);
                (await arm.PutAsync(snapshot, SnapshotCopyWorld.Body(source))).Expect(202);
                ArmResponse seen = (await arm.PutAsync(copy, CopyWorld.CopyBody(world.SourcePoint($"p{round}")))).Expect(201);
                for (int polls = random.Next(4); polls > 0; polls--)
                    seen = (await arm.GetAsync(copy, "$expand=instanceView")).Expect(200);
                await emulator.KillAsync();
                interrupted += seen["properties.instanceView.statuses.0.code"] == "ReplicationState/succeeded" ? 0 : 1;
            }
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"Seed {seed}: {exception.Message}", exception);
        }
        output.WriteLine($"seed {seed}: {Rounds} kills, {interrupted} copies on their way when they were last seen");
        interrupted.ShouldBeGreaterThan(0);
    }
}
