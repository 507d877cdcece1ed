using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Bodies that are stored and shown again: whatever was accepted can be read back, and what could not be is refused.</summary>
public sealed class RequestBodyTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Theory]
    [InlineData(20, true)]
    [InlineData(40, false)]
    [InlineData(61, false)]
    public async Task A_profile_nests_as_deep_as_it_can_be_shown_again(int depth, bool accepted)
    {
        string nested = string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth);
        string body = """{"location":"westeurope","properties":{"hardwareProfile":{"x":NESTED},"storageProfile":{"osDisk":{"createOption":"FromImage"}}}}""".Replace("NESTED", nested, StringComparison.Ordinal);
        ArmResponse put = await Arm.PutAsync(_world.Vm("deep"), body);
        put.Status.ShouldBe(accepted ? 201 : 400, put.Text);
        if (accepted)
        {
            await Arm.SucceedAsync(Task.FromResult(put));
            string collection = await _world.CollectionAsync("c", _world.Vm("deep"));
            await _world.PointAsync(collection, "p");
            (await Arm.GetAsync(collection, "$expand=restorePoints")).Expect(200);
        }
        (await Arm.GetAsync($"{_world.Compute}/virtualMachines")).Expect(200);
    }

    [Theory]
    [InlineData("""{"location":"westeurope","properties":{"hardwareProfile":{"a":1,"a":2},"storageProfile":{"osDisk":{"createOption":"FromImage"}}}}""")]
    [InlineData("""{"location":"westeurope","plan":{"a":1,"a":2},"properties":{"storageProfile":{"osDisk":{"createOption":"FromImage"}}}}""")]
    [InlineData("""{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"createOption":"FromImage"},"OSDISK":{"createOption":"FromImage"}}}}""")]
    [InlineData("""{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"createOption":"FromImage","name":"a/b"}}}}""")]
    [InlineData("""{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"createOption":"FromImage","name":"../x"}}}}""")]
    [InlineData("""{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"createOption":"FromImage","name":""}}}}""")]
    [InlineData("""{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"createOption":"FromImage","toBeDetached":true}}}}""")]
    [InlineData("""{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"createOption":"FromImage","deleteOption":"Maybe"}}}}""")]
    [InlineData("""{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"createOption":"FromImage","managedDisk":{"storageAccountType":"Bogus"}}}}}""")]
    public async Task A_profile_that_could_not_be_found_again_is_refused(string body)
    {
        (await Arm.PutAsync(_world.Vm("bad"), body)).Expect(400)["error.code"].ShouldNotBeNull();
        (await Arm.GetAsync(_world.Vm("bad"))).Expect(404);
        (await Arm.GetAsync($"{_world.Compute}/disks")).Expect(200)["value.0.name"].ShouldBeNull();
    }

    [Fact]
    public async Task Property_names_of_a_profile_are_read_without_regard_to_case_and_secrets_are_kept_out_in_any_case()
    {
        await Arm.SucceedAsync(Arm.PutAsync(_world.Vm("vm"), """
            {"location":"westeurope","properties":{"StorageProfile":{"osdisk":{"CreateOption":"FromImage"},"DataDisks":[{"Lun":3,"createoption":"Empty","diskSizeGb":1}]},
             "OsProfile":{"AdminPassword":"P@ssw0rd-1234","COMPUTERNAME":"vm"}}}
            """));
        ArmResponse vm = (await Arm.GetAsync(_world.Vm("vm"))).Expect(200);
        vm["properties.provisioningState"].ShouldBe("Succeeded");
        vm["properties.storageProfile.dataDisks.0.lun"].ShouldBe("3");
        vm["properties.osProfile.computerName"].ShouldBe("vm");
        vm.Text.ShouldNotContain("P@ssw0rd");
    }

    [Fact]
    public async Task Excluded_disks_are_those_of_the_machine_by_their_whole_id()
    {
        string os = await _world.EmptyDiskAsync("os"), data = await _world.EmptyDiskAsync("data");
        string collection = await _world.CollectionAsync("c", await _world.VmAsync("vm", os, data));
        string foreign = data.Replace("/resourceGroups/backup-test/", "/resourceGroups/other/", StringComparison.Ordinal);
        (await Arm.PutAsync(World.Point(collection, "p"), $$$"""{"properties":{"excludeDisks":[{"id":"{{{foreign}}}"}]}}""")).Expect(400)["error.target"].ShouldBe("excludeDisks");
        (await Arm.PutAsync(World.Point(collection, "p"), """{"properties":{"excludeDisks":[null]}}""")).Expect(400);
        (await Arm.GetAsync(World.Point(collection, "p"))).Expect(404);
    }

    [Theory]
    [InlineData("plain-1", "plain-1")]
    [InlineData("é", null)]
    public async Task A_client_request_id_is_echoed_when_it_can_be_a_header(string sent, string? echoed)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{_world.Group}?api-version={RawArm.GroupVersion}");
        request.Headers.TryAddWithoutValidation("x-ms-return-client-request-id", "true");
        request.Headers.TryAddWithoutValidation("x-ms-client-request-id", sent);
        using var handler = new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => System.Text.Encoding.UTF8 };
        using var http = new HttpClient(handler) { BaseAddress = Arm.Http.BaseAddress };
        using HttpResponseMessage answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        ((int)answer.StatusCode).ShouldBe(200);
        (answer.Headers.TryGetValues("x-ms-client-request-id", out IEnumerable<string>? values) ? values.Single() : null).ShouldBe(echoed);
    }

    [Fact]
    public async Task A_disk_that_is_not_a_whole_number_of_GiB_shows_the_next_one_and_takes_its_own_body_back()
    {
        string disk = await _world.UploadDiskAsync("small", new byte[World.UploadBytes]);
        ArmResponse shown = (await Arm.GetAsync(disk)).Expect(200);
        shown["properties.diskSizeGB"].ShouldBe("1");
        await Arm.SucceedAsync(Arm.PutAsync(disk, shown.Text));
        (await Arm.GetAsync(disk))["properties.diskSizeBytes"].ShouldBe(World.UploadBytes.ToString());
        await Arm.SucceedAsync(Arm.PutAsync(_world.Disk("copy"), World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{disk}\"", ",\"diskSizeGB\":1")));
    }
}
