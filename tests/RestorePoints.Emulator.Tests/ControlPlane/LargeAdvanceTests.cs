using System.Globalization;
using System.Text.Json.Nodes;
using System.Web;
using RestorePoints.Emulator.Tests.Copies;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>The clock jumps over the ends of many operations, and of what they start: everything happens at its own instant and in order, with the profile Azure.</summary>
public sealed class LargeAdvanceTests(OperationTimeTests.Server server) : IClassFixture<OperationTimeTests.Server>
{
    private const string WithInstantAccess = "2025-04-01";
    private const string NewestDisk = "2026-03-02";

    private static readonly TimeSpan Day = TimeSpan.FromDays(1), Hour = TimeSpan.FromHours(1);

    private readonly HttpClient _http = server.Http;
    private readonly Dictionary<string, ArmResponse> _accepted = [];
    private World _world = null!;
    private DateTimeOffset _start;

    private RawArm Arm => new(_http, SubscriptionOptions.DefaultId);

    [Fact]
    public async Task One_advance_of_a_day_has_the_results_of_many_small_ones()
    {
        List<string> one = await DayAsync([Day]);
        TimeSpan[] small = [.. Enumerable.Repeat(TimeSpan.FromSeconds(5), 30), .. Enumerable.Repeat(TimeSpan.FromMinutes(5), 30)];
        List<string> many = await DayAsync([.. small, Day - small.Aggregate((sum, next) => sum + next)]);
        one.ShouldBe(
        [
            "copy Succeeded  00:00:05.7000000",
            "creation elsewhere Succeeded  00:00:35.5000000",
            "instant Succeeded  00:05:00",
            "deallocation Succeeded  00:05:00",
            "snapshot Succeeded  00:00:00.7500000",
            "copied snapshot Succeeded  00:00:01.4000000",
            "access Succeeded  00:00:00.2500000",
            "copy is Succeeded ReplicationState/succeeded 100 100, its disk of -01:00:00",
            "elsewhere is Succeeded ReplicationState/succeeded 100 100, its disk of 00:00:35.5000000",
            "read as of 00:00:35.5000000",
            "instant Available 100, of 00:05:00",
            "snapshot Available 100.0",
            "copied snapshot Available 100.0",
            "access 403",
            "the machine is PowerState/deallocated since 00:05:00",
            "creations left 2, copies left 2",
        ]);
        many.ShouldBe(one);
    }

    [Fact]
    public async Task A_copy_fails_when_its_source_is_deleted_before_its_bytes_are_there_in_one_advance_too()
    {
        string source = await BeginAsync(), copy = World.Point(_world.Collection("copies"), "c");
        await AcceptAsync("copy", Arm.PutAsync(copy, CopyWorld.CopyBody(World.Point(source, "p"))));
        await _http.AdvanceAsync(TimeSpan.FromSeconds(6));
        await AcceptAsync("deletion", Arm.DeleteAsync(World.Point(source, "p")));
        await _http.AdvanceAsync(Day);
        (await EndAsync("copy")).ShouldBe("copy Succeeded  00:00:05.7000000");
        (await EndAsync("deletion")).ShouldBe("deletion Succeeded  00:00:16.1000000");
        (await Arm.GetAsync(World.Point(source, "p"))).Expect(404);
        (await Arm.GetAsync(copy))["properties.provisioningState"].ShouldBe("Failed");
    }

    [Fact]
    public async Task Operations_of_one_machine_end_in_their_order_within_one_advance()
    {
        string source = await BeginAsync();
        // The machine's operations run in turn, so each of these finds what the one before it left.
        await AcceptAsync("first", Arm.PutAsync(World.Point(source, "q"), "{}"));
        await AcceptAsync("second", Arm.PutAsync(World.Point(source, "r"), "{}"));
        await AcceptAsync("deletion", Arm.DeleteAsync(World.Point(source, "q")));
        await AcceptAsync("deletion of the failed", Arm.DeleteAsync(World.Point(source, "r")));
        await AcceptAsync("collection", Arm.DeleteAsync(_world.Collection("copies")));
        await _http.AdvanceAsync(Day);
        (await EndAsync("first")).ShouldBe("first Succeeded  00:00:35.5000000");
        (await EndAsync("second")).ShouldBe("second Failed VMRestorePointClientError 00:00:35.5000000");
        (await EndAsync("deletion")).ShouldBe("deletion Succeeded  00:00:35.5000000");
        (await EndAsync("deletion of the failed")).ShouldBe("deletion of the failed Succeeded  00:00:35.5000000");
        (await EndAsync("collection")).ShouldBe("collection Succeeded  00:00:00.0310000");
        foreach (string gone in (string[])[World.Point(source, "q"), World.Point(source, "r"), _world.Collection("copies")])
            (await Arm.GetAsync(gone)).Expect(404);
    }

