using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Crash;

/// <summary>The server is killed with SIGKILL again and again, on one data directory, while guests write and restore points come and go.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int Rounds = 50;
    private const int Writers = 3;

    [Fact]
    public async Task No_acknowledged_write_is_lost_and_every_point_stays_whole_and_every_operation_ends()
    {
        int seed = Seeds.Choose();
        var random = new Random(seed);
        using var directory = new TemporaryDirectory();
        GuestWriter[] writers = [.. Enumerable.Range(0, Writers).Select(number => new GuestWriter(number, random.Next()))];
        var keeper = new PointKeeper(writers);
        Guid subscription = Guid.NewGuid();
        string collection = "", moment = "";
        string[] guests = [];
        int torn = 0;
        try
        {
            for (int round = 0; round <= Rounds; round++)
            {
                await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:HttpsPort=0");
                using HttpClient http = EmulatorFixture.NewClient(emulator);
                var arm = new RawArm(http, subscription);
                if (round == 0)
                    (collection, guests) = await ProtectAsync(arm);

                RawBlob[] disks = [.. guests.Select(guest => new RawBlob(http, PointKeeper.Rebase(guest, emulator.Http)))];
                byte[][] live = await Task.WhenAll(disks.Select(disk => disk.ReadAsync(0, Writers * GuestWriter.AreaBytes)));
                await keeper.VerifyAsync(arm, collection, live);
                torn += writers.Sum(writer => writer.VerifyLive(live) > 0 ? 1 : 0);
                if (round == Rounds)
                    break;

                var trigger = new KillTrigger((KillMoment)random.Next(5), random.Next(1, 4), random.Next(random.Next(2) == 0 ? 3 : 200));
                moment = $"round {round}: {trigger}";
                Task[] work = [.. writers.Select(writer => UntilKilledAsync(writer.RunAsync(disks, trigger.Acknowledged), trigger)), UntilKilledAsync(keeper.RunAsync(arm, collection, trigger), trigger)];
                await Task.WhenAny([trigger.Fired, .. work]);
                await emulator.KillAsync();
                await Task.WhenAll(work);
            }
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"Seed {seed}, {moment}: {exception.Message}", exception);
        }
        output.WriteLine($"seed {seed}: {Rounds} kills, {writers.Sum(writer => writer.Issued)} writes, {keeper.Interrupted} points interrupted, {keeper.Verified} points read again, {torn} unacknowledged writes found done");
        keeper.Interrupted.ShouldBeGreaterThan(Rounds / 10, "the kills hit the creation of points");
        keeper.Verified.ShouldBeGreaterThan(Rounds, "finished points were read again after kills");
    }

    private static async Task<(string Collection, string[] Guests)> ProtectAsync(RawArm arm)
    {
        World world = await World.CreateAsync(arm);
        string os = await world.EmptyDiskAsync("os"), data = await world.EmptyDiskAsync("data");
        string collection = await world.CollectionAsync("c", await world.VmAsync("vm", os, data));
        return (collection, [await arm.GuestAccessAsync(os), await arm.GuestAccessAsync(data)]);
    }

    /// <summary>A broken connection after the kill is the expected end; anything before it is a failure.</summary>
    private static async Task UntilKilledAsync(Task work, KillTrigger trigger)
    {
        try
        {
            await work;
        }
        catch (Exception exception) when (trigger.Fired.IsCompleted && exception is HttpRequestException { StatusCode: null } or IOException)
        {
        }
    }
}
