using System.Text.Json;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Tags keep ARM's rules on every type that has them.</summary>
public sealed class TagTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.CreateAsync(fixture);
        await _world.CollectionAsync("source", await _world.VmAsync("os-vm", await _world.EmptyDiskAsync("os")));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    public static TheoryData<string> Types => ["disks", "snapshots", "virtualMachines", "restorePointCollections", "resourceGroups"];

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Tags_keep_order_and_casing_and_a_patch_replaces_them_all(string type)
    {
        string path = await PutAsync(type, """{"b":"2","A":"1","c":""}""");
        (await TagsAsync(path)).ShouldBe("""{"b":"2","A":"1","c":""}""");
        await FollowAsync(Arm.PatchAsync(path, """{"tags":{"B":"x","a":"Y"}}"""));
        (await TagsAsync(path)).ShouldBe("""{"B":"x","a":"Y"}""");
        await FollowAsync(Arm.PatchAsync(path, "{}"));
        (await TagsAsync(path)).ShouldBe("""{"B":"x","a":"Y"}""", "not mentioned, not changed");
        await FollowAsync(Arm.PatchAsync(path, """{"tags":{}}"""));
        (await TagsAsync(path)).ShouldBe("{}");
    }

    [Fact]
    public async Task A_tag_that_looks_like_a_path_of_the_data_plane_is_shown_as_it_is()
    {
        const string tags = """{"x":"/md-foo"}""";
        string path = await PutAsync("disks", null);
        ArmResponse ended = await Arm.FinishAsync((await Arm.PatchAsync(path, $$"""{"tags":{{tags}}}""")).Expect(202));
        ended.Node("properties.output.tags")!.ToJsonString().ShouldBe(tags);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Tags_that_were_never_set_are_left_out_and_an_empty_set_is_shown(string type)
    {
        (await TagsAsync(await PutAsync(type, null))).ShouldBeNull();
        string path = await PutAsync(type, "{}");
        (await TagsAsync(path)).ShouldBe("{}");
        await PutAsync(type, """{"a":"b"}""");
        await PutAsync(type, null);
        (await TagsAsync(path)).ShouldBeNull("a PUT without tags has none");
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Fifty_tags_with_the_longest_names_and_values_are_accepted_and_what_is_more_is_refused(string type)
    {
        string most = Set(Enumerable.Range(0, 50).Select(i => ($"{i:D2}{new string('n', 510)}", new string('v', 256))));
        string path = await PutAsync(type, most);
        (await TagsAsync(path)).ShouldBe(most);
        string[] bad =
        [
            Set(Enumerable.Range(0, 51).Select(i => ($"n{i}", "v"))), Set([(new string('n', 513), "v")]), Set([("n", new string('v', 257))]), Set([("", "v")]), """{"name":"a","NAME":"b"}""",
            .. "<>%&\\?/".Select(character => Set([($"a{character}b", "v")])), """{"a":null}""", """{"a":1}""", """{"a":["b"]}""", """{"a":"b","a":"c"}""", "[]", "\"a\"",
        ];
        foreach (string tags in bad)
        {
            BadInput.Canary.ShouldBeRefused(await Arm.PatchAsync(path, $$"""{"tags":{{tags}}}"""), 400);
            BadInput.Canary.ShouldBeRefused(await Arm.PutAsync(path, Body(type, tags)), 400);
        }
        (await TagsAsync(path)).ShouldBe(most);
    }

    private static string Set(IEnumerable<(string Name, string Value)> tags) => JsonSerializer.Serialize(tags.ToDictionary(tag => tag.Name, tag => tag.Value), Relaxed);

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private async Task<string> PutAsync(string type, string? tags)
    {
        string path = type == "resourceGroups" ? $"{Arm.Subscription}/resourceGroups/tagged" : $"{_world.Compute}/{type}/tagged";
        await FollowAsync(Arm.PutAsync(path, Body(type, tags)));
        return path;
    }

    private string Body(string type, string? tags)
    {
        string body = type switch
        {
            "disks" => World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1"),
            "snapshots" => World.SnapshotBody(_world.Disk("os")),
            "virtualMachines" => _world.ImageVmBody("tagged"),
            "restorePointCollections" => $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{_world.Vm("os-vm")}}}"}} }""",
            _ => """{"location":"westeurope"}""",
        };
        return tags is null ? body : $"{{\"tags\":{tags},{body.TrimStart()[1..]}";
    }

    private Task<ArmResponse> FollowAsync(Task<ArmResponse> call) => Arm.SucceedAsync(call);

    private async Task<string?> TagsAsync(string path) => (await Arm.GetAsync(path)).Expect(200).Node("tags")?.ToJsonString(Relaxed);
}