    /// <summary>Everything is accepted at one instant; the results are what is seen a day later.</summary>
    private async Task<List<string>> DayAsync(TimeSpan[] advances)
    {
        string source = await SetUpAsync(), copies = _world.Collection("copies"), remote = _world.Collection("remote"), instant = await InstantMachineAsync();
        await SucceedAsync(Arm.PutAsync(_world.Snapshot("s"), World.SnapshotBody(_world.Disk("os"), ",\"incremental\":true")));
        await SucceedAsync(Arm.PutAsync(World.Point(source, "next-source"), "{}"));
        (await Arm.PutAsync(remote, CopyWorld.CollectionBody(_world.Vm("vm")))).Expect(201);
        await AdvanceToStartAsync();

        await AcceptAsync("copy", Arm.PutAsync(World.Point(copies, "c"), CopyWorld.CopyBody(World.Point(source, "p"))));
        await AcceptAsync("creation elsewhere", Arm.PutAsync(World.Point(remote, "q"), "{}"));
        await AcceptAsync("instant", Arm.SendAsync(HttpMethod.Put, World.Point(instant, "i"), """{"properties":{"instantAccessDurationMinutes":120}}""", apiVersion: WithInstantAccess));
        await AcceptAsync("deallocation", Arm.PostAsync($"{_world.Vm("instant-vm")}/deallocate"));
        await AcceptAsync("snapshot", Arm.PutAsync(_world.Snapshot("t"), World.SnapshotBody(_world.Disk("instant-data"), ",\"incremental\":true")));
        await AcceptAsync("copied snapshot", Arm.PutAsync(_world.Snapshot("cs"), SnapshotCopyWorld.Body(_world.Snapshot("s"))));
        await AcceptAsync("access", Arm.PostAsync($"{_world.Snapshot("s")}/beginGetAccess", """{"access":"Read","durationInSeconds":3600}"""));
        foreach (TimeSpan advance in advances)
            await _http.AdvanceAsync(advance);

        List<string> results = [];
        foreach (string name in _accepted.Keys)
            results.Add(await EndAsync(name));
        results.Add($"copy is {await CopyAsync(World.Point(copies, "c"))}");
        results.Add($"elsewhere is {await CopyAsync(World.Point(remote, "q"))}");
        string url = await SasAsync(World.OsDiskPoint(await Arm.GetAsync(World.Point(remote, "q"))));
        results.Add($"read as of {Since(HttpUtility.ParseQueryString(new Uri(url).Query)["snapshot"])}");
        ArmResponse point = (await Arm.SendAsync(HttpMethod.Get, World.Point(instant, "i"), query: "$expand=instanceView", apiVersion: WithInstantAccess)).Expect(200);
        JsonNode disk = point.Node("properties.instanceView.diskRestorePoints.0")!;
        results.Add($"instant {disk["snapshotAccessState"]} {disk["replicationStatus"]!["completionPercent"]}, of {await TimeCreatedAsync(World.DataDiskPoint(point, 0))}");
        results.Add($"snapshot {await SnapshotAsync("t")}");
        results.Add($"copied snapshot {await SnapshotAsync("cs")}");
        string expired = (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, _accepted["access"].Header("Location")))).Expect(200)["accessSAS"]!;
        using (HttpResponseMessage head = await new RawBlob(_http, expired).SendAsync(HttpMethod.Head))
            results.Add($"access {(int)head.StatusCode}");
        ArmResponse vm = (await Arm.GetAsync($"{_world.Vm("instant-vm")}/instanceView")).Expect(200);
        results.Add($"the machine is {vm["statuses.1.code"]} since {Since(vm["statuses.0.time"])}");
        string creations = Left(await Arm.PutAsync(World.Point(source, "next"), "{}")), left = Left(await Arm.PutAsync(World.Point(copies, "next"), CopyWorld.CopyBody(World.Point(source, "next-source"))));
        results.Add($"creations left {creations}, copies left {left}");
        return results;
    }

    private async Task<string> BeginAsync()
    {
        string source = await SetUpAsync();
        await AdvanceToStartAsync();
        return source;
    }

    /// <summary>A new world with a machine, a collection of it that has the restore point p, made an hour before the start, and a collection for its copies.</summary>
    /// <returns>The collection.</returns>
    private async Task<string> SetUpAsync()
    {
        (await _http.PostAsync("/emulator/reset", null)).EnsureSuccessStatusCode();
        await _http.FreezeClockAsync();
        _accepted.Clear();
        _world = await World.CreateAsync(Arm);
        foreach (string disk in (string[])["os", "data"])
            await SucceedAsync(Arm.PutAsync(_world.Disk(disk), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")));
        await SucceedAsync(Arm.PutAsync(_world.Vm("vm"), _world.VmBody(_world.Disk("os"), _world.Disk("data"))));
        string source = await _world.CollectionAsync("source", _world.Vm("vm"));
        (await Arm.PutAsync(_world.Collection("copies"), CopyWorld.CollectionBody(source))).Expect(201);
        await SucceedAsync(Arm.PutAsync(World.Point(source, "p"), "{}"));
        string point = World.OsDiskPoint(await Arm.GetAsync(World.Point(source, "p")));
        _start = Parse((await Arm.GetAsync(point))["properties.timeCreated"]) + Hour;
        return source;
    }

    /// <summary>A machine with a Premium SSD v2 data disk.</summary>
    /// <returns>A collection of it with instant access.</returns>
    private async Task<string> InstantMachineAsync()
    {
        (await Arm.PostAsync($"{Arm.Subscription}/providers/Microsoft.Features/providers/Microsoft.Compute/features/AppConsistentInstantAccessSnapshotForDirectDriveDisks/register")).Expect(200);
        await SucceedAsync(Arm.PutAsync(_world.Disk("instant-os"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")));
        await SucceedAsync(Arm.PutAsync(_world.Disk("instant-data"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":4").Replace("Premium_LRS", "PremiumV2_LRS", StringComparison.Ordinal)));
        await SucceedAsync(Arm.PutAsync(_world.Vm("instant-vm"), _world.VmBody(_world.Disk("instant-os"), _world.Disk("instant-data"))));
        string body = $$$"""{"location":"{{{World.Location}}}","properties":{"source":{"id":"{{{_world.Vm("instant-vm")}}}"},"instantAccess":true}}""";
        (await Arm.SendAsync(HttpMethod.Put, _world.Collection("instant"), body, apiVersion: WithInstantAccess)).Expect(201);
        return _world.Collection("instant");
    }

    private async Task AcceptAsync(string name, Task<ArmResponse> call)
    {
        ArmResponse accepted = await call;
        accepted.Expect(200, 201, 202).Header("Azure-AsyncOperation").ShouldNotBeNull(accepted.Request);
        _accepted.Add(name, accepted);
    }

    private async Task SucceedAsync(Task<ArmResponse> call)
    {
        ArmResponse accepted = (await call).Expect(200, 201, 202);
        await _http.AdvanceAsync(TimeSpan.FromMinutes(2));
        ArmResponse final = await PollAsync(accepted);
        final["status"].ShouldBe("Succeeded", $"{accepted.Request}: {final.Text}");
    }

    /// <summary>How an operation ended, and when.</summary>
    private async Task<string> EndAsync(string name)
    {
        ArmResponse final = await PollAsync(_accepted[name]);
        return $"{name} {final["status"]} {final["error.code"]} {(final["endTime"] is { } end ? Since(end) : null)}";
    }

    private async Task<string> CopyAsync(string path)
    {
        ArmResponse point = (await Arm.GetAsync(path, "$expand=instanceView")).Expect(200);
        JsonArray disks = point.Node("properties.instanceView.diskRestorePoints") as JsonArray ?? [];
        return $"{point["properties.provisioningState"]} {point["properties.instanceView.statuses.0.code"]} {string.Join(' ', disks.Select(disk => disk!["replicationStatus"]!["completionPercent"]))}, "
            + $"its disk of {await TimeCreatedAsync(World.OsDiskPoint(point))}";
    }

    private async Task<string> SnapshotAsync(string name)
    {
        ArmResponse shown = (await Arm.SendAsync(HttpMethod.Get, _world.Snapshot(name), apiVersion: NewestDisk)).Expect(200);
        return $"{shown["properties.snapshotAccessState"]} {shown["properties.completionPercent"]}";
    }

    private async Task<string> TimeCreatedAsync(string diskRestorePoint) => Since((await Arm.GetAsync(diskRestorePoint)).Expect(200)["properties.timeCreated"]);

    private async Task<string> SasAsync(string diskRestorePoint)
    {
        ArmResponse accepted = (await Arm.PostAsync($"{diskRestorePoint}/beginGetAccess", """{"access":"Read","durationInSeconds":3600}""")).Expect(202);
        await _http.AdvanceAsync(TimeSpan.FromSeconds(1));
        return (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Location")))).Expect(200)["accessSAS"]!;
    }

    private Task<ArmResponse> PollAsync(ArmResponse accepted) => Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Azure-AsyncOperation")));

    private async Task AdvanceToStartAsync()
    {
        TimeSpan left = _start - Parse((await Arm.CallAsync(HttpMethod.Get, "clock"))["utcNow"]);
        left.ShouldBeGreaterThan(TimeSpan.Zero);
        await _http.AdvanceAsync(left);
    }

    private string Since(string? time) => (Parse(time) - _start).ToString("c", CultureInfo.InvariantCulture);

    private static DateTimeOffset Parse(string? time) => DateTimeOffset.Parse(time!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    /// <summary>How many calls of the kind the hour has left.</summary>
    private static string Left(ArmResponse answer) => answer.Expect(201).Header("x-ms-ratelimit-remaining-resource")!.Split(';')[^1];
}
