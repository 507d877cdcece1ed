using System.Net.Http.Headers;
using System.Text;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.BadInput;

/// <summary>Whatever is thrown at the control plane is refused in ARM's own words, and changes nothing.</summary>
public sealed class ArmBadInputTests(Canary canary) : IClassFixture<Canary>
{
    private World World => canary.World;

    private static readonly string[] BrokenBodies =
    [
        "{", "{\"a\":}", "not json", "[1,2]", "\"text\"", "null", "123", "{\"location\":\"westeurope\"", "{'location':'westeurope'}",
        "{\"properties\":{\"a\":1,}}", new string('[', 2000), "\u0000", "{} {}",
    ];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private (HttpMethod Method, string Path)[] Writes =>
    [
        (HttpMethod.Put, World.Disk("new")), (HttpMethod.Patch, canary.Disk), (HttpMethod.Put, World.Vm("new")), (HttpMethod.Patch, canary.Vm),
        (HttpMethod.Put, World.Collection("new")), (HttpMethod.Patch, canary.Collection), (HttpMethod.Put, World.Point(canary.Collection, "new")),
        (HttpMethod.Post, $"{canary.FreeDisk}/beginGetAccess"), (HttpMethod.Post, $"{canary.DiskPoint}/beginGetAccess"),
        (HttpMethod.Put, $"{World.Arm.Subscription}/resourceGroups/new"),
    ];

    [Fact]
    public async Task Malformed_json_is_InvalidRequestContent()
    {
        foreach ((HttpMethod method, string path) in Writes)
        {
            foreach (string body in BrokenBodies)
                Canary.ShouldBeRefused(await World.Arm.SendAsync(method, path, body), 400, "InvalidRequestContent");
        }
        await canary.ShouldBeUnchangedAsync();
        (await World.Arm.GetAsync(World.Disk("new"))).Expect(404);
        (await World.Arm.GetAsync(World.Point(canary.Collection, "new"))).Expect(404);
    }

    [Theory]
    [InlineData("disks/new", """{"location":7,"properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":1}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":"text"}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":[],"diskSizeGB":1}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":"ten"}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":0}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":-1}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":99999999999999999999}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":1.5}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"}}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Imaginary"},"diskSizeGB":1}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{},"diskSizeGB":1}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{}}""")]
    [InlineData("disks/new", """{"location":"westeurope"}""")]
    [InlineData("disks/new", """{"properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":1}}""")]
    [InlineData("disks/new", """{"location":"westeurope","tags":["a"],"properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":1}}""")]
    [InlineData("disks/new", """{"location":"westeurope","tags":{"a":1},"properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":1}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Upload","uploadSizeBytes":1000}}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Upload"}}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Restore"}}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Restore","sourceResourceId":"point one"}}}""")]
    [InlineData("disks/new", """{"location":"westeurope","properties":{"creationData":{"createOption":"Copy","sourceResourceId":"/subscriptions/x"}}}""")]
    [InlineData("virtualMachines/new", """{"location":"westeurope","properties":{"storageProfile":"none"}}""")]
    [InlineData("virtualMachines/new", """{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"createOption":"Attach","osType":"Linux","managedDisk":{"id":"disk"}}}}}""")]
    [InlineData("virtualMachines/new", """{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"createOption":7}}}}""")]
    [InlineData("virtualMachines/new", """{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"createOption":"FromImage"},"dataDisks":{"lun":0}}}}""")]
    [InlineData("restorePointCollections/new", """{"location":"westeurope","properties":{"source":"vm"}}""")]
    [InlineData("restorePointCollections/new", """{"location":"westeurope","properties":{"source":{"id":5}}}""")]
    [InlineData("restorePointCollections/new", """{"location":"westeurope","properties":{"source":{"id":"vm"}}}""")]
    [InlineData("restorePointCollections/c/restorePoints/new", """{"properties":[]}""")]
    [InlineData("restorePointCollections/c/restorePoints/new", """{"properties":{"excludeDisks":"all"}}""")]
    [InlineData("restorePointCollections/c/restorePoints/new", """{"properties":{"excludeDisks":[{"id":"disk"}]}}""")]
    [InlineData("restorePointCollections/c/restorePoints/new", """{"properties":{"excludeDisks":[7]}}""")]
    [InlineData("restorePointCollections/c/restorePoints/new", """{"properties":{"consistencyMode":"Telepathic"}}""")]
    [InlineData("restorePointCollections/c/restorePoints/new", """{"properties":{"timeCreated":"yesterday-ish","consistencyMode":{}}}""")]
    public async Task Values_of_a_wrong_type_or_shape_are_refused_and_make_nothing(string path, string body)
    {
        Canary.ShouldBeRefused(await World.Arm.PutAsync($"{World.Compute}/{path}", body));
        (await World.Arm.GetAsync($"{World.Compute}/{path}")).Expect(404);
        await canary.ShouldBeUnchangedAsync();
    }

