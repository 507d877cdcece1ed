using System.Net;
using Microsoft.Data.Sqlite;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class StartTests : IDisposable
{
    private readonly TemporaryDirectory _temp = new();
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_emulator_per_directory_and_no_stale_lock_after_a_kill()
    {
        await using StartedProgram first = StartedProgram.Start(_temp.Path);
        (await first.ReadLineAsync(Cancel)).ShouldNotBeNull().ShouldMatch($@"^RestorePoints is ready: http://127\.0\.0\.1:\d+ data={_temp.File(".restorepoints")} profile=Fast$");

        await using StartedProgram second = StartedProgram.Start(_temp.Path);
        (await second.ExitCodeAsync(Cancel)).ShouldBe(1);
        (await second.ReadLineAsync(Cancel)).ShouldBeNull();
        (await second.Errors).Trim().ShouldBe(
            $"RestorePoints cannot start: the data directory {_temp.File(".restorepoints")} is in use by another emulator. Stop that one, or give this one a directory of its own: --Emulator:DataDirectory=<path>.");

        await first.KillAsync();
        await using StartedProgram third = StartedProgram.Start(_temp.Path);
        (await third.ReadLineAsync(Cancel)).ShouldNotBeNull().ShouldStartWith("RestorePoints is ready: ");
    }

    [Fact]
    public async Task A_kill_in_the_middle_of_a_migration_stops_no_later_start()
    {
        string data = Directory.CreateDirectory(_temp.File(".restorepoints")).FullName;
        await using (var catalog = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(data, "catalog.db"), Pooling = false }.ToString()))
        {
            await catalog.OpenAsync(Cancel);
            await using SqliteCommand command = catalog.CreateCommand();
            command.CommandText = """CREATE TABLE "__EFMigrationsLock" ("Id" INTEGER NOT NULL PRIMARY KEY, "Timestamp" TEXT NOT NULL); INSERT INTO "__EFMigrationsLock" VALUES (1, '2026-01-01 00:00:00')""";
            await command.ExecuteNonQueryAsync(Cancel);
        }
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(1));

        await using StartedProgram process = StartedProgram.Start(_temp.Path);

        (await process.ReadLineAsync(limit.Token)).ShouldNotBeNull().ShouldStartWith("RestorePoints is ready: ");
    }

    [Fact]
    public async Task A_start_removes_what_an_import_left_and_nothing_else()
    {
        string data = _temp.File(".restorepoints"), left = Path.Combine(data, $"archive-{Guid.NewGuid():N}", "regions"), own = Path.Combine(data, "archive-2024", "photos");
        Directory.CreateDirectory(left);
        Directory.CreateDirectory(own);

        await using StartedProgram process = StartedProgram.Start(_temp.Path);

        (await process.ReadLineAsync(Cancel)).ShouldNotBeNull();
        Directory.Exists(Path.GetDirectoryName(left)).ShouldBeFalse();
        Directory.Exists(own).ShouldBeTrue();
    }

    [Fact]
    public async Task Settings_that_are_not_valid_end_the_start_with_a_message()
    {
        await using StartedProgram process = StartedProgram.Start(_temp.Path, "--Emulator:Limits:SasSeconds=-1");

        (await process.ExitCodeAsync(Cancel)).ShouldBe(1);
        (await process.Errors).Trim().ShouldBe("RestorePoints cannot start: Emulator:Limits:SasSeconds=-1 is not allowed; allowed are 0 (no limit) and more.");
        Directory.Exists(_temp.File(".restorepoints")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_port_in_use_ends_the_start_with_a_message()
    {
        await using FrontDoor door = await FrontDoor.StartAsync(_temp.File("other"));
        await using StartedProgram process = StartedProgram.Start(_temp.Path, $"--Emulator:HttpPort={door.Http.Port}");

        (await process.ExitCodeAsync(Cancel)).ShouldBe(1);
        (await process.Errors).Trim().ShouldStartWith($"RestorePoints cannot start: Emulator:HttpPort={door.Http.Port} cannot be had on localhost:");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_the_data_plane_only_failed_requests_are_told_unless_all_are_asked_for(bool all)
    {
        string[] arguments = all ? ["--Logging:LogLevel:RestorePoints.Emulator.PageBlobs=Debug"] : [];
        await using StartedProgram process = StartedProgram.Start(_temp.Path, arguments);
        string url = (await process.ReadLineAsync(Cancel))!.Split(' ').Single(part => part.StartsWith("http://", StringComparison.Ordinal));
        using var client = new HttpClient { BaseAddress = new Uri(url) };
        World world = await World.CreateAsync(new RawArm(client, Guid.NewGuid()));
        string access = await world.Arm.GuestAccessAsync(await world.EmptyDiskAsync("disk"));

        (await client.GetAsync(new Uri(access), Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.GetAsync(new Uri(access + "x"), Cancel)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        // A connection's next request is served when the line of the one before is written.
        await client.GetStringAsync(new Uri("/emulator/health", UriKind.Relative), Cancel);
        await process.KillAsync();

        string[] lines = [.. (await process.Errors).Split('\n').Where(line => line.Contains("/md-", StringComparison.Ordinal))];
        lines.Count(line => line.Contains(" 403 ", StringComparison.Ordinal)).ShouldBe(1);
        lines.Count(line => line.Contains(" 200 ", StringComparison.Ordinal)).ShouldBe(all ? 1 : 0);
        lines.ShouldAllBe(line => line.Contains("sig=[removed]"));
    }

    [Fact]
    public async Task Each_request_is_one_line_on_stderr_without_its_secrets()
    {
        await using StartedProgram process = StartedProgram.Start(_temp.Path);
        string url = (await process.ReadLineAsync(Cancel))!.Split(' ').Single(part => part.StartsWith("http://", StringComparison.Ordinal));
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Authorization = new("Bearer", "very.secret.token");

        (await client.GetStringAsync(new Uri($"{url}/emulator/health?si=g&sig=very%2Bsecret&x=1"), Cancel)).ShouldContain("Healthy");
        await process.KillAsync();

        string log = await process.Errors;
        log.ShouldContain("GET /emulator/health?si=g&sig=[removed]&x=1 200 ");
        log.ShouldNotContain("secret");
        log.Trim().Split('\n').Length.ShouldBe(1);
        (await process.ReadLineAsync(Cancel)).ShouldBeNull();
    }

    public void Dispose() => _temp.Dispose();
}
