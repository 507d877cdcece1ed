using System.Buffers.Binary;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.Tests.Copies;
using RestorePoints.Emulator.Tests.Crash;
using RestorePoints.Emulator.Tests.PageBlobs;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.StateArchives;

/// <summary>The whole world as one file, and back in another server.</summary>
public sealed class StateArchiveTests(StateFixture servers, ITestOutputHelper output) : IClassFixture<StateFixture>
{
    private const int Mutations = 40;

    [Fact]
    public async Task An_archive_has_everything_that_survives_a_restart()
    {
        (RawArm here, RawArm there) = await servers.BeginAsync();
        (await here.CallAsync(HttpMethod.Post, "clock/freeze")).Expect(200);
        CopyWorld world = await CopyWorld.CreateAsync(here);
        RawBlob guest = await world.World.GuestAsync(world.DataDisk);
        string[] points = new string[3];
        for (int i = 0; i < points.Length; i++)
        {
            points[i] = World.DataDiskPoint(await world.World.PointAsync(world.Source, $"p{i}"), 0);
            await guest.WriteAsync(i << 20, World.Noise(10 + i, 8192));
            await guest.ClearAsync((8 + i) << 20, 1 << 20);
        }
        await world.CopyAsync("c0", world.SourcePoint("p0"));
        await world.CopyAsync("c2", world.SourcePoint("p2"));
        string clone = await world.World.RestoredDiskAsync("clone", points[1]);
        await (await world.World.GuestAsync(clone)).WriteAsync(4096, World.Noise(20, 4096));
        await world.World.SnapshotAsync("snapshot", world.OsDisk);
        await here.SucceedAsync(here.DeleteAsync(world.SourcePoint("p1")));
        await here.SucceedAsync(here.DeleteAsync(world.Copy("c0")));
        string revoked = await here.GrantAsync(points[2]);
        await here.RevokeAsync(points[2]);
        string older = await here.GrantAsync(points[0], seconds: 7200), newer = await here.GrantAsync(points[2], seconds: 86_400);
        IReadOnlyList<BlobRange> changes = await new RawBlob(here.Http, newer).DiffAsync(older);
        ArmResponse tagging = (await here.PatchAsync(clone, """{"tags":{"a":"1"}}""")).Expect(202);
        await here.FinishAsync(tagging);
        ArmResponse access = (await here.PostAsync($"{world.World.Snapshot("snapshot")}/beginGetAccess", """{"access":"Read","durationInSeconds":600}""")).Expect(202);
        await here.FinishAsync(access);
        await here.Http.AdvanceAsync(TimeSpan.FromHours(1));
        (await here.CallAsync(HttpMethod.Put, "regions/japaneast", """{"state":"Offline"}""")).Expect(200);
        string before = await here.PrintAsync(), clock = (await here.CallAsync(HttpMethod.Get, "clock")).Text;

        byte[] archive = await here.ExportAsync();
        (await here.PrintAsync()).ShouldBe(before, "an export changes nothing");
        (await there.ImportAsync(archive)).Expect(204);

        (await there.PrintAsync()).ShouldBe(before);
        (await there.CallAsync(HttpMethod.Get, "clock")).Text.ShouldBe(clock);
        (await there.CallAsync(HttpMethod.Get, "regions/japaneast"))["state"].ShouldBe("Offline");
        string Moved(string url) => PointKeeper.Rebase(url, servers.There.Http);
        (await new RawBlob(there.Http, Moved(newer)).DiffAsync(Moved(older))).ShouldBe(changes);
        using (HttpResponseMessage refused = await new RawBlob(there.Http, Moved(revoked)).SendAsync(HttpMethod.Get))
            await refused.ShouldFailAsync(403, "AuthenticationFailed");
        (await there.SendAsync(new HttpRequestMessage(HttpMethod.Get, Moved(tagging.Header("Azure-AsyncOperation")!)))).Expect(200)["status"].ShouldBe("Succeeded");
        string sas = (await there.SendAsync(new HttpRequestMessage(HttpMethod.Get, Moved(access.Header("Location")!)))).Expect(200)["accessSAS"]!;
        sas.ShouldStartWith(servers.There.Http.AbsoluteUri, Case.Sensitive, "the URLs of an imported world are those of its server");
        (await there.GuestAccessAsync(world.DataDisk)).ShouldBe(Moved(guest.Sas));
        (await new RawBlob(there.Http, Moved(guest.Sas)).ReadAsync(2 << 20, 8192)).ShouldBe(World.Noise(12, 8192));
        (await there.GrantAsync(points[2])).ShouldBe(Moved(newer), "the grant is extended, not made anew");

        // The world goes on: the next point, its difference, its copy, the end of a SAS.
        await there.Http.AdvanceAsync(TimeSpan.FromHours(1.5));
        using (HttpResponseMessage expired = await new RawBlob(there.Http, Moved(older)).SendAsync(HttpMethod.Get))
            await expired.ShouldFailAsync(403, "AuthenticationFailed");
        var next = new CopyWorld { World = await World.OfAsync(there), OsDisk = world.OsDisk, DataDisk = world.DataDisk, Source = world.Source, Copies = world.Copies };
        RawBlob moved = new(there.Http, Moved(guest.Sas));
        await moved.WriteAsync(0, World.Noise(30, 4096));
        string last = World.DataDiskPoint(await next.World.PointAsync(next.Source, "p3"), 0);
        (await new RawBlob(there.Http, await there.GrantAsync(last)).DiffAsync(await there.GrantAsync(points[2]))).Sum(range => range.Length)
            .ShouldBe(8192 + (1 << 20) + 4096, "what the guest wrote after p2, here and there");
        ArmResponse copy = await next.CopyAsync("c3", next.SourcePoint("p3"));
        (await there.HashAsync(World.DataDiskPoint(copy, 0))).ShouldBe(await there.HashAsync(last));
    }

