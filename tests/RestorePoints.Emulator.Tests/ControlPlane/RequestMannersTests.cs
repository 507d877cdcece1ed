using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>How URLs are read, which verbs exist, and which headers answer.</summary>
public sealed class RequestMannersTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;
    private string _vm = null!;
    private string _collection = null!;
    private string _point = null!;
    private string _diskPoint = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.CreateAsync(fixture);
        _vm = await _world.VmAsync("Vm", await _world.EmptyDiskAsync("Os"));
        await _world.SnapshotAsync("Snap", _world.Disk("Os"));
        _collection = await _world.CollectionAsync("Coll", _vm);
        _point = World.Point(_collection, "Pt");
        _diskPoint = World.OsDiskPoint(await _world.PointAsync(_collection, "Pt"));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task A_scope_that_is_encoded_whole_is_read()
    {
        string path = $"/{Uri.EscapeDataString(_world.Disk("os"))}/providers/Microsoft.Authorization/locks/encoded";
        (await _world.Arm.PutAsync(path, """{"properties":{"level":"CanNotDelete"}}""")).Expect(201)["name"].ShouldBe("encoded");
        (await _world.Arm.GetAsync($"{_world.Disk("os")}/providers/Microsoft.Authorization/locks/encoded")).Expect(200);
        (await _world.Arm.DeleteAsync(path)).Expect(200);
    }

    [Theory]
    [InlineData("１９００-01-01")]
    [InlineData("2024-07-0１")]
    public async Task Digits_of_other_scripts_make_no_api_version(string version)
    {
        ArmResponse answer = await _world.Arm.SendAsync(HttpMethod.Get, _world.Disk("os"), apiVersion: Uri.EscapeDataString(version));
        (answer.Status, answer.ErrorCode).ShouldBe((400, "InvalidApiVersionParameter"));
    }

    [Theory]
    [InlineData("""{"properties":{"x":"\ud800"}}""")]
    [InlineData("""{"plan":{"x":"a\udc00b"}}""")]
    [InlineData("""{"properties":{"userData":"\ud800"}}""")]
    public async Task Half_of_a_surrogate_pair_in_a_machine_is_refused(string body)
    {
        ArmResponse answer = await _world.Arm.PatchAsync(_vm, body);
        (answer.Status, answer.ErrorCode).ShouldBe((400, "InvalidRequestContent"));
    }

    private string[] Resources => [_world.Group, _world.Disk("Os"), _world.Snapshot("Snap"), _vm, _collection, _point, _diskPoint];

    [Fact]
    public async Task Every_id_keeps_its_spelling_however_the_request_spells_it()
    {
        foreach (string path in Resources)
        {
            string shown = (await Arm.GetAsync(path)).Expect(200)["id"]!;
            shown.ShouldBe(path);
            foreach (string spelled in new[] { path.ToUpperInvariant(), path.ToLowerInvariant() })
                (await Arm.SendAsync(HttpMethod.Get, spelled, apiVersion: RawArm.VersionOf(path))).Expect(200)["id"].ShouldBe(path);
        }
    }

    [Fact]
    public async Task A_slash_at_the_end_and_repeated_slashes_are_read_over()
    {
        foreach (string path in Resources)
            foreach (string variant in new[] { path + "/", path.Replace("/", "//"), "//" + path[1..] + "///" })
                (await SendRawAsync(HttpMethod.Get, $"{variant}?api-version={RawArm.VersionOf(path)}")).Expect(200)["id"].ShouldBe(path);
    }

    [Fact]
    public async Task Encoded_characters_are_the_characters_and_an_encoded_slash_ends_no_segment()
    {
        (await SendRawAsync(HttpMethod.Get, $"{_world.Disk("%4F%73")}?api-version={RawArm.DiskVersion}")).Expect(200)["id"].ShouldBe(_world.Disk("Os"));
        (await SendRawAsync(HttpMethod.Get, $"{_world.Disk("Os")}?api%2Dversion={RawArm.DiskVersion}")).Expect(200);
        BadInput.Canary.ShouldBeRefused(await SendRawAsync(HttpMethod.Get, $"{_world.Group}/providers/Microsoft.Compute%2Fdisks%2FOs?api-version={RawArm.DiskVersion}"), 404);
    }

    [Fact]
    public async Task HEAD_tells_whether_a_resource_is_there()
    {
        foreach (string path in Resources)
        {
            ShouldBeBare(await Arm.SendAsync(HttpMethod.Head, path), 204);
            ShouldBeBare(await Arm.SendAsync(HttpMethod.Head, path + "x"), 404);
        }
        ShouldBeBare(await SendRawAsync(HttpMethod.Head, _world.Disk("Os")), 400);
    }

    [Theory]
    [InlineData("OPTIONS", "{c}/disks/Os", 405, "HttpMethodNotAllowed")]
    [InlineData("OPTIONS", "{s}/resourceGroups", 405, "HttpMethodNotAllowed")]
    [InlineData("DELETE", "{s}", 405, "HttpMethodNotAllowed")]
    [InlineData("PUT", "{s}/providers/Microsoft.Compute", 405, "HttpMethodNotAllowed")]
    [InlineData("PATCH", "{g}/providers/Microsoft.Authorization/locks/l", 405, "HttpMethodNotAllowed")]
    [InlineData("POST", "/tenants", 405, "HttpMethodNotAllowed")]
    [InlineData("GET", "{c}", 404, "NotFound")]
    [InlineData("GET", "{c}/disks/Os/parts/p", 404, "InvalidResourceType")]
    [InlineData("OPTIONS", "{c}/snapshots/Snap", 405, "HttpMethodNotAllowed")]
    [InlineData("GET", "{c}/snapshots/Snap/parts/p", 404, "InvalidResourceType")]
    [InlineData("GET", "{s}/providers/Microsoft.Compute/skus", 404, "InvalidResourceType")]
    [InlineData("GET", "{s}/nowhere/at/all", 404, "NotFound")]
    [InlineData("GET", "/tenants/x", 404, "NotFound")]
    public async Task What_is_not_served_answers_in_ARMs_form(string method, string path, int status, string code)
    {
        ArmResponse answer = await Arm.SendAsync(new HttpMethod(method), path.Replace("{s}", Arm.Subscription).Replace("{g}", _world.Group).Replace("{c}", _world.Compute), apiVersion: "2024-07-01");
        BadInput.Canary.ShouldBeRefused(answer, status, code);
    }

    [Fact]
    public async Task A_very_long_url_answers_in_ARMs_form()
    {
        BadInput.Canary.ShouldBeRefused(await SendRawAsync(HttpMethod.Get, $"{_world.Compute}/disks/{new string('d', 20_000)}?api-version={RawArm.DiskVersion}"), 404, "ResourceNotFound");
        (await SendRawAsync(HttpMethod.Get, $"{_world.Disk("Os")}?api-version={RawArm.DiskVersion}&c={new string('c', 20_000)}")).Expect(200);
    }

    [Fact]
    public async Task Answers_carry_what_the_half_of_the_provider_adds()
    {
        ArmResponse disk = (await Arm.GetAsync(_world.Disk("Os"))).Expect(200), granted = await Arm.PostAsync($"{_diskPoint}/beginGetAccess", """{"access":"Read","durationInSeconds":60}""");
        foreach (ArmResponse answer in new[] { disk, (await Arm.GetAsync(_world.Snapshot("Snap"))).Expect(200) })
        {
            answer.Header("x-ms-served-by").ShouldNotBeNull(answer.Request).ShouldMatch("^[0-9a-f-]{36}_[0-9]+$");
            answer.Header("x-ms-need-to-refresh-epl-cache").ShouldBeNull(answer.Request);
        }
        granted.Header("x-ms-served-by")!.Split('_')[0].ShouldBe(granted.Header("Azure-AsyncOperation")!.Split("?p=")[1].Split('&')[0], "the shard of the operation's URL");
        foreach (string path in new[] { _vm, _collection, _point })
        {
            ArmResponse answer = (await Arm.GetAsync(path)).Expect(200);
            answer.Header("x-ms-served-by").ShouldBeNull(path);
            answer.Header("x-ms-need-to-refresh-epl-cache").ShouldBe("False", path);
        }
        ArmResponse gateway = (await Arm.GetAsync(_world.Disk("absent"))).Expect(404);
        gateway.Header("x-ms-served-by").ShouldBeNull("the gateway answered");
        gateway.Header("x-ms-request-id").ShouldBe(gateway.Header("x-ms-correlation-request-id"));
    }

    [Fact]
    public async Task A_correlation_id_is_kept_and_errors_carry_every_id()
    {
        string correlation = Guid.NewGuid().ToString();
        var request = new HttpRequestMessage(HttpMethod.Get, $"{_world.Disk("absent")}?api-version={RawArm.DiskVersion}");
        request.Headers.Add("x-ms-correlation-request-id", correlation);
        request.Headers.Add("x-ms-client-request-id", "mine");
        request.Headers.Add("x-ms-return-client-request-id", "true");
        ArmResponse answer = (await Arm.SendAsync(request)).Expect(404);
        answer.Header("x-ms-correlation-request-id").ShouldBe(correlation);
        answer.Header("x-ms-routing-request-id").ShouldNotBeNull().ShouldEndWith(correlation);
        answer.Header("x-ms-client-request-id").ShouldBe("mine");
    }

    /// <summary>As it stands: HttpClient would tidy the path.</summary>
    private Task<ArmResponse> SendRawAsync(HttpMethod method, string pathAndQuery) => Arm.SendAsync(new HttpRequestMessage(method,
        new Uri(Arm.Http.BaseAddress!.GetLeftPart(UriPartial.Authority) + pathAndQuery, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true })));

    private static void ShouldBeBare(ArmResponse answer, int status)
    {
        answer.Status.ShouldBe(status, answer.Request);
        answer.Body.ShouldBeEmpty(answer.Request);
        answer.Header("x-ms-request-id").ShouldNotBeNull(answer.Request);
    }
}
