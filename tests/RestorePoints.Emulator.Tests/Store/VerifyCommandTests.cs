using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.Tests.Copies;
using RestorePoints.Emulator.Tests.Hosting;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Store;

/// <summary>A data directory is verified by the program itself, after a kill and after damage.</summary>
public sealed class VerifyCommandTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _temp = new();
    private readonly string _data;

    public VerifyCommandTests() => _data = Path.Combine(_temp.Path, "data");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>A machine with two disks, restore points, a copy in another region and a snapshot; then kill -9.</summary>
    public async ValueTask InitializeAsync()
    {
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(_data, "--Emulator:HttpsPort=0");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        CopyWorld world = await CopyWorld.CreateAsync(new RawArm(http, Guid.NewGuid()));
        await world.World.PointAsync(world.Source, "p1");
        await world.CopyAsync("c1", world.SourcePoint("p1"));
        await world.World.PointAsync(world.Source, "p2");
        await emulator.KillAsync();
    }

    public ValueTask DisposeAsync()
    {
        _temp.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task What_a_kill_leaves_is_whole_and_is_not_changed()
    {
        string[] before = Files();
        (int code, string output, _) = await VerifyAsync();
        code.ShouldBe(0, output);
        output.ShouldContain("catalog: 2 disks, 6 disk restore points and 0 snapshots with bytes");
        output.ShouldContain("region northeurope: 2 volumes, 2 points");
        output.ShouldContain("region westeurope: 2 volumes, 4 points");
        output.TrimEnd().ShouldEndWith("verify: OK");
        Files().ShouldBe(before);
    }

    [Fact]
    public async Task What_a_kill_left_to_be_created_is_no_damage_and_the_next_start_makes_it()
    {
        string[] settings = ["--Emulator:HttpsPort=0", "--Emulator:OperationTime=Recorded"];
        Guid subscription = Guid.NewGuid();
        World world;
        string[] made;
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(_data, settings))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            await http.FreezeClockAsync();
            world = await World.CreateAsync(new RawArm(http, subscription));
            (await world.Arm.PutAsync(world.Disk("d"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1"))).Expect(202);
            (await world.Arm.PutAsync(world.Snapshot("s"), World.SnapshotBody(world.Disk("d")))).Expect(202);
            (await world.Arm.PutAsync(world.Vm("vm"), world.ImageVmBody("vm"))).Expect(201);
            ArmResponse disks = await world.Arm.GetAsync($"{world.Compute}/disks");
            made = [world.Snapshot("s"), .. Enumerable.Range(0, disks.Count("value")).Select(i => disks[$"value.{i}.id"]!)];
            made.Length.ShouldBe(3, disks.Text);
            await emulator.KillAsync();
        }

        (int code, string output, _) = await VerifyAsync();
        code.ShouldBe(0, output);
        output.ShouldContain("catalog: 2 disks, 6 disk restore points and 0 snapshots with bytes");
        output.TrimEnd().ShouldEndWith("verify: OK");

        await using (EmulatorProcess again = await EmulatorProcess.StartAsync(_data, settings))
        {
            using HttpClient http = EmulatorFixture.NewClient(again);
            await http.AdvanceAsync(TimeSpan.FromMinutes(1));
            var arm = new RawArm(http, subscription);
            foreach (string resource in made)
                (await arm.GetAsync(resource)).Expect(200)["properties.provisioningState"].ShouldBe("Succeeded", resource);
            await again.KillAsync();
        }
        (code, output, _) = await VerifyAsync();
        code.ShouldBe(0, output);
        output.ShouldContain("catalog: 4 disks, 6 disk restore points and 1 snapshots with bytes");
    }

    [Fact]
    public async Task A_snapshot_whose_copy_in_the_background_failed_keeps_its_bytes()
    {
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(_data, "--Emulator:HttpsPort=0"))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            World world = await World.CreateAsync(new RawArm(http, Guid.NewGuid()));
            string disk = world.Disk("ultra");
            await world.Arm.SucceedAsync(world.Arm.PutAsync(disk, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":4").Replace("Premium_LRS", "UltraSSD_LRS")));
            await world.Arm.AddFaultAsync("\"type\":\"StallReplication\",\"percent\":37");
            string snapshot = await world.SnapshotAsync("s", disk, incremental: true);
            await world.Arm.SucceedAsync(world.Arm.PatchAsync(disk, """{"properties":{"diskSizeGB":5}}"""));
            (await world.Arm.GetAsync(snapshot))["properties.provisioningState"].ShouldBe("Failed");
            await emulator.KillAsync();
        }
        // It removes what no row stands for.
        await using (EmulatorProcess again = await EmulatorProcess.StartAsync(_data, "--Emulator:HttpsPort=0"))
            await again.KillAsync();

        (int code, string output, _) = await VerifyAsync();
        code.ShouldBe(0, output);
        output.ShouldContain("and 1 snapshots with bytes");
        output.ShouldContain("region westeurope: 3 volumes, 5 points");
    }

    [Fact]
    public async Task What_is_damaged_is_named()
    {
        Directory.Delete(Path.Combine(_data, "regions", CopyWorld.Target), recursive: true);
        string journal = Directory.EnumerateFiles(Path.Combine(_data, "regions", World.Location), "journal-*").Order().First();
        byte[] bytes = await File.ReadAllBytesAsync(journal, Stop);
        bytes[100] ^= 1;
        await File.WriteAllBytesAsync(journal, bytes, Stop);

        (int code, string output, _) = await VerifyAsync();

        code.ShouldBe(1);
        output.ShouldContain($"damage: regions/{World.Location}/{Path.GetFileName(journal)}: is damaged at offset 64: record 1 is not whole");
        output.ShouldContain($"disk restore point c1/data_");
        output.ShouldContain($"is not in region {CopyWorld.Target}.");
        output.TrimEnd().ShouldEndWith("verify: 3 found");

        await using StartedProgram refused = StartedProgram.Start(_temp.Path, $"--Emulator:DataDirectory={_data}");
        (await refused.ExitCodeAsync(Stop)).ShouldBe(1);
        (await refused.Errors).ShouldStartWith($"RestorePoints cannot start, a file of the data directory cannot be read: {Path.GetFileName(journal)}: is damaged");
    }

    [Fact]
    public async Task A_catalog_that_is_damaged_or_empty_beside_bytes_of_disks_is_named()
    {
        string catalog = Path.Combine(_data, "catalog.db");
        foreach (string log in Directory.EnumerateFiles(_data, "catalog.db-*"))
            File.Delete(log);
        await File.WriteAllBytesAsync(catalog, new byte[8192], Stop);
        (int code, string output, _) = await VerifyAsync();
        (code, output.Contains("damage: catalog.db: ")).ShouldBe((1, true), output);

        await File.WriteAllBytesAsync(catalog, [], Stop);
        (code, output, _) = await VerifyAsync();
        (code, output.Contains("damage: catalog.db: is empty, but there are bytes of disks.")).ShouldBe((1, true), output);

        await using StartedProgram refused = StartedProgram.Start(_temp.Path, $"--Emulator:DataDirectory={_data}");
        (await refused.ExitCodeAsync(Stop)).ShouldBe(1);
        (await refused.Errors).ShouldStartWith($"RestorePoints cannot start: {catalog} is missing or empty, but there are bytes of disks.");
    }

    [Fact]
    public async Task A_directory_that_is_in_use_or_absent_is_not_verified()
    {
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(_data, "--Emulator:HttpsPort=0"))
        {
            (int code, _, string errors) = await VerifyAsync();
            code.ShouldBe(1);
            errors.ShouldContain("is in use by another emulator");
        }
        await using StartedProgram absent = StartedProgram.Run(_temp.Path, VerifyCommand.Name, $"--Emulator:DataDirectory={_temp.Path}/nothing");
        (await absent.ExitCodeAsync(Stop)).ShouldBe(1);
        (await absent.Errors).ShouldContain("there is no data directory");
        Directory.Exists(Path.Combine(_temp.Path, "nothing")).ShouldBeFalse();
    }

    private async Task<(int Code, string Output, string Errors)> VerifyAsync()
    {
        await using StartedProgram program = StartedProgram.Run(_temp.Path, VerifyCommand.Name, $"--Emulator:DataDirectory={_data}");
        List<string> lines = [];
        while (await program.ReadLineAsync(Stop) is { } line)
            lines.Add(line);
        return (await program.ExitCodeAsync(Stop), string.Join('\n', lines), await program.Errors);
    }

    private string[] Files() => [.. Directory.EnumerateFiles(_data, "*", SearchOption.AllDirectories).Order().Select(file => $"{file} {new FileInfo(file).Length} {File.GetLastWriteTimeUtc(file):O}")];
}