    [Theory]
    [InlineData("""{"access":"Everything","durationInSeconds":60}""")]
    [InlineData("""{"access":5,"durationInSeconds":60}""")]
    [InlineData("""{"access":"Read","durationInSeconds":"long"}""")]
    [InlineData("""{"access":"Read","durationInSeconds":1e99}""")]
    [InlineData("""{"access":"Write","durationInSeconds":60}""")]
    [InlineData("{}")]
    public async Task An_access_request_that_makes_no_sense_is_refused(string body)
    {
        Canary.ShouldBeRefused(await World.Arm.PostAsync($"{canary.DiskPoint}/beginGetAccess", body));
        await canary.ShouldBeUnchangedAsync();
    }

    [Fact]
    public async Task A_source_that_does_not_exist_is_refused()
    {
        string missingDisk = World.Disk("missing"), missingVm = World.Vm("missing");
        Canary.ShouldBeRefused(await World.Arm.PutAsync(World.Disk("new"), World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{missingDisk}\"")), 404);
        Canary.ShouldBeRefused(await World.Arm.PutAsync(World.Disk("new"), World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{canary.Point}/diskRestorePoints/missing\"")), 404);
        Canary.ShouldBeRefused(await World.Arm.PutAsync(World.Vm("new"), World.VmBody(missingDisk)));
        Canary.ShouldBeRefused(await World.Arm.PutAsync(World.Collection("new"), $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{missingVm}}}"}} }"""));
        (await World.Arm.GetAsync(World.Disk("new"))).Expect(404);
        (await World.Arm.GetAsync(World.Vm("new"))).Expect(404);
        (await World.Arm.GetAsync(World.Collection("new"))).Expect(404);
    }

    [Fact]
    public async Task A_malformed_disk_id_in_an_existing_machine_is_refused()
    {
        Canary.ShouldBeRefused(await World.Arm.PutAsync(canary.Vm, World.VmBody(canary.Disk.Replace("/providers/", "/roviders/"))));
        await canary.ShouldBeUnchangedAsync();
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task Another_media_type_than_json_is_refused(string type)
    {
        foreach ((HttpMethod method, string path) in Writes)
        {
            var request = new HttpRequestMessage(method, $"{path}?api-version={RawArm.VersionOf(path)}") { Content = new StringContent("{}", Encoding.UTF8, new MediaTypeHeaderValue(type)) };
            Canary.ShouldBeRefused(await World.Arm.SendAsync(request), 415, "UnsupportedMediaType");
        }
    }

    [Theory]
    [InlineData("GET", "/nowhere")]
    [InlineData("GET", "/")]
    [InlineData("POST", "/subscriptions")]
    [InlineData("GET", "{s}/nowhere")]
    [InlineData("GET", "{s}/providers/Microsoft.Imaginary/things/a")]
    [InlineData("GET", "{g}/providers/Microsoft.Imaginary/things/a")]
    [InlineData("DELETE", "{c}/disks")]
    [InlineData("PUT", "{c}/disks")]
    [InlineData("POST", "{c}/disks/os")]
    [InlineData("POST", "{c}/disks/os/explode")]
    [InlineData("POST", "{c}/virtualMachines/vm/explode")]
    [InlineData("PATCH", "{c}/restorePointCollections/c/restorePoints/p")]
    [InlineData("PUT", "{c}/restorePointCollections/c/restorePoints/p/diskRestorePoints/d")]
    [InlineData("DELETE", "{c}/restorePointCollections/c/restorePoints/p/diskRestorePoints/d")]
    [InlineData("GET", "{c}/disks/os/beginGetAccess")]
    [InlineData("TRACE", "{c}/disks/os")]
    [InlineData("BREW", "{c}/disks/os")]
    [InlineData("GET", "/emulator/nowhere")]
    [InlineData("GET", "/emulator/subscriptions/x/guestAccess")]
    public async Task Unknown_routes_and_verbs_get_the_envelope(string method, string path)
    {
        string target = path.Replace("{s}", World.Arm.Subscription).Replace("{g}", World.Group).Replace("{c}", World.Compute);
        Canary.ShouldBeRefused(await World.Arm.SendAsync(new HttpMethod(method), target));
        await canary.ShouldBeUnchangedAsync();
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData("a%2Fb")]
    [InlineData("%2e%2e")]
    [InlineData("name?")]
    [InlineData("ends-with-dot.")]
    [InlineData("\"quoted\"")]
    [InlineData("<script>")]
    [InlineData("äöü")]
    public async Task Bad_names_are_refused_or_not_found_but_make_nothing_else(string name)
    {
        string escaped = name.Contains('%') ? name : Uri.EscapeDataString(name);
        foreach (string path in new[] { World.Disk(escaped), World.Vm(escaped), World.Collection(escaped), World.Point(canary.Collection, escaped) })
        {
            string body = path.Contains("/disks/") ? World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1") : path.Contains("/restorePoints/") ? "{}" : $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{canary.Vm}}}"}} }""";
            Canary.ShouldBeRefused(await World.Arm.PutAsync(path, body));
        }
        await canary.ShouldBeUnchangedAsync();
    }

    [Fact]
    public async Task A_name_longer_than_80_characters_is_refused()
    {
        string name = new('n', 81);
        Canary.ShouldBeRefused(await World.Arm.PutAsync(World.Disk(name), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")), 400);
        Canary.ShouldBeRefused(await World.Arm.PutAsync(World.Point(canary.Collection, name), "{}"), 400);
    }

    [Fact]
    public async Task A_huge_body_is_refused_without_being_read_into_memory()
    {
        foreach ((HttpMethod method, string path) in Writes)
        {
            var request = new HttpRequestMessage(method, $"{path}?api-version={RawArm.VersionOf(path)}") { Content = new ByteArrayContent(new byte[40_000_000]) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.ExpectContinue = true;
            Canary.ShouldBeRefused(await World.Arm.SendAsync(request), 413);
        }
    }

    [Fact]
    public async Task A_missing_body_is_refused_where_one_is_needed()
    {
        foreach ((HttpMethod method, string path) in Writes.Where(write => !write.Path.Contains("/restorePoints/new")))
        {
            ArmResponse answer = await World.Arm.SendAsync(method, path);
            Canary.ShouldBeRefused(answer);
        }
    }

    [Fact]
    public async Task Bad_requests_to_the_emulators_own_endpoints_are_refused()
    {
        (HttpMethod, string, string?)[] calls =
        [
            (HttpMethod.Post, $"/emulator{World.Disk("missing")}/guestAccess", null), (HttpMethod.Post, "/emulator/subscriptions/guestAccess", null),
            (HttpMethod.Post, $"/emulator{canary.Vm}/guestAccess", null), (HttpMethod.Get, $"/emulator{World.Disk("missing")}/content", null),
            (HttpMethod.Post, "/emulator/clock/advance", "{"), (HttpMethod.Post, "/emulator/clock/advance", """{"by":"a while"}"""),
            (HttpMethod.Post, "/emulator/clock/advance", """{"by":5}"""), (HttpMethod.Post, "/emulator/reset?subscription=everything", null),
        ];
        foreach ((HttpMethod method, string path, string? body) in calls)
        {
            var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
            Canary.ShouldBeRefused(await World.Arm.SendAsync(request));
        }
        await canary.ShouldBeUnchangedAsync();
        string health = await World.Arm.Http.GetStringAsync("/emulator/health", Stop);
        health.ShouldContain("Healthy");
    }
}
