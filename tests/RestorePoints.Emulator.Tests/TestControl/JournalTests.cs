using System.Text.Json.Nodes;
using RestorePoints.Emulator.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.TestControl;

public sealed class JournalTests(EmulatorFixture fixture)
{
    [Fact]
    public async Task A_request_of_ARM_is_in_the_journal_with_what_it_asked_and_got()
    {
        World world = await World.CreateAsync(fixture);
        ArmResponse accepted = (await world.Arm.PutAsync(world.Disk("d"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1"))).Expect(202);
        await world.Arm.FinishAsync(accepted);
        (await world.Arm.GetAsync(world.Disk("absent"))).Expect(404);
        (await world.Arm.SendAsync(HttpMethod.Get, world.Disk("d"), apiVersion: "soon")).Expect(400);
        (await world.Arm.SendAsync(HttpMethod.Head, world.Disk("d"))).Expect(204);

        List<JsonObject> journal = await world.Arm.JournalAsync();

        journal.Select(entry => $"{entry["method"]} {entry["status"]} {entry["operation"]} {entry["apiVersion"]}").Where(line => !line.StartsWith("GET 200  ", StringComparison.Ordinal)).ShouldBe(
        [
            $"PUT 201  {RawArm.GroupVersion}",
            $"PUT 202 Disks_CreateOrUpdate {RawArm.DiskVersion}",
            $"GET 404 Disks_Get {RawArm.DiskVersion}",
            "GET 400 Disks_Get soon",
            $"HEAD 204 Disks_Get {RawArm.DiskVersion}",
        ]);
        journal.Select(entry => entry["seq"]!.GetValue<long>()).ShouldBe(journal.Select(entry => entry["seq"]!.GetValue<long>()).Order());
        JsonObject put = journal[1];
        string.Join(' ', put.Select(member => member.Key)).ShouldBe("seq time method path apiVersion operation status durationMs operationId faultId requestId");
        put.Text("path").ShouldBe(world.Disk("d"));
        accepted.Header("Azure-AsyncOperation")!.ShouldContain(put.Text("operationId")!);
        put.Text("requestId").ShouldBe(accepted.Header("x-ms-request-id"));
        put["faultId"].ShouldBeNull();
        put["durationMs"]!.GetValue<double>().ShouldBeGreaterThan(0);
        put.Text("time")!.ShouldEndWith("Z");
        journal.Where(entry => entry.Text("path")!.Contains("/DiskOperations/", StringComparison.Ordinal)).ShouldAllBe(poll => poll.Text("operationId") == put.Text("operationId"));
    }

    [Fact]
    public async Task A_request_of_the_data_plane_is_in_the_journal_without_its_signature()
    {
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("d");
        RawBlob guest = await world.GuestAsync(disk);
        await guest.WriteAsync(0, new byte[512]);
        await guest.ClearAsync(0, 512);
        await guest.ReadAsync(0, 512);
        await guest.LengthAsync();
        await guest.PageRangesAsync();
        using (HttpResponseMessage refused = await world.Blob($"{guest.Sas}x").SendAsync(HttpMethod.Get))
            ((int)refused.StatusCode).ShouldBe(403);
        using (HttpResponseMessage unsupported = await guest.SendAsync(HttpMethod.Delete))
            ((int)unsupported.StatusCode).ShouldBe(405);

        ArmResponse answer = (await world.Arm.CallAsync(HttpMethod.Get, $"journal?path={new Uri(guest.Sas).AbsolutePath}")).Expect(200);

        answer.Node("value")!.AsArray().Select(entry => $"{entry!["status"]} {entry["operation"]}").ShouldBe(
            ["201 PutPage", "201 ClearPages", "206 GetBlob", "200 GetBlobProperties", "200 GetPageRanges", "403 GetBlob", "405 "]);
        answer.Text.ShouldNotContain("sig", Case.Insensitive);
        answer["value.0.requestId"].ShouldNotBeNullOrEmpty();
        answer["value.0.apiVersion"].ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task The_journal_is_filtered_by_number_time_path_and_operation()
    {
        World world = await World.CreateAsync(fixture);
        await world.EmptyDiskAsync("one");
        JsonObject last = (await world.Arm.JournalAsync())[^1];
        (await world.Arm.GetAsync(world.Disk("one"))).Expect(200);
        (await world.Arm.GetAsync(world.Disk("two"))).Expect(404);

        (await world.Arm.JournalAsync(more: $"&since={last["seq"]}")).Select(entry => entry.Text("status")).ShouldBe(["200", "404"]);
        (await world.Arm.JournalAsync(more: $"&since={last["time"]}")).Count.ShouldBeGreaterThanOrEqualTo(3, "the request of that time too");
        (await world.Arm.JournalAsync(more: "&since=2100-01-01T00:00:00%2B00:00")).ShouldBeEmpty();
        (await world.Arm.JournalAsync(more: "&operation=disks_get")).Select(entry => entry.Text("operation")).ShouldBe(["Disks_Get", "Disks_Get"]);
        (await world.Arm.JournalAsync($"{world.Arm.Subscription}/**/disks/*", "&operation=Disks_CreateOrUpdate")).Select(entry => entry.Text("path")).ShouldBe([world.Disk("one")]);
    }

    [Theory]
    [InlineData("since=yesterday", "since")]
    [InlineData("since=-1", "since")]
    [InlineData("path=subscriptions", "path")]
    [InlineData("path=/a&path=/b", "path")]
    [InlineData("operation=Disks_Explode", "operation")]
    [InlineData("operation=", "operation")]
    [InlineData("opertion=Disks_Get", "opertion")]
    public async Task A_query_of_the_journal_that_is_not_understood_is_refused(string query, string target)
    {
        ArmResponse answer = (await fixture.NewSubscription().CallAsync(HttpMethod.Get, $"journal?{query}")).Expect(400);
        (answer.ErrorCode, answer["error.target"]).ShouldBe(("InvalidParameter", target));
    }

    [Fact]
    public async Task A_reset_empties_the_journal_of_its_subscription()
    {
        World world = await World.CreateAsync(fixture), other = await World.CreateAsync(fixture);
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        await guest.ReadAsync(0, 512);
        string path = new Uri(guest.Sas).AbsolutePath;
        (await world.Arm.JournalAsync(path)).Count.ShouldBe(1);

        (await world.Arm.CallAsync(HttpMethod.Post, $"reset?subscription={world.Arm.Subscription["/subscriptions/".Length..]}")).Expect(204);

        (await world.Arm.JournalAsync()).ShouldBeEmpty();
        (await world.Arm.JournalAsync(path)).ShouldBeEmpty();
        (await other.Arm.JournalAsync()).ShouldNotBeEmpty();
    }

    [Fact]
    public void The_journal_keeps_the_last_10000_requests()
    {
        var journal = new RequestJournal();
        for (int i = 0; i < RequestJournal.Capacity + 5; i++)
            journal.Add(new JournalEntry(default, "GET", $"/{i}", null, null, 200, 0, default, null, null, default));

        IReadOnlyList<JournalEntry> kept = journal.Read();

        kept.Count.ShouldBe(10_000);
        (kept[0].Seq, kept[0].Path).ShouldBe((6, "/5"));
        (kept[^1].Seq, kept[^1].Path).ShouldBe((10_005, "/10004"));
    }

    [Theory]
    [InlineData("/a/*", "/a/b", true)]
    [InlineData("/a/*", "/A/B", true)]
    [InlineData("/a/*", "/a/b/c", false)]
    [InlineData("/a/*", "/a", false)]
    [InlineData("/a/**", "/a/b/c", true)]
    [InlineData("/a/**", "/ab", false)]
    [InlineData("/a/**/d", "/a/d", true)]
    [InlineData("/a/**/d", "/a/b/c/d", true)]
    [InlineData("/a/**/d", "/a/bd", false)]
    [InlineData("**/disks/d*", "/x/disks/d1", true)]
    [InlineData("/a.c", "/abc", false)]
    [InlineData("/a(+", "/a(+", true)]
    public void A_pattern_of_paths_matches_segments(string pattern, string path, bool matches) => PathGlob.Parse(pattern)!.IsMatch(path).ShouldBe(matches);
}
