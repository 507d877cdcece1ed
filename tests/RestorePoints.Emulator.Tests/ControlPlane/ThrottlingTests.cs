using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Three restore points per machine, mode and hour with <c>Throttling=On</c>; counted, and not refused, with <c>Off</c>.</summary>
public sealed class ThrottlingTests(EmulatorFixture fixture)
{
    private const string Crash = """{"properties":{"consistencyMode":"CrashConsistent"}}""";

    [Fact]
    public async Task A_fourth_point_of_one_mode_in_an_hour_is_refused_and_the_clock_moves_the_window()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        string collection, second;
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:Throttling=On"))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            await http.FreezeClockAsync();
            World world = await World.CreateAsync(new RawArm(http, subscription));
            string vm = await world.VmAsync("vm", await world.EmptyDiskAsync("os"));
            collection = await world.CollectionAsync("c", vm);
            second = await world.CollectionAsync("second", vm);
            (await CreateAsync(world, World.Point(collection, "a1"), "{}")).ShouldEndWith("CreateApplicationConsistentRestorePoint;2");
            await http.AdvanceAsync(TimeSpan.FromMinutes(20));
            (await CreateAsync(world, World.Point(second, "a2"), "{}")).ShouldEndWith("CreateApplicationConsistentRestorePoint;1");
            (await CreateAsync(world, World.Point(collection, "a3"), "{}")).ShouldEndWith("CreateApplicationConsistentRestorePoint;0");
            (await world.Arm.PutAsync(World.Point(collection, "a3"), "{}")).Expect(201);
            await ShouldBeThrottledAsync(world.Arm, World.Point(second, "a4"), "{}", "CreateApplicationConsistentRestorePoint", 2400);

            (await CreateAsync(world, World.Point(collection, "c1"), Crash)).ShouldEndWith("CreateCrashConsistentRestorePoint;2");
            await CreateAsync(world, World.Point(collection, "c2"), Crash);
            await CreateAsync(world, World.Point(collection, "c3"), Crash);
            await ShouldBeThrottledAsync(world.Arm, World.Point(collection, "c4"), Crash, "CreateCrashConsistentRestorePoint", 3600);

            string other = await world.CollectionAsync("other", await world.VmAsync("vm2", await world.EmptyDiskAsync("os2")));
            await CreateAsync(world, World.Point(other, "p"), "{}");
            await world.Arm.SucceedAsync(world.Arm.DeleteAsync(World.Point(collection, "a1")));
            await emulator.KillAsync();
        }
        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:Throttling=On");
        using HttpClient client = EmulatorFixture.NewClient(again);
        var arm = new RawArm(client, subscription);
        await ShouldBeThrottledAsync(arm, World.Point(collection, "a4"), "{}", "CreateApplicationConsistentRestorePoint", 2400);
        await client.AdvanceAsync(TimeSpan.FromMinutes(40) - TimeSpan.FromSeconds(1));
        await ShouldBeThrottledAsync(arm, World.Point(collection, "a4"), "{}", "CreateApplicationConsistentRestorePoint", 1);
        await client.AdvanceAsync(TimeSpan.FromSeconds(1));
        await arm.SucceedAsync(arm.PutAsync(World.Point(collection, "a4"), "{}"));
        await ShouldBeThrottledAsync(arm, World.Point(collection, "a5"), "{}", "CreateApplicationConsistentRestorePoint", 1200);
    }

    [Fact]
    public async Task Without_throttling_the_header_counts_down_and_nothing_is_refused()
    {
        World world = await World.CreateAsync(fixture);
        string collection = await world.CollectionAsync("c", await world.VmAsync("vm", await world.EmptyDiskAsync("os")));
        foreach (int left in new[] { 2, 1, 0, 0, 0 })
            (await CreateAsync(world, World.Point(collection, $"p{Guid.NewGuid():N}"), "{}")).ShouldEndWith($"CreateApplicationConsistentRestorePoint;{left}");
    }

    private static async Task<string> CreateAsync(World world, string point, string body)
    {
        ArmResponse accepted = (await world.Arm.PutAsync(point, body)).Expect(201);
        (await world.Arm.FinishAsync(accepted))["status"].ShouldBe("Succeeded");
        return accepted.Header("x-ms-ratelimit-remaining-resource")!;
    }

    private static async Task ShouldBeThrottledAsync(RawArm arm, string point, string body, string policy, int seconds)
    {
        ArmResponse refused = await arm.PutAsync(point, body);
        NotFoundTests.Check(refused, 429, "TooManyRequests", $"The request is being throttled as the limit has been reached for operation '{policy}'. Please try again after '{seconds}' seconds.");
        refused.Header("Retry-After").ShouldBe(seconds.ToString());
        refused.Header("x-ms-ratelimit-remaining-resource")!.ShouldEndWith($"Microsoft.Compute/{policy};0");
        (await arm.GetAsync(point)).Expect(404);
    }
}
