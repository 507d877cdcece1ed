using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>What the service refuses, and what it accepts although one might not expect it.</summary>
public sealed class RuleTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;
    private string _osDisk = null!;
    private string _dataDisk = null!;
    private string _vm = null!;
    private string _collection = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.CreateAsync(fixture);
        _osDisk = await _world.EmptyDiskAsync("os");
        _dataDisk = await _world.EmptyDiskAsync("data", gib: 4);
        _vm = await _world.VmAsync("vm", _osDisk, _dataDisk);
        _collection = await _world.CollectionAsync("c", _vm);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task Only_the_tags_of_a_collection_can_change()
    {
        ArmResponse moved = await Arm.PutAsync(_collection, Body("northeurope", _vm));
        Check(moved, 409, "PropertyChangeNotAllowed", "Changing property 'location' is not allowed.");
        moved["error.target"].ShouldBe("location");
        string other = await _world.VmAsync("other", await _world.EmptyDiskAsync("other-os"));
        Check(await Arm.PutAsync(_collection, Body("westeurope", other)), 409, "PropertyChangeNotAllowed", "is not allowed.");
        (await Arm.PatchAsync(_collection, "{}")).Expect(200);
        (await Arm.PatchAsync(_collection, """{"tags":{"a":"b"}}""")).Expect(200)["tags.a"].ShouldBe("b");
    }

    [Theory]
    [InlineData("""{"location":"westeurope"}""")]
    [InlineData("""{"location":"westeurope","properties":{}}""")]
    [InlineData("""{"location":"westeurope","properties":{"source":{}}}""")]
    [InlineData("""{"location":"westeurope","properties":{"source":{"id":"/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Compute/disks/d"}}}""")]
    public async Task A_collection_needs_a_source_of_the_right_type(string body)
    {
        ArmResponse answer = await Arm.PutAsync(_world.Collection("bad"), body);
        Check(answer, 400, "InvalidParameter", "");
        answer["error.target"].ShouldNotBeNull().ShouldContain("source");
        (await Arm.GetAsync(_world.Collection("bad"))).Expect(404);
    }

    [Fact]
    public async Task A_point_can_be_put_back_as_it_is_shown()
    {
        foreach (string body in new[] { "{}", """{"properties":{"consistencyMode":"CrashConsistent"}}""", $$$"""{"properties":{"excludeDisks":[{"id":"{{{_dataDisk}}}"}]}}""" })
        {
            string path = World.Point(_collection, $"p{body.Length}");
            ArmResponse point = await _world.PointAsync(_collection, $"p{body.Length}", body);
            (await Arm.PutAsync(path, point.Text)).Expect(201).Text.ShouldBe(point.Text);
            Check(await Arm.PutAsync(path, """{"properties":{"consistencyMode":"ApplicationConsistent"}}"""), 409, "OperationNotAllowed", "not supported");
        }
        Check(await Arm.PutAsync(World.Point(_collection, "new"), """{"properties":{"consistencyMode":"FileSystemConsistent"}}"""), 400, "InvalidParameter", "CrashConsistent");
    }

    [Fact]
    public async Task An_upload_disk_can_be_put_back_in_a_version_that_does_not_show_its_upload_size()
    {
        string disk = _world.Disk("upload");
        await Arm.SucceedAsync(Arm.PutAsync(disk, World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{World.UploadBytes + 512}")));
        ArmResponse shown = await Arm.SendAsync(HttpMethod.Get, disk, apiVersion: "2018-09-30");
        shown.Node("properties.creationData.uploadSizeBytes").ShouldBeNull();
        await Arm.SucceedAsync(Arm.SendAsync(HttpMethod.Put, disk, shown.Text, apiVersion: "2018-09-30"));
        Check(await Arm.PutAsync(_world.Disk("none"), World.DiskBody("\"createOption\":\"Upload\"")), 400, "InvalidParameter", "uploadSizeBytes");
        Check(await Arm.PatchAsync(disk, """{"properties":{"diskSizeGB":5}}"""), 409, "OperationNotAllowed", "is waiting for its upload");
    }

    [Fact]
    public async Task Repeating_a_PUT_on_a_point_changes_nothing_and_another_model_is_refused()
    {
        ArmResponse point = await _world.PointAsync(_collection, "p");
        ArmResponse again = await Arm.PutAsync(World.Point(_collection, "p"), "{}");
        again.Status.ShouldBe(201, "two SDKs accept nothing else");
        again.Header("Azure-AsyncOperation").ShouldBeNull("the point is final");
        again.Text.ShouldBe(point.Text);
        Check(await Arm.PutAsync(World.Point(_collection, "p"), $$$"""{"properties":{"excludeDisks":[{"id":"{{{_dataDisk}}}"}]}}"""), 409, "OperationNotAllowed", "Update of an existing Restore Point is not supported");
        (await Arm.GetAsync(World.Point(_collection, "p"))).Text.ShouldBe(point.Text);
    }

    [Fact]
    public async Task An_excluded_disk_is_not_in_the_point()
    {
        ArmResponse point = await _world.PointAsync(_collection, "p", $$$"""{"properties":{"excludeDisks":[{"id":"{{{_dataDisk}}}"}]}}""");
        point["properties.excludeDisks.0.id"].ShouldBe(_dataDisk);
        point.Count("properties.sourceMetadata.storageProfile.dataDisks").ShouldBe(0);
        (await Arm.GetAsync($"{World.Point(_collection, "p")}/diskRestorePoints")).Count("value").ShouldBe(1);
    }

    [Fact]
    public async Task A_second_grant_extends_the_first_and_gives_the_same_url_until_it_is_revoked()
    {
        string drp = World.OsDiskPoint(await _world.PointAsync(_collection, "p"));
        string first = await Arm.GrantAsync(drp, seconds: 60), second = await Arm.GrantAsync(drp, seconds: 3600);
        second.ShouldBe(first);
        first.ShouldMatch(@"^http://127\.0\.0\.1:\d+/md-[0-9a-z]{12}/[0-9a-z]{12}/abcd\?snapshot=[^&]+Z&sv=2018-11-09&sr=bs&si=[0-9a-f]{64}&sig=[^&]+$");
        (await _world.Blob(first).LengthAsync()).ShouldBe((1L << 30) + 512);

        await Arm.RevokeAsync(drp);
        using (HttpResponseMessage refused = await _world.Blob(first).SendAsync(HttpMethod.Get, headers: ("x-ms-range", "bytes=0-511")))
        {
            ((int)refused.StatusCode).ShouldBe(403);
            refused.Headers.GetValues("x-ms-error-code").ShouldBe(["AuthenticationFailed"]);
            (await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldContain("<Code>AuthenticationFailed</Code>");
        }
        string third = await Arm.GrantAsync(drp);
        third.ShouldNotBe(first, "a new grant has a new identifier");
        (await _world.Blob(third).LengthAsync()).ShouldBe((1L << 30) + 512);
    }

    [Fact]
    public async Task A_point_or_collection_with_an_active_sas_cannot_be_deleted()
    {
        string drp = World.OsDiskPoint(await _world.PointAsync(_collection, "p"));
        string sas = await Arm.GrantAsync(drp);
        Check(await Arm.DeleteAsync(World.Point(_collection, "p")), 409, "DiskRestorePointUsedByCustomer", "There is an active shared access signature outstanding for disk restore point. Call EndGetAccess before deleting the restore point.");
        Check(await Arm.DeleteAsync(_collection), 409, "DiskRestorePointUsedByCustomer", "");
        (await _world.Blob(sas).ReadAsync(0, 512)).Length.ShouldBe(512, "nothing was deleted");
        await Arm.RevokeAsync(drp);
        await Arm.SucceedAsync(Arm.DeleteAsync(_collection));
        (await Arm.GetAsync(World.Point(_collection, "p"))).Expect(404);
    }

    [Fact]
    public async Task At_most_five_points_of_a_disk_have_a_sas_at_a_time()
    {
        for (int i = 0; i < 6; i++)
        {
            string drp = World.OsDiskPoint(await _world.PointAsync(_collection, $"p{i}"));
            if (i < 5)
                await Arm.GrantAsync(drp);
            else
                Check(await Arm.PostAsync($"{drp}/beginGetAccess", """{"access":"Read","durationInSeconds":60}"""), 409, "OperationNotAllowed", "");
        }
    }

    [Theory]
    [InlineData("""{"access":"Read"}""")]
    [InlineData("""{"access":"Read","durationInSeconds":0}""")]
    [InlineData("""{"access":"Read","durationInSeconds":-5}""")]
    [InlineData("""{"access":"Read","durationInSeconds":5184001}""")]
    public async Task A_sas_needs_a_duration_within_the_limit(string body)
    {
        string disk = await _world.EmptyDiskAsync("free");
        ArmResponse answer = await Arm.PostAsync($"{disk}/beginGetAccess", body);
        Check(answer, 400, "InvalidParameter", "");
        answer["error.target"].ShouldBe("durationInSeconds");
    }

    [Fact]
    public async Task The_disk_of_a_running_machine_gives_no_sas()
    {
        Check(await Arm.PostAsync($"{_dataDisk}/beginGetAccess", """{"access":"Read","durationInSeconds":60}"""), 409, "OperationNotAllowed", "");
        await Arm.SucceedAsync(Arm.PostAsync($"{_vm}/deallocate"));
        await Arm.GrantAsync(_dataDisk);
        ArmResponse start = await Arm.PostAsync($"{_vm}/start");
        Check(start, 409, "OperationNotAllowed", "There is an active shared access signature outstanding for disk data.");
        await Arm.RevokeAsync(_dataDisk);
        await Arm.SucceedAsync(Arm.PostAsync($"{_vm}/start"));
    }

    [Fact]
    public async Task An_attached_disk_cannot_be_deleted_or_attached_twice_and_no_disk_shrinks()
    {
        Check(await Arm.DeleteAsync(_dataDisk), 409, "OperationNotAllowed", "vm");
        Check(await Arm.PutAsync(_world.Vm("thief"), _world.VmBody(_dataDisk)), 409, "OperationNotAllowed", "vm");
        string free = await _world.EmptyDiskAsync("free", gib: 8);
        Check(await Arm.PatchAsync(free, """{"properties":{"diskSizeGB":4}}"""), 409, "OperationNotAllowed", "");
        (await Arm.GetAsync(free))["properties.diskSizeGB"].ShouldBe("8");
    }

    [Fact]
    public async Task An_unknown_expand_is_refused()
    {
        await _world.PointAsync(_collection, "p");
        Check(await Arm.GetAsync(_collection, "$expand=everything"), 400, "InvalidParameter", "");
        Check(await Arm.GetAsync(World.Point(_collection, "p"), "$expand=everything"), 400, "InvalidParameter", "");
        (await Arm.GetAsync(_collection, "%24expand=restorePoints")).Expect(200).Count("properties.restorePoints").ShouldBe(1);
    }

    [Fact]
    public async Task Points_outlive_their_machine_and_disks()
    {
        RawBlob guest = await _world.GuestAsync(_dataDisk);
        byte[] content = World.Noise(31, 64 * 1024);
        await guest.WriteAsync(0, content);
        string drp = World.DataDiskPoint(await _world.PointAsync(_collection, "p"), 0);
        await Arm.SucceedAsync(Arm.DeleteAsync(_vm));
        await Arm.SucceedAsync(Arm.DeleteAsync(_dataDisk));
        await Arm.SucceedAsync(Arm.DeleteAsync(_osDisk));
        (await _world.Blob(await Arm.GrantAsync(drp)).ReadAsync(0, content.Length)).ShouldBe(content);
        string restored = await _world.RestoredDiskAsync("restored", drp);
        (await (await _world.GuestAsync(restored)).ReadAsync(0, content.Length)).ShouldBe(content);
    }

    [Fact]
    public async Task A_stopped_machine_gives_a_crash_consistent_point()
    {
        await Arm.SucceedAsync(Arm.PostAsync($"{_vm}/powerOff"));
        (await _world.PointAsync(_collection, "p"))["properties.consistencyMode"].ShouldBe("CrashConsistent");
    }

    [Fact]
    public async Task A_copied_disk_has_the_content_and_a_life_of_its_own()
    {
        RawBlob guest = await _world.GuestAsync(_dataDisk);
        byte[] content = World.Noise(32, 64 * 1024);
        await guest.WriteAsync(1 << 20, content);
        string copy = _world.Disk("copy");
        await Arm.SucceedAsync(Arm.PutAsync(copy, World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{_dataDisk}\"")));
        await guest.WriteAsync(1 << 20, new byte[4096]);
        (await Arm.GetAsync(copy))["properties.diskSizeGB"].ShouldBe("4");
        (await (await _world.GuestAsync(copy)).ReadAsync(1 << 20, content.Length)).ShouldBe(content);
    }

    private static string Body(string location, string vm) => $$$"""{"location":"{{{location}}}","properties":{"source":{"id":"{{{vm}}}"}} }""";

    private static void Check(ArmResponse answer, int status, string code, string messagePart) => NotFoundTests.Check(answer, status, code, messagePart);
}
