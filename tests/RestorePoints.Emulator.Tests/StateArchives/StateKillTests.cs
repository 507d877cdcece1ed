using RestorePoints.Emulator.Tests.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.StateArchives;

/// <summary>
/// The server is killed with SIGKILL while it takes in an archive: by a call, at start, and by a reset. What the next start finds is the world of before or that of the archive.
/// </summary>
public sealed class StateKillTests(ITestOutputHelper output)
{
    private const int Rounds = 6;

    private enum Way
    {
        Import,
        Seed,
        Reset,
    }

    /// <summary>What can be seen of an import in the data directory, in the order in which it comes.</summary>
    private static readonly string[] s_moments = ["archive-*", "archive-*/catalog.db", "archive-*/regions/*/segment-*", "archive-*/regions/*/lock", "archive-*/replaced", "regions/westeurope/segment-*"];

    [Fact]
    public async Task A_kill_leaves_the_world_of_before_or_that_of_the_archive()
    {
        int seed = Seeds.Choose(), before = 0, after = 0;
        var random = new Random(seed);
        Guid subscription = Guid.NewGuid();
        using var directory = new TemporaryDirectory();
        string archive = directory.File("seed.tar.gz"), moment = "";
        string whole = await MakeAsync(archive, directory.File("source"), subscription);
        try
        {
            for (int round = 0; round < Rounds; round++)
            {
                var way = (Way)(round % 3);
                string data = directory.File($"data{round}");
                string seen = s_moments[random.Next(s_moments.Length)];
                int later = random.Next(3) * random.Next(2000);
                moment = $"round {round}, {way}, {later} looks after {seen}";
                string was = await InterruptAsync(way, data, archive, subscription, seen, later);

                await using EmulatorProcess again = await EmulatorProcess.StartAsync(data, [.. Settings(way, archive)]);
                using HttpClient http = EmulatorFixture.NewClient(again);
                var arm = new RawArm(http, subscription);
                string now = await arm.PrintAsync();
                if (way == Way.Seed)
                    now.ShouldBe(whole, "a start that was killed is made up for by the next");
                else if (now != whole)
                    now.ShouldBe(was);
                (before, after) = now == whole ? (before, after + 1) : (before + 1, after);
                Directory.GetDirectories(data, "archive-*").ShouldBeEmpty();
                if (way == Way.Import && now != whole)
                {
                    (await arm.ImportAsync(await File.ReadAllBytesAsync(archive, TestContext.Current.CancellationToken))).Expect(204);
                    (await arm.PrintAsync()).ShouldBe(whole);
                }
            }
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"Seed {seed}, {moment}: {exception.Message}", exception);
        }
        output.WriteLine($"seed {seed}: {Rounds} kills, the world was that of before after {before} of them and that of the archive after {after}");
    }

    private static IEnumerable<string> Settings(Way way, string archive) => way == Way.Import ? ["--Emulator:HttpsPort=0"] : ["--Emulator:HttpsPort=0", $"--Emulator:Seed={archive}"];

    /// <returns>The world of before.</returns>
    private static async Task<string> InterruptAsync(Way way, string data, string archive, Guid subscription, string seen, int later)
    {
        if (way == Way.Seed)
        {
            await using StartedProgram program = StartedProgram.Start(Path.GetTempPath(), [$"--Emulator:DataDirectory={data}", .. Settings(way, archive)]);
            await WatchAsync(data, seen, later, program.ReadLineAsync(CancellationToken.None));
            await program.KillAsync();
            return "";
        }

        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(data, [.. Settings(way, archive)]);
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        var arm = new RawArm(http, subscription);
        if (way == Way.Reset)
            (await arm.PutAsync($"{arm.Subscription}/resourceGroups/since", """{"location":"westeurope"}""")).Expect(201);
        string was = await arm.PrintAsync();
        Task call = way == Way.Reset ? arm.ResetAsync() : arm.ImportAsync(await File.ReadAllBytesAsync(archive));
        await WatchAsync(data, seen, later, call);
        await emulator.KillAsync();
        try
        {
            await call;
        }
        catch (Exception exception) when (exception is HttpRequestException { StatusCode: null } or IOException)
        {
            // The kill came first.
        }
        return was;
    }

    /// <summary>Looks into the data directory until the moment has come, and so many times more; not longer than the import.</summary>
    private static async Task WatchAsync(string data, string seen, int later, Task import)
    {
        while (!import.IsCompleted && !Exists(data, seen))
            await Task.Yield();
        for (int look = 0; look < later && !import.IsCompleted; look++)
        {
            Exists(data, seen);
            await Task.Yield();
        }
    }

    /// <param name="pattern">With wildcards in each part.</param>
    private static bool Exists(string directory, string pattern)
    {
        int slash = pattern.IndexOf('/', StringComparison.Ordinal);
        try
        {
            return slash < 0
                ? Directory.EnumerateFileSystemEntries(directory, pattern).Any()
                : Directory.EnumerateDirectories(directory, pattern[..slash]).Any(below => Exists(below, pattern[(slash + 1)..]));
        }
        catch (DirectoryNotFoundException)
        {
            return false;
        }
    }

    /// <returns>What the archive holds.</returns>
    private static async Task<string> MakeAsync(string archive, string data, Guid subscription)
    {
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(data, "--Emulator:HttpsPort=0");
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, subscription));
        string disk = await world.UploadDiskAsync("d", World.Noise(1, (int)World.UploadBytes));
        await world.PointAsync(await world.CollectionAsync("c", await world.VmAsync("vm", disk)), "p");
        await (await world.GuestAsync(disk)).WriteAsync(0, World.Noise(2, 4096));
        await File.WriteAllBytesAsync(archive, await world.Arm.ExportAsync());
        return await world.Arm.PrintAsync();
    }
}
