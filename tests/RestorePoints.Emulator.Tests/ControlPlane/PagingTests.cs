using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Lists come in pages that follow each other by <c>nextLink</c>, whatever happens to the rows in between.</summary>
public sealed class PagingTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;
    private string _vm = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.CreateAsync(fixture);
        _vm = await _world.VmAsync("vm", await _world.EmptyDiskAsync("os"));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Theory]
    [InlineData("{c}/restorePointCollections")]
    [InlineData("{s}/providers/Microsoft.Compute/restorePointCollections")]
    [InlineData("{c}/disks")]
    [InlineData("{s}/providers/Microsoft.Compute/disks")]
    [InlineData("{c}/snapshots")]
    [InlineData("{s}/providers/Microsoft.Compute/snapshots")]
    [InlineData("{c}/virtualMachines")]
    [InlineData("{s}/providers/Microsoft.Compute/virtualMachines")]
    [InlineData("{c}/restorePointCollections/c1/restorePoints/p/diskRestorePoints")]
    [InlineData("{s}/resourceGroups")]
    public async Task Following_nextLink_gives_every_item_once_and_in_order(string list)
    {
        string path = list.Replace("{c}", _world.Compute).Replace("{s}", Arm.Subscription);
        string[] data = [await _world.EmptyDiskAsync("d1"), await _world.EmptyDiskAsync("D2"), await _world.EmptyDiskAsync("d3"), await _world.EmptyDiskAsync("d4")];
        foreach (string name in new[] { "s1", "S2", "s3" })
            await _world.SnapshotAsync(name, data[0], incremental: name == "S2");
        await _world.VmAsync("VM2", data[0], data[1..]);
        await _world.VmAsync("vm3", await _world.EmptyDiskAsync("os3"));
        foreach (string name in new[] { "c1", "C2", "c3" })
            await _world.CollectionAsync(name, _world.Vm("vm2"));
        await _world.PointAsync(_world.Collection("c1"), "p");
        foreach (string group in new[] { "a-first", "Z-last", "m" })
            (await Arm.PutAsync($"{Arm.Subscription}/resourceGroups/{group}", """{"location":"westeurope"}""")).Expect(201);

        string[] whole = Ids((await Arm.GetAsync(path)).Expect(200));
        (await Arm.GetAsync(path)).Keys().ShouldBe("value", "one page, and never an empty nextLink");
        whole.Length.ShouldBeGreaterThan(2);
        foreach (int top in new[] { 1, 2, whole.Length - 1, whole.Length, whole.Length + 1 })
        {
            List<ArmResponse> pages = await PagesAsync(path, top);
            pages.SelectMany(Ids).ShouldBe(whole, ignoreOrder: false, $"$top={top}");
            pages.Count.ShouldBe((whole.Length + top - 1) / top, $"$top={top}");
            pages.SkipLast(1).ShouldAllBe(page => page.Count("value") == top);
        }
    }

    [Fact]
    public async Task A_page_stays_right_while_rows_come_and_go()
    {
        int seed = Seeds.Choose();
        var random = new Random(seed);
        HashSet<string> kept = [], others = [];
        for (int i = 0; i < 40; i++)
            await AddAsync($"keep{i:D2}", kept);
        for (int i = 0; i < 20; i++)
            await AddAsync($"go{random.Next(1000):D3}-{i}", others);

        List<string> seen = [];
        ArmResponse page = (await Arm.GetAsync($"{_world.Compute}/restorePointCollections", "$top=7")).Expect(200);
        for (int i = 0; ; i++)
        {
            seen.AddRange(page.Node("value")!.AsArray().Select(item => (string)item!["name"]!));
            if (page["nextLink"] is not { } next)
                break;
            await AddAsync($"keep{random.Next(40):D2}-{i}", others);
            // The row that the page ended with may go too.
            foreach (string gone in new[] { others.ElementAt(random.Next(others.Count)), seen[^1] }.Where(others.Remove))
                await Arm.SucceedAsync(Arm.DeleteAsync(_world.Collection(gone)));
            page = (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, next))).Expect(200);
        }
        seen.Distinct().Count().ShouldBe(seen.Count, $"seed {seed}: a row came twice");
        kept.Except(seen).ShouldBeEmpty($"seed {seed}: a row that was there throughout is missing");
        seen.ShouldBe(seen.Order(StringComparer.OrdinalIgnoreCase), ignoreOrder: false, $"seed {seed}");
    }

    [Fact]
    public async Task A_nextLink_is_absolute_by_the_hosts_name_and_keeps_the_other_parameters()
    {
        await _world.CollectionAsync("a", _vm);
        await _world.CollectionAsync("b", _vm);
        var request = new HttpRequestMessage(HttpMethod.Get, $"{_world.Compute.Replace("resourceGroups", "RESOURCEgroups")}/restorePointCollections?%24TOP=1&extra=x%26y&api-version={RawArm.ComputeVersion}");
        request.Headers.Host = "arm.example:4711";
        string next = (await Arm.SendAsync(request)).Expect(200)["nextLink"]!;
        next.ShouldMatch($@"^http://arm\.example:4711{_world.Compute.Replace("resourceGroups", "RESOURCEgroups")}/restorePointCollections\?%24TOP=1&extra=x%26y&api-version={RawArm.ComputeVersion}&\$skipToken=[A-Za-z0-9_-]+$");
        ArmResponse last = (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(next).PathAndQuery))).Expect(200);
        last["value.0.name"].ShouldBe("b");
        last.Keys().ShouldBe("value");
    }

    [Fact]
    public async Task A_token_that_is_damaged_or_of_another_list_is_refused()
    {
        await _world.EmptyDiskAsync("d");
        string next = (await Arm.GetAsync($"{_world.Compute}/disks", "$top=1")).Expect(200)["nextLink"]!, token = next[(next.IndexOf("$skipToken=", StringComparison.Ordinal) + 11)..];
        foreach (string bad in new[] { "", "x", "%20", "AAAA", "[]", token[1..], token[..^1], $"{token}A", (token[0] == 'A' ? 'B' : 'A') + token[1..], new string('A', 4000) })
            NotFoundTests.Check(await Arm.GetAsync($"{_world.Compute}/disks", $"$skipToken={bad}"), 400, "InvalidSkipToken", "$skipToken");
        foreach (string other in new[] { $"{Arm.Subscription}/providers/Microsoft.Compute/disks", $"{_world.Compute}/snapshots", $"{_world.Compute}/virtualMachines", $"{Arm.Subscription}/resourceGroups" })
            NotFoundTests.Check(await Arm.GetAsync(other, $"$skipToken={token}"), 400, "InvalidSkipToken", "$skipToken");
        (await Arm.GetAsync($"{_world.Compute}/disks", $"$skiptoken={token}")).Expect(200)["value.0.name"].ShouldBe("os", "in any case");
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("many")]
    [InlineData("")]
    [InlineData("1.5")]
    [InlineData("99999999999")]
    public async Task A_top_that_is_no_positive_number_is_refused(string top)
    {
        ArmResponse answer = await Arm.GetAsync($"{_world.Compute}/disks", $"$top={top}");
        NotFoundTests.Check(answer, 400, "InvalidParameter", "$top");
        answer["error.target"].ShouldBe("$top");
    }

    [Fact]
    public async Task A_thousand_items_are_one_page_and_one_more_is_on_the_next()
    {
        await Parallel.ForAsync(0, 1001, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) => await _world.CollectionAsync($"c{i:D4}", _vm));
        ArmResponse first = (await Arm.GetAsync($"{_world.Compute}/restorePointCollections")).Expect(200);
        first.Count("value").ShouldBe(1000);
        ArmResponse second = (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, first["nextLink"]))).Expect(200);
        second.Count("value").ShouldBe(1);
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Collection("c0500")));
        (await Arm.GetAsync($"{_world.Compute}/restorePointCollections")).Keys().ShouldBe("value", "a thousand fit");
        (await Arm.GetAsync($"{_world.Compute}/restorePointCollections", "$top=5000")).Count("value").ShouldBe(1000);
    }

    [Fact]
    public async Task Resource_groups_are_filtered_by_tag()
    {
        foreach ((string name, string tags) in new[] { ("g1", """{"Env":"test"}"""), ("g2", """{"env":"prod","who":"it's me"}"""), ("g3", "{}") })
            (await Arm.PutAsync($"{Arm.Subscription}/resourceGroups/{name}", $$"""{"location":"westeurope","tags":{{tags}}}""")).Expect(201);
        string groups = $"{Arm.Subscription}/resourceGroups";
        Names(await Arm.GetAsync(groups, "$filter=tagname eq 'env'")).ShouldBe(["g1", "g2"]);
        Names(await Arm.GetAsync(groups, "$filter=tagName eq 'ENV' and tagValue eq 'prod'")).ShouldBe(["g2"]);
        Names(await Arm.GetAsync(groups, "$filter=tagValue eq 'it''s me'")).ShouldBe(["g2"]);
        Names(await Arm.GetAsync(groups, "$filter=tagName eq 'env' and tagValue eq 'TEST'")).ShouldBeEmpty("values are compared with regard to case");
        NotFoundTests.Check(await Arm.GetAsync(groups, "$filter=startswith(name,'g')"), 400, "InvalidFilterInQueryString", "tagName");
        (await Arm.GetAsync(groups, "$filter=tagname eq 'env'&$top=1")).Expect(200)["nextLink"]!.ShouldContain("$filter=tagname%20eq%20'env'");
    }

    private async Task AddAsync(string name, HashSet<string> into)
    {
        if (into.Add(name))
            await _world.CollectionAsync(name, _vm);
    }

    private async Task<List<ArmResponse>> PagesAsync(string path, int top)
    {
        List<ArmResponse> pages = [(await Arm.GetAsync(path, $"$top={top}")).Expect(200)];
        while (pages[^1]["nextLink"] is { } next)
            pages.Add((await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, next))).Expect(200));
        return pages;
    }

    private static string[] Ids(ArmResponse page) => [.. page.Node("value")!.AsArray().Select(item => (string)item!["id"]!)];

    private static string[] Names(ArmResponse page) => [.. page.Expect(200).Node("value")!.AsArray().Select(item => (string)item!["name"]!)];
}
