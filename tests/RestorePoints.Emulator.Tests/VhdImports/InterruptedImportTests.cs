using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.VhdImports;

/// <summary>An import in whose middle the server is killed, and what the next start makes of it; one whose disk is deleted.</summary>
public sealed class InterruptedImportTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;

    private readonly TemporaryDirectory _directory = new();
    private readonly VhdServer _server = new();
    private readonly Guid _subscription = Guid.NewGuid();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("disks")]
    [InlineData("snapshots")]
    public async Task It_begins_again_and_what_the_first_run_wrote_is_replaced(string type)
    {
        byte[] first = World.Noise(91, 4 * MiB), second = World.Noise(92, 4 * MiB);
        second.AsSpan(MiB, MiB).Clear();
        string status = await KillInTheMiddleAsync(type, first);

        _server.Serve("/source.vhd", ImportTests.Vhd(second));
        await using EmulatorProcess again = await StartAsync();
        using HttpClient http = EmulatorFixture.NewClient(again);
        var arm = new RawArm(http, _subscription);
        (await FinishAsync(arm, again, status))["status"].ShouldBe("Succeeded");
        string path = Path(arm, type);
        (await arm.GetAsync(path))["properties.provisioningState"].ShouldBe("Succeeded");
        byte[] vhd = await new RawBlob(http, await arm.GrantAsync(path)).ReadAllAsync();
        vhd.AsSpan(0, 4 * MiB).SequenceEqual(second).ShouldBeTrue();
    }

    [Theory]
    [InlineData("disks", "gone")]
    [InlineData("snapshots", "gone")]
    [InlineData("disks", "resized")]
    public async Task One_that_fails_after_the_start_leaves_no_bytes(string type, string source)
    {
        string status = await KillInTheMiddleAsync(type, World.Noise(93, 4 * MiB));
        if (source == "gone")
            _server.Serve("/source.vhd", stream => VhdServer.SendAsync(stream, "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", default));
        else
            _server.Serve("/source.vhd", ImportTests.Vhd(new byte[5 * MiB]));
        await using (EmulatorProcess again = await StartAsync())
        {
            using HttpClient http = EmulatorFixture.NewClient(again);
            var arm = new RawArm(http, _subscription);
            ArmResponse final = await FinishAsync(arm, again, status);
            (final["status"], final["error.code"]).ShouldBe(("Failed", source == "gone" ? "InvalidParameter" : "OperationNotAllowed"));
            (await arm.GetAsync(Path(arm, type)))["properties.provisioningState"].ShouldBe("Failed");
            await again.KillAsync();
        }
        Volumes().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("group")]
    [InlineData("disk")]
    [InlineData("reset")]
    public async Task What_is_deleted_during_its_import_is_gone_while_the_source_is_still_silent(string what)
    {
        byte[] content = World.Noise(83, 4 * MiB);
        await using var held = new HeldAnswer(ImportTests.Vhd(content));
        string source = _server.Serve("/source.vhd", held.AnswerAsync);
        await using EmulatorProcess emulator = await StartAsync();
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, _subscription));
        string disk = world.Disk("held");
        ArmResponse accepted = (await world.Arm.PutAsync(disk, ImportTests.Body(source))).Expect(202);
        await RegionFiles.ShouldGetAsync(RegionDirectory, content.AsMemory(2 * MiB, 4096));
        if (what == "reset")
        {
            (await world.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/emulator/reset?subscription={_subscription}"))).Expect(204);
        }
        else
        {
            ArmResponse deleted = (await world.Arm.DeleteAsync(what == "group" ? world.Group : disk)).Expect(202);
            await world.Arm.SucceedAsync(Task.FromResult(deleted));
            (await world.Arm.FinishAsync(accepted))["status"].ShouldBe("Failed");
        }
        (await world.Arm.GetAsync(disk)).Status.ShouldBe(404);
        held.Release();
        await emulator.KillAsync();
        Volumes().ShouldBeEmpty();
    }

    /// <returns>Path and query of the operation's URL.</returns>
    private async Task<string> KillInTheMiddleAsync(string type, byte[] content)
    {
        await using var held = new HeldAnswer(ImportTests.Vhd(content));
        _server.Serve("/source.vhd", held.AnswerAsync);
        await using EmulatorProcess emulator = await StartAsync();
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, _subscription));
        ArmResponse accepted = (await world.Arm.PutAsync(Path(world.Arm, type), ImportTests.Body(_server.Url + "/source.vhd"))).Expect(202);
        await RegionFiles.ShouldGetAsync(RegionDirectory, content.AsMemory(2 * MiB, 4096));
        (await world.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Azure-AsyncOperation"))))["status"].ShouldBe("InProgress");
        await emulator.KillAsync();
        using (SnapshotStore store = SnapshotStore.Open(RegionDirectory, new SnapshotStoreOptions()))
        using (VolumeView head = store.OpenHead(store.ListVolumes().ShouldHaveSingleItem().VolumeId))
            head.GetPageRanges(0, MiB).ShouldBe([new(0, MiB, PageRangeKind.Allocated)], "the first run wrote this");
        return new Uri(accepted.Header("Azure-AsyncOperation")!).PathAndQuery;
    }

    private string RegionDirectory => _directory.File("data", "regions", World.Location);

    private static Task<ArmResponse> FinishAsync(RawArm arm, EmulatorProcess emulator, string status) => arm.FinishAsync(new ArmResponse(
        "", 202, new[] { new Uri(emulator.Http, status).AbsoluteUri }.ToLookup(_ => "Azure-AsyncOperation"), []));

    private static string Path(RawArm arm, string type) => $"{arm.Subscription}/resourceGroups/backup-test/providers/Microsoft.Compute/{type}/imported";

    private Task<EmulatorProcess> StartAsync() => EmulatorProcess.StartAsync(_directory.File("data"), $"--Emulator:ImportRoots:0={_server.Url}");

    private IReadOnlyList<VolumeDescription> Volumes()
    {
        using SnapshotStore store = SnapshotStore.Open(RegionDirectory, new SnapshotStoreOptions());
        return store.ListVolumes();
    }
}
