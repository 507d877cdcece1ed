using Microsoft.Data.Sqlite;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Crash;

/// <summary>The server is killed right after it has accepted snapshots; the next start ends them.</summary>
public sealed class SnapshotKillTests
{
    private const int Rounds = 5;
    private const int PageBytes = 4096;

    /// <summary>Accepted side by side, right before the kill.</summary>
    private const int Concurrent = 4;

    [Fact]
    public async Task Accepted_snapshots_end_after_a_kill_with_the_bytes_that_were_there_before()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        var expected = new Dictionary<string, byte[]>();
        string guestUrl = "", disk = "";
        byte[] content = new byte[Rounds * PageBytes];
        long interrupted = 0;
        for (int round = 0; round <= Rounds; round++)
        {
            await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:HttpsPort=0");
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            var arm = new RawArm(http, subscription);
            if (round == 0)
            {
                disk = await (await World.CreateAsync(arm)).EmptyDiskAsync("disk");
                guestUrl = await arm.GuestAccessAsync(disk);
            }
            foreach ((string snapshot, byte[] bytes) in expected)
            {
                // A status call waits at the server; each of these snapshots was accepted, so it must end well.
                await EndAsync(arm, snapshot);
                RawBlob blob = new(http, await arm.GrantAsync(snapshot));
                (await blob.ReadAsync(0, bytes.Length)).ShouldBe(bytes, $"round {round}: {snapshot}");
                await arm.RevokeAsync(snapshot);
            }
            if (round == Rounds)
                break;

            World.Noise(round, PageBytes).CopyTo(content, round * PageBytes);
            await new RawBlob(http, PointKeeper.Rebase(guestUrl, emulator.Http)).WriteAsync(0, content);
            string[] names = [$"full-{round}", $"increment-{round}", $"copy-{round}"];
            foreach (string name in names)
            {
                string path = disk.Replace("/disks/disk", $"/snapshots/{name}");
                string source = name.StartsWith("copy", StringComparison.Ordinal) ? disk.Replace("/disks/disk", $"/snapshots/increment-{round}") : disk;
                (await arm.PutAsync(path, World.SnapshotBody(source, name.StartsWith("increment", StringComparison.Ordinal) ? ",\"incremental\":true" : ""))).Expect(202);
                expected[path] = [.. content];
            }
            string[] last = [.. Enumerable.Range(0, Concurrent).Select(i => disk.Replace("/disks/disk", $"/snapshots/last-{round}-{i}"))];
            await Task.WhenAll(last.Select(async path => (await arm.PutAsync(path, World.SnapshotBody(disk, ",\"incremental\":true"))).Expect(202)));
            await emulator.KillAsync();
            foreach (string path in last)
                expected[path] = [.. content];
            interrupted += CountInProgress(directory.Path);
        }
        expected.Count.ShouldBe((3 + Concurrent) * Rounds);
        interrupted.ShouldBeGreaterThan(0, "no kill met an operation that had not ended");
        TestContext.Current.TestOutputHelper?.WriteLine($"{interrupted} operations were interrupted.");
    }

    private static long CountInProgress(string directory)
    {
        using var catalog = new SqliteConnection($"Data Source={Path.Combine(directory, "catalog.db")};Pooling=False");
        catalog.Open();
        using SqliteCommand command = catalog.CreateCommand();
        command.CommandText = "SELECT count(*) FROM Operations WHERE Status = 'InProgress'";
        return (long)command.ExecuteScalar()!;
    }

    private static async Task EndAsync(RawArm arm, string snapshot)
    {
        // The update waits its turn behind the creation.
        await arm.SucceedAsync(arm.PatchAsync(snapshot, """{"tags":{"checked":"yes"}}"""));
        (await arm.GetAsync(snapshot)).Expect(200)["properties.provisioningState"].ShouldBe("Succeeded");
    }
}
