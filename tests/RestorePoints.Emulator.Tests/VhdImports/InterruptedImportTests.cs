using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.VhdImports;

/// <summary>An import in whose middle the server is killed, and what the next start makes of it.</summary>
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
        Volumes().ShouldHaveSingleItem().HasHead.ShouldBeTrue("the first run wrote something");

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

    /// <returns>Path and query of the operation's URL.</returns>
    private async Task<string> KillInTheMiddleAsync(string type, byte[] content)
    {
        await using var held = new HeldAnswer(ImportTests.Vhd(content));
        _server.Serve("/source.vhd", held.AnswerAsync);
        await using EmulatorProcess emulator = await StartAsync();
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, _subscription));
        ArmResponse accepted = (await world.Arm.PutAsync(Path(world.Arm, type), ImportTests.Body(_server.Url + "/source.vhd"))).Expect(202);
        await held.HalfSent;
        // A poll waits at the server: by then the first pages are in the engine.
        while (!Directory.Exists(_directory.File("data", "regions", World.Location)))
            (await world.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Azure-AsyncOperation"))))["status"].ShouldBe("InProgress");
        (await world.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Azure-AsyncOperation"))))["status"].ShouldBe("InProgress");
        await emulator.KillAsync();
        return new Uri(accepted.Header("Azure-AsyncOperation")!).PathAndQuery;
    }

    private static Task<ArmResponse> FinishAsync(RawArm arm, EmulatorProcess emulator, string status) => arm.FinishAsync(new ArmResponse(
        "", 202, new[] { new Uri(emulator.Http, status).AbsoluteUri }.ToLookup(_ => "Azure-AsyncOperation"), []));

    private static string Path(RawArm arm, string type) => $"{arm.Subscription}/resourceGroups/backup-test/providers/Microsoft.Compute/{type}/imported";

    private Task<EmulatorProcess> StartAsync() => EmulatorProcess.StartAsync(_directory.File("data"), $"--Emulator:ImportRoots:0={_server.Url}");

    private IReadOnlyList<VolumeDescription> Volumes()
    {
        using SnapshotStore store = SnapshotStore.Open(_directory.File("data", "regions", World.Location), new SnapshotStoreOptions());
        return store.ListVolumes();
    }
}