    [Fact]
    public async Task An_operation_that_was_on_its_way_goes_on_in_the_imported_world()
    {
        (RawArm here, RawArm there) = await servers.BeginAsync();
        CopyWorld world = await CopyWorld.CreateAsync(here);
        await world.World.PointAsync(world.Source, "p");
        (await here.AddFaultAsync("\"type\":\"StallReplication\",\"percent\":37")).ShouldNotBeEmpty();
        await world.StartCopyAsync("c", world.SourcePoint("p"));
        (await there.ImportAsync(await here.ExportAsync())).Expect(204);
        var moved = new CopyWorld { World = await World.OfAsync(there), OsDisk = world.OsDisk, DataDisk = world.DataDisk, Source = world.Source, Copies = world.Copies };
        ArmResponse copy = await moved.CompletedAsync(moved.Copy("c"));
        copy["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/succeeded", "faults are of a server, not of its world");
        (await moved.World.DownloadAsync(World.DataDiskPoint(copy, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
    }

    /// <summary>A guest writes a number to a disk here, then the same to one in another region: whichever instant an archive has, the second follows the first by one at most.</summary>
    [Fact]
    public async Task An_export_under_writes_is_one_instant_of_all_regions()
    {
        const int exports = 6, slots = 64;
        (RawArm here, RawArm there) = await servers.BeginAsync();
        World world = await World.CreateAsync(here);
        RawBlob[] disks = [await world.GuestAsync(await world.EmptyDiskAsync("a")), await world.GuestAsync(await world.EmptyDiskAsync("b", location: "northeurope"))];
        using var stop = new CancellationTokenSource();
        long written = 0;
        Task writer = Task.Run(async () =>
        {
            byte[] sector = new byte[512];
            while (!stop.IsCancellationRequested)
            {
                BinaryPrimitives.WriteInt64LittleEndian(sector, Volatile.Read(ref written) + 1);
                foreach (RawBlob disk in disks)
                    await disk.WriteAsync(written % slots * 4096, sector);
                Interlocked.Increment(ref written);
            }
        }, TestContext.Current.CancellationToken);
        List<byte[]> archives = [];
        while (archives.Count < exports && !writer.IsCompleted)
        {
            long seen = Interlocked.Read(ref written);
            archives.Add(await here.ExportAsync());
            while (Interlocked.Read(ref written) < seen + 20 && !writer.IsCompleted)
                await Task.Yield();
        }
        await stop.CancelAsync();
        await writer;
        foreach (byte[] archive in archives)
        {
            await there.ResetAsync();
            (await there.ImportAsync(archive)).Expect(204);
            long[] latest = new long[2];
            for (int i = 0; i < disks.Length; i++)
            {
                byte[] content = await new RawBlob(there.Http, PointKeeper.Rebase(disks[i].Sas, servers.There.Http)).ReadAsync(0, slots * 4096);
                latest[i] = Enumerable.Range(0, slots).Max(slot => BinaryPrimitives.ReadInt64LittleEndian(content.AsSpan(slot * 4096)));
            }
            (latest[0] - latest[1]).ShouldBeInRange(0, 1, $"the first disk is at {latest[0]}, the second at {latest[1]}");
        }
        output.WriteLine($"{archives.Count} exports within {written} writes");
    }

    [Fact]
    public async Task Only_an_empty_world_takes_an_archive()
    {
        (RawArm here, RawArm there) = await servers.BeginAsync();
        await (await World.CreateAsync(here)).EmptyDiskAsync("d");
        byte[] archive = await here.ExportAsync();
        (await there.PutAsync($"{there.Subscription}/resourceGroups/mine", """{"location":"westeurope"}""")).Expect(201);
        ArmResponse refused = (await there.ImportAsync(archive)).Expect(409);
        (refused.ErrorCode, refused["error.message"]!.Contains("/emulator/reset", StringComparison.Ordinal)).ShouldBe(("Conflict", true));
        await there.SucceedAsync(there.DeleteAsync($"{there.Subscription}/resourceGroups/mine"));
        (await there.ImportAsync(archive)).Expect(409);
        await there.ResetAsync();
        (await there.ImportAsync(archive)).Expect(204);
        (await there.PrintAsync()).ShouldBe(await here.PrintAsync());
        (await there.ImportAsync(archive)).Expect(409);
        (await here.ImportAsync(archive)).Expect(409);
    }

    [Fact]
    public async Task A_disk_of_32_TiB_with_a_few_bytes_makes_a_small_archive()
    {
        (RawArm here, RawArm there) = await servers.BeginAsync();
        World world = await World.CreateAsync(here);
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("huge", gib: 32_767));
        long end = 32_767L << 30;
        await guest.WriteAsync(end - 4096, World.Noise(1, 4096));
        byte[] archive = await here.ExportAsync();
        archive.Length.ShouldBeLessThan(200_000);
        (await there.ImportAsync(archive)).Expect(204);
        RawBlob moved = new(there.Http, PointKeeper.Rebase(guest.Sas, servers.There.Http));
        (await moved.PageRangesAsync()).ShouldBe([new BlobRange(end - 4096, end, false)]);
        (await moved.ReadAsync(end - 4096, 4096)).ShouldBe(World.Noise(1, 4096));
    }

    [Fact]
    public async Task A_damaged_archive_is_refused_and_changes_nothing()
    {
        int seed = Seeds.Choose();
        var random = new Random(seed);
        (RawArm here, RawArm there) = await servers.BeginAsync();
        World world = await World.CreateAsync(here);
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        await guest.WriteAsync(0, World.Noise(1, 20_000 / 512 * 512));
        await world.PointAsync(await world.CollectionAsync("c", await world.VmAsync("vm", world.Disk("d"))), "p");
        await guest.WriteAsync(4096, World.Noise(2, 4096));
        byte[] archive = await here.ExportAsync(), tar = ArchiveFile.Inflate(archive);
        string whole = await here.PrintAsync();
        int harmless = 0;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] damaged;
            int kind = i % 4;
            if (kind == 0)
                damaged = archive[..random.Next(archive.Length)];
            else if (kind == 1)
                damaged = Flip(archive);
            else
                damaged = ArchiveFile.Deflate(kind == 2 ? Flip(tar) : tar[..random.Next(tar.Length)]);
            ArmResponse answer = await there.ImportAsync(damaged);
            string what = $"seed {seed}, mutation {i}: {answer.Text}";
            if (answer.Status == 204)
            {
                // A byte that says nothing: padding, a time.
                (await there.PrintAsync()).ShouldBe(whole, what);
                await there.ResetAsync();
                harmless++;
            }
            else
            {
                (answer.Status, answer.ErrorCode).ShouldBe((400, "InvalidStateArchive"), what);
                (await there.GetAsync($"{there.Subscription}/resourceGroups")).Expect(200).Count("value").ShouldBe(0, what);
            }
            Directory.GetDirectories(servers.There.DataDirectory, "archive-*").ShouldBeEmpty(what);
        }
        output.WriteLine($"seed {seed}: {Mutations} mutations, {harmless} of them without effect");
        harmless.ShouldBeLessThan(Mutations / 2);
        (await there.ImportAsync(archive)).Expect(204);
        (await there.PrintAsync()).ShouldBe(whole);

        byte[] Flip(byte[] bytes)
        {
            byte[] flipped = [.. bytes];
            flipped[random.Next(flipped.Length)] ^= (byte)(1 << random.Next(8));
            return flipped;
        }
    }

