using Shouldly;
using Xunit;
using static RestorePoints.Emulator.Tests.ControlPlane.NotFoundTests;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Snapshots as resources: their bodies, their creation, what changes and what is refused.</summary>
public sealed class SnapshotTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task An_absent_snapshot_is_answered_by_the_gateway_and_deleting_it_is_nothing_to_do()
    {
        string absent = _world.Snapshot("absent");
        string message = "The Resource 'Microsoft.Compute/snapshots/absent' under resource group 'backup-test' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix";
        foreach (ArmResponse answer in new[]
        {
            await Arm.GetAsync(absent), await Arm.PatchAsync(absent, "{}"), await Arm.PostAsync($"{absent}/endGetAccess"),
            await Arm.PostAsync($"{absent}/beginGetAccess", """{"access":"Read","durationInSeconds":60}"""),
        })
        {
            Check(answer, 404, "ResourceNotFound", message);
            answer.Header("x-ms-failure-cause").ShouldBe("gateway");
        }
        (await Arm.DeleteAsync(absent)).Expect(204);
        string elsewhere = absent.Replace("/backup-test/", "/no-such-group/");
        Check(await Arm.GetAsync(elsewhere), 404, "ResourceGroupNotFound", "");
        Check(await Arm.DeleteAsync(elsewhere), 404, "ResourceGroupNotFound", "");
        Check(await Arm.GetAsync($"{_world.Compute.Replace("/backup-test/", "/no-such-group/")}/snapshots"), 404, "ResourceGroupNotFound", "");
    }

    [Fact]
    public async Task A_source_in_another_region_or_absent_is_not_found()
    {
        string disk = await _world.EmptyDiskAsync("testdisk-000002", location: "northeurope");
        ArmResponse answer = await Arm.PutAsync(_world.Snapshot("s"), World.SnapshotBody(disk));
        Check(answer, 404, "NotFound", "Resource testdisk-000002 is not found.");
        answer.Body.Length.ShouldBe(105, "as recorded");
        answer.Header("Azure-AsyncOperation").ShouldBeNull();
        Check(await Arm.PutAsync(_world.Snapshot("s"), World.SnapshotBody(_world.Disk("absent"))), 404, "NotFound", "Resource absent is not found.");
        Check(await Arm.PutAsync(_world.Snapshot("s"), World.SnapshotBody(_world.Snapshot("absent"))), 404, "NotFound", "Resource absent is not found.");
        Check(await Arm.PutAsync(_world.Disk("d"), World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{_world.Snapshot("absent")}\"")), 404, "NotFound", "Resource absent is not found.");
        (await Arm.GetAsync(_world.Snapshot("s"))).Expect(404);
    }

    [Fact]
    public async Task A_disk_that_waits_for_its_upload_has_nothing_to_snapshot()
    {
        await Arm.SucceedAsync(Arm.PutAsync(_world.Disk("upload"), World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{World.UploadBytes + 512}")));
        Check(await Arm.PutAsync(_world.Snapshot("s"), World.SnapshotBody(_world.Disk("upload"))), 409, "OperationNotAllowed", "waiting for its upload");
    }

    [Fact]
    public async Task A_copy_may_be_larger_than_its_source_and_never_smaller()
    {
        string disk = await _world.EmptyDiskAsync("disk", gib: 2);
        Check(await Arm.PutAsync(_world.Snapshot("small"), World.SnapshotBody(disk, ",\"diskSizeGB\":1")), 409, "OperationNotAllowed", "must not be smaller");
        await Arm.SucceedAsync(Arm.PutAsync(_world.Snapshot("large"), World.SnapshotBody(disk, ",\"diskSizeGB\":3")));
        (await Arm.GetAsync(_world.Snapshot("large")))["properties.diskSizeBytes"].ShouldBe((3L << 30).ToString());
        (await _world.Blob(await Arm.GrantAsync(_world.Snapshot("large"))).LengthAsync()).ShouldBe((3L << 30) + 512);
        Check(await Arm.PutAsync(_world.Disk("d"), World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{_world.Snapshot("large")}\"", ",\"diskSizeGB\":2")), 409, "OperationNotAllowed", "must not be smaller");
    }

    [Fact]
    public async Task A_second_PUT_changes_what_can_change_and_refuses_another_creation()
    {
        string disk = await _world.EmptyDiskAsync("disk"), other = await _world.EmptyDiskAsync("other");
        string snapshot = await _world.SnapshotAsync("s", disk, incremental: true);
        ArmResponse before = await Arm.GetAsync(snapshot);
        await Arm.SucceedAsync(Arm.PutAsync(snapshot, $$$"""{"location":"West Europe","tags":{"a":"b"},"sku":{"name":"Standard_ZRS"},"properties":{"creationData":{"createOption":"copy","sourceResourceId":"{{{disk}}}"},"networkAccessPolicy":"DenyAll"}}"""));
        ArmResponse after = await Arm.GetAsync(snapshot);
        after["properties.uniqueId"].ShouldBe(before["properties.uniqueId"], "the same snapshot");
        after["tags.a"].ShouldBe("b");
        after["sku.name"].ShouldBe("Standard_ZRS");
        after["properties.networkAccessPolicy"].ShouldBe("DenyAll");
        after["properties.incremental"].ShouldBe("true");
        Check(await Arm.PutAsync(snapshot, World.SnapshotBody(other)), 409, "PropertyChangeNotAllowed", "snapshot.creationData.sourceResourceId");
        Check(await Arm.PutAsync(snapshot, World.SnapshotBody(disk, location: "northeurope")), 409, "PropertyChangeNotAllowed", "location");
        Check(await Arm.PutAsync(snapshot, World.SnapshotBody(disk, ",\"incremental\":false")), 409, "PropertyChangeNotAllowed", "snapshot.incremental");
        Check(await Arm.PutAsync(snapshot, """{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":1}}"""), 409, "PropertyChangeNotAllowed", "snapshot.creationData.createOption");
        (await Arm.GetAsync(snapshot)).Text.ShouldBe(after.Text);
    }

    [Fact]
    public async Task An_incremental_snapshot_takes_the_sku_of_the_one_before()
    {
        string disk = await _world.EmptyDiskAsync("disk");
        await Arm.SucceedAsync(Arm.PutAsync(_world.Snapshot("one"), $$$"""{"location":"westeurope","sku":{"name":"Standard_ZRS"},"properties":{"incremental":true,"creationData":{"createOption":"Copy","sourceResourceId":"{{{disk}}}"}} }"""));
        (await Arm.GetAsync(await _world.SnapshotAsync("two", disk, incremental: true)))["sku.name"].ShouldBe("Standard_ZRS");
        (await Arm.GetAsync(await _world.SnapshotAsync("full", disk)))["sku.name"].ShouldBe("Standard_LRS");
    }

    [Theory]
    [InlineData("2018-06-01", "")]
    [InlineData("2019-03-01", "incremental diskSizeBytes uniqueId")]
    [InlineData("2020-12-01", "encryption incremental networkAccessPolicy diskState diskSizeBytes uniqueId")]
    [InlineData("2021-04-01", "encryption incremental networkAccessPolicy publicNetworkAccess diskState diskSizeBytes uniqueId completionPercent")]
    [InlineData("2022-07-02", "encryption incremental networkAccessPolicy publicNetworkAccess diskState diskSizeBytes uniqueId completionPercent incrementalSnapshotFamilyId")]
    [InlineData("2026-03-02", "encryption incremental networkAccessPolicy publicNetworkAccess diskState diskSizeBytes uniqueId completionPercent incrementalSnapshotFamilyId snapshotAccessState")]
    public async Task A_property_appears_from_the_version_that_introduced_it(string version, string expected)
    {
        string snapshot = await _world.SnapshotAsync("s", await _world.EmptyDiskAsync("disk"), incremental: true);
        string[] shown = (await Arm.SendAsync(HttpMethod.Get, snapshot, apiVersion: version)).Expect(200).Keys("properties").Split(' ');
        shown.Except(["creationData", "diskSizeGB", "timeCreated", "provisioningState"]).ShouldBe(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Properties_without_behaviour_are_kept_and_echoed_and_inherited_by_copies()
    {
        string disk = await _world.EmptyDiskAsync("disk"), snapshot = _world.Snapshot("s");
        string set = $"{_world.Compute}/diskEncryptionSets/des";
        await Arm.SucceedAsync(Arm.PutAsync(snapshot, World.SnapshotBody(disk, $$$""","supportsHibernation":true,"purchasePlan":{"name":"n","publisher":"p","product":"q"},"securityProfile":{"securityType":"trustedlaunch"},"dataAccessAuthMode":"None","encryption":{"diskEncryptionSetId":"{{{set}}}"}""")));
        ArmResponse shown = (await Arm.GetAsync(snapshot)).Expect(200);
        shown["properties.supportsHibernation"].ShouldBe("true");
        shown["properties.purchasePlan.publisher"].ShouldBe("p");
        shown["properties.securityProfile.securityType"].ShouldBe("TrustedLaunch");
        shown["properties.dataAccessAuthMode"].ShouldBe("None");
        shown["properties.encryption.type"].ShouldBe("EncryptionAtRestWithCustomerKey");
        shown["properties.encryption.diskEncryptionSetId"].ShouldBe(set);
        await Arm.SucceedAsync(Arm.PatchAsync(snapshot, """{"properties":{"supportsHibernation":false,"incremental":true,"creationData":{"createOption":"Empty"}}}"""));
        ArmResponse patched = await Arm.GetAsync(snapshot);
        patched["properties.supportsHibernation"].ShouldBe("false");
        patched["properties.purchasePlan.publisher"].ShouldBe("p", "what the PATCH does not name stays");
        (patched["properties.incremental"], patched["properties.creationData.createOption"]).ShouldBe(("false", "Copy"), "how it was made cannot be patched");

        foreach (string copy in new[] { await _world.SnapshotAsync("copy", snapshot), await _world.CopiedDiskAsync("from-snapshot", snapshot) })
        {
            ArmResponse inherited = await Arm.GetAsync(copy);
            inherited["properties.purchasePlan.publisher"].ShouldBe("p");
            inherited["properties.securityProfile.securityType"].ShouldBe("TrustedLaunch");
            inherited["properties.encryption.type"].ShouldBe("EncryptionAtRestWithPlatformKey", "keys are chosen for each resource");
        }
    }

    [Fact]
    public async Task What_the_service_sets_is_not_read()
    {
        string disk = await _world.EmptyDiskAsync("disk");
        await Arm.SucceedAsync(Arm.PutAsync(_world.Snapshot("s"), World.SnapshotBody(disk, ",\"uniqueId\":\"mine\",\"diskState\":\"ActiveSAS\",\"completionPercent\":\"all\",\"provisioningState\":\"Succeeded\"")));
        ArmResponse shown = await Arm.GetAsync(_world.Snapshot("s"));
        shown["properties.diskState"].ShouldBe("Unattached");
        shown.Node("properties.completionPercent").ShouldBeNull();
        Guid.TryParse(shown["properties.uniqueId"], out _).ShouldBeTrue(shown.Text);
        foreach (string state in new[] { "\"Failed\"", "\"Updating\"", "7" })
            Check(await Arm.PutAsync(_world.Snapshot("s"), World.SnapshotBody(disk, $",\"provisioningState\":{state}")), 400, state == "7" ? "InvalidRequestContent" : "InvalidParameter", "provisioningState");
        (await Arm.GetAsync(_world.Snapshot("s"))).Text.ShouldBe(shown.Text);
    }

    [Fact]
    public async Task All_faults_of_a_body_are_told_at_once()
    {
        ArmResponse answer = await Arm.PutAsync(_world.Snapshot("bad"),
            """{"location":"west/europe","sku":{"name":"UltraSSD_LRS"},"properties":{"osType":"BeOS","networkAccessPolicy":"Some","publicNetworkAccess":"Maybe","diskSizeGB":0,"creationData":{"createOption":"Copy","sourceResourceId":"nowhere"}}}""");
        answer.Expect(400);
        answer.Node("error.details")!.AsArray().Select(detail => detail!["target"]!.ToString()).ShouldBe(
            ["location", "sku.name", "properties.osType", "properties.networkAccessPolicy", "properties.publicNetworkAccess", "properties.diskSizeGB", "properties.creationData.sourceResourceId"], ignoreOrder: true);
        foreach (string body in new[]
        {
            """{"location":"westeurope"}""", """{"location":"westeurope","properties":{}}""", """{"location":"westeurope","properties":{"creationData":{}}}""",
            """{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"}}}""", """{"location":"westeurope","properties":{"creationData":{"createOption":"Magic"}}}""",
        })
            Check(await Arm.PutAsync(_world.Snapshot("bad"), body), 400, "InvalidParameter", "");
        Check(await Arm.PutAsync(_world.Snapshot("-bad-"), """{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":1}}"""), 400, "InvalidParameter", "snapshotName");
        (await Arm.GetAsync($"{_world.Compute}/snapshots")).Count("value").ShouldBe(0);
    }

    [Theory]
    [InlineData("ImportSecure")]
    [InlineData("Upload")]
    [InlineData("UploadPreparedSecure")]
    [InlineData("Restore")]
    public async Task Creation_options_that_are_not_served_say_so(string option) =>
        Check(await Arm.PutAsync(_world.Snapshot("s"), $$$"""{"location":"westeurope","properties":{"creationData":{"createOption":"{{{option}}}"}} }"""), 501, "NotImplemented", option);

    [Fact]
    public async Task Deleting_the_group_deletes_its_snapshots()
    {
        string snapshot = await _world.SnapshotAsync("s", await _world.EmptyDiskAsync("disk"));
        await Arm.FinishAsync((await Arm.DeleteAsync(_world.Group)).Expect(202));
        await World.CreateAsync(Arm);
        (await Arm.GetAsync(snapshot)).Expect(404);
        (await Arm.GetAsync($"{_world.Compute}/snapshots")).Count("value").ShouldBe(0);
    }

    [Fact]
    public async Task A_reset_of_the_subscription_takes_its_snapshots()
    {
        string snapshot = await _world.SnapshotAsync("s", await _world.EmptyDiskAsync("disk"));
        string sas = await Arm.GrantAsync(snapshot);
        (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/emulator/reset?subscription={Arm.Subscription.Split('/')[^1]}"))).Expect(204);
        await World.CreateAsync(Arm);
        (await Arm.GetAsync(snapshot)).Expect(404);
        using HttpResponseMessage refused = await _world.Blob(sas).SendAsync(HttpMethod.Get);
        ((int)refused.StatusCode).ShouldBe(403);
    }

    [Theory]
    [InlineData("imageReference", "Linux", 30)]
    [InlineData("galleryImageReference", "Windows", 127)]
    public async Task A_disk_from_an_image_is_empty_and_of_the_images_usual_size(string reference, string osType, int gib)
    {
        string disk = _world.Disk("image");
        string image = $"/Subscriptions/{Guid.Empty}/Providers/Microsoft.Compute/Locations/westeurope/Publishers/p/ArtifactTypes/VMImage/Offers/o/Skus/s/Versions/1.0.0";
        string creation = $"\"createOption\":\"FromImage\",\"{reference}\":{{\"id\":\"{image}\"}}";
        Check(await Arm.PutAsync(disk, World.DiskBody("\"createOption\":\"FromImage\"")), 400, "InvalidParameter", "imageReference");
        Check(await Arm.PutAsync(disk, World.DiskBody(creation, $",\"osType\":\"{osType}\",\"diskSizeGB\":10")), 409, "OperationNotAllowed", "must not be smaller");
        await Arm.SucceedAsync(Arm.PutAsync(disk, World.DiskBody(creation, $",\"osType\":\"{osType}\"")));
        ArmResponse shown = (await Arm.GetAsync(disk)).Expect(200);
        shown.Keys("properties.creationData").ShouldBe($"createOption {reference}");
        shown[$"properties.creationData.{reference}.id"].ShouldBe(image);
        shown["properties.osType"].ShouldBe(osType);
        shown["properties.diskSizeGB"].ShouldBe(gib.ToString());
        await Arm.SucceedAsync(Arm.PutAsync(_world.Disk("larger"), World.DiskBody(creation, $",\"osType\":\"{osType}\",\"diskSizeGB\":200")));
        (await Arm.GetAsync(_world.Disk("larger")))["properties.diskSizeGB"].ShouldBe("200");
        Check(await Arm.PutAsync(disk, World.DiskBody(creation.Replace("1.0.0", "2.0.0"), $",\"osType\":\"{osType}\"")), 409, "PropertyChangeNotAllowed", reference);
    }
}