    [Fact]
    public async Task An_archive_of_another_format_or_with_foreign_members_is_refused_by_name()
    {
        (RawArm here, RawArm there) = await servers.BeginAsync();
        await (await World.CreateAsync(here)).EmptyDiskAsync("d");
        byte[] archive = await here.ExportAsync();
        ArchiveFile.Unpack(archive).Select(member => member.Name).ShouldBe([ArchiveFile.Manifest, "catalog.db", "regions/westeurope/index", "regions/westeurope/pages"]);
        await RefusedAsync(ArchiveFile.With(archive, ArchiveFile.Manifest, manifest => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(manifest).Replace("\"format\":1", "\"format\":2", StringComparison.Ordinal))), "format 2");
        await RefusedAsync(ArchiveFile.With(archive, "catalog.db", catalog => Changed(catalog, "INSERT INTO __EFMigrationsHistory VALUES ('99990101000000_Tomorrow', '99.0.0')")), "99990101000000_Tomorrow");
        await RefusedAsync(ArchiveFile.With(archive, "catalog.db", catalog => Changed(catalog, "ALTER TABLE Disks ADD COLUMN Extra TEXT")), "Disks");
        await RefusedAsync(ArchiveFile.With(archive, "catalog.db", catalog => Changed(catalog, "INSERT OR REPLACE INTO Settings (Name, Value) VALUES ('clock.offset', 'bogus')")), "damaged");
        await RefusedAsync(ArchiveFile.With(archive, "catalog.db", _ => [1, 2, 3]), "damaged");
        await RefusedAsync(ArchiveFile.With(archive, ArchiveFile.Manifest, manifest => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(manifest).Replace("westeurope", "../../evil", StringComparison.Ordinal))), "regions");
        await RefusedAsync(ArchiveFile.Pack([.. ArchiveFile.Unpack(archive).Select(member => (member.Name == "catalog.db" ? "../catalog.db" : member.Name, member.Content))]), "catalog.db is missing");
        await RefusedAsync(ArchiveFile.Pack([.. ArchiveFile.Unpack(archive), ("more", [1])]), "checksums.json is missing");
        await RefusedAsync(ArchiveFile.Pack([(ArchiveFile.Manifest, [])], System.Formats.Tar.TarEntryType.SymbolicLink), "manifest.json is missing");
        await RefusedAsync(ArchiveFile.With(archive, "regions/westeurope/pages", pages => [.. pages, .. new byte[4096]]), "pages");
        await RefusedAsync([], "");
        await RefusedAsync("not an archive"u8.ToArray(), "");
        (await there.ImportAsync(ArchiveFile.Pack(ArchiveFile.Unpack(archive)))).Expect(204);
        (await there.PrintAsync()).ShouldBe(await here.PrintAsync());

        async Task RefusedAsync(byte[] bad, string reason)
        {
            ArmResponse answer = (await there.ImportAsync(bad)).Expect(400);
            answer.ErrorCode.ShouldBe("InvalidStateArchive");
            answer["error.message"]!.ShouldContain(reason);
            (await there.PrintAsync()).ShouldBeEmpty(reason);
        }
    }

    [Fact]
    public async Task An_archive_whose_rows_promise_bytes_that_it_does_not_have_is_refused()
    {
        (RawArm here, RawArm there) = await servers.BeginAsync();
        World world = await World.CreateAsync(here);
        string disk = await world.EmptyDiskAsync("d");
        await (await world.GuestAsync(disk)).WriteAsync(0, World.Noise(1, 4096));
        await world.PointAsync(await world.CollectionAsync("c", await world.VmAsync("vm", disk)), "p");
        byte[] archive = await here.ExportAsync();
        byte[] withoutBytes = ArchiveFile.Pack([.. ArchiveFile.Unpack(archive).Where(member => !member.Name.StartsWith("regions/", StringComparison.Ordinal))
            .Select(member => (member.Name, member.Name == ArchiveFile.Manifest ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(member.Content).Replace("\"westeurope\"", "", StringComparison.Ordinal)) : member.Content))]);
        byte[] otherDisk = ArchiveFile.With(archive, "catalog.db", catalog => Changed(catalog, "UPDATE Disks SET Location = 'uksouth'"));
        byte[] otherPoint = ArchiveFile.With(archive, "catalog.db", catalog => Changed(catalog, "UPDATE DiskRestorePoints SET VolumeId = '00000000-0000-0000-0000-000000000001'"));
        foreach ((byte[] bad, string what) in ((byte[], string)[])[(withoutBytes, "/d: has no bytes"), (otherDisk, "/d: has no bytes"), (otherPoint, "disk restore point p/")])
        {
            ArmResponse answer = (await there.ImportAsync(bad)).Expect(400);
            answer["error.message"]!.ShouldContain(what);
            (await there.PrintAsync()).ShouldBeEmpty(what);
        }
        (await there.ImportAsync(archive)).Expect(204);
    }

    [Fact]
    public async Task An_archive_whose_rows_break_a_rule_leaves_neither_rows_nor_bytes()
    {
        (RawArm here, RawArm there) = await servers.BeginAsync();
        await (await (await World.CreateAsync(here)).GuestAsync(await (await World.OfAsync(here)).EmptyDiskAsync("d"))).WriteAsync(0, World.Noise(1, 4096));
        byte[] archive = await here.ExportAsync();
        byte[] twice = ArchiveFile.With(archive, "catalog.db", catalog => Changed(catalog,
            "CREATE TABLE Other AS SELECT * FROM Settings; INSERT INTO Other SELECT * FROM Settings; DROP TABLE Settings; ALTER TABLE Other RENAME TO Settings"));
        ArmResponse refused = (await there.ImportAsync(twice)).Expect(400);
        (refused.ErrorCode, refused["error.message"]!.Contains("Settings.Name", StringComparison.Ordinal)).ShouldBe(("InvalidStateArchive", true), refused.Text);
        ArchiveFile.Unpack(await there.ExportAsync()).Select(member => member.Name).ShouldBe([ArchiveFile.Manifest, "catalog.db"], "no region has bytes");
        (await there.ImportAsync(archive)).Expect(204);
        (await there.PrintAsync()).ShouldBe(await here.PrintAsync());
    }

    [Fact]
    public async Task The_key_of_tokens_is_in_no_archive_and_none_replaces_it()
    {
        (RawArm here, _) = await servers.BeginAsync();
        await (await World.CreateAsync(here)).EmptyDiskAsync("d");
        await TokenAsync(here.Http);
        byte[] archive = await here.ExportAsync();
        byte[] catalog = ArchiveFile.Unpack(archive).Single(member => member.Name == "catalog.db").Content;
        foreach (string trace in (string[])["identity.signingKey", "PRIVATE KEY"])
            catalog.AsSpan().IndexOf(Encoding.UTF8.GetBytes(trace)).ShouldBe(-1, trace);
        byte[] foreign = ArchiveFile.With(archive, "catalog.db", catalog => Changed(catalog, "INSERT INTO Settings (Name, Value) VALUES ('identity.signingKey', 'of another server')"));

        using var directory = new TemporaryDirectory();
        string[] settings = ["--Emulator:HttpsPort=0", "--Emulator:Authentication=Required"];
        string token;
        await using (EmulatorProcess server = await EmulatorProcess.StartAsync(directory.Path, settings))
        {
            using HttpClient http = EmulatorFixture.NewClient(server);
            token = await TokenAsync(http);
            (await new RawArm(http, Guid.NewGuid()).ImportAsync(foreign)).Expect(204);
            (await StatusAsync(http, token)).ShouldBe(HttpStatusCode.OK);
            (await StatusAsync(http, "another")).ShouldBe(HttpStatusCode.Unauthorized);
        }
        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path, settings);
        using HttpClient client = EmulatorFixture.NewClient(again);
        (await StatusAsync(client, token)).ShouldBe(HttpStatusCode.OK);

        static async Task<string> TokenAsync(HttpClient http)
        {
            using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["client_id"] = "app", ["grant_type"] = "client_credentials", ["scope"] = "https://management.azure.com/.default" });
            using HttpResponseMessage answer = await http.PostAsync("/common/oauth2/v2.0/token", form);
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["access_token"]!.ToString();
        }

        static async Task<HttpStatusCode> StatusAsync(HttpClient http, string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/subscriptions?api-version=2021-04-01");
            request.Headers.Authorization = new("Bearer", token);
            using HttpResponseMessage answer = await http.SendAsync(request);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task An_archive_of_an_older_catalog_is_migrated()
    {
        (RawArm here, RawArm there) = await servers.BeginAsync();
        byte[] empty = await here.ExportAsync();
        using var directory = new TemporaryDirectory();
        string path = directory.File("old.db");
        await using (var db = new EmulatorDbContext(new DbContextOptionsBuilder<EmulatorDbContext>().UseSqlite($"Data Source={path};Pooling=False").Options))
        {
            string[] known = [.. db.Database.GetMigrations()];
            known.Length.ShouldBeGreaterThan(1);
            await db.Database.MigrateAsync(known[0], TestContext.Current.CancellationToken);
        }
        byte[] old = Changed(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken), "INSERT INTO Settings (Name, Value) VALUES ('region.uksouth', 'Offline')");
        (await there.ImportAsync(ArchiveFile.With(empty, "catalog.db", _ => old))).Expect(204);
        (await there.CallAsync(HttpMethod.Get, "regions/uksouth"))["state"].ShouldBe("Offline");
        await (await World.CreateAsync(there)).EmptyDiskAsync("d");
    }

    [Fact]
    public async Task An_upload_that_is_cancelled_leaves_nothing()
    {
        (_, RawArm there) = await servers.BeginAsync();
        using var cancel = new CancellationTokenSource();
        var body = new StalledContent();
        Task<HttpResponseMessage> sending = there.Http.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/emulator/state/import") { Content = body }, cancel.Token);
        await body.Stalled;
        await UntilAsync(() => Directory.GetDirectories(servers.There.DataDirectory, "archive-*").Length > 0);
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(sending);
        await UntilAsync(() => Directory.GetDirectories(servers.There.DataDirectory, "archive-*").Length == 0);
        (await there.PrintAsync()).ShouldBeEmpty();
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static byte[] Changed(byte[] catalog, string sql)
    {
        using var directory = new TemporaryDirectory();
        string path = directory.File("catalog.db");
        File.WriteAllBytes(path, catalog);
        using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = $"PRAGMA journal_mode=DELETE; {sql}";
            command.ExecuteNonQuery();
        }
        return File.ReadAllBytes(path);
    }

    /// <summary>The beginning of an archive, then nothing.</summary>
    private sealed class StalledContent : HttpContent
    {
        private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Stalled => _stalled.Task;

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(new byte[100_000], cancellationToken);
            await stream.FlushAsync(cancellationToken);
            _stalled.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
