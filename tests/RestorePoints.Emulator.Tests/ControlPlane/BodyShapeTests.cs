using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>The text of the bodies: layout, order of the members, spelling of times and ids.</summary>
public sealed partial class BodyShapeTests(WalkThrough walk) : IClassFixture<WalkThrough>
{
    [Theory]
    [InlineData("RPC GET")]
    [InlineData("RP GET")]
    [InlineData("RP PUT poll")]
    [InlineData("RP GET deleted")]
    [InlineData("VM GET")]
    [InlineData("disk GET")]
    [InlineData("DRP list")]
    [InlineData("DRP beginGetAccess result")]
    public void Json_is_pretty_with_CRLF_and_no_newline_at_the_end(string call)
    {
        string text = walk[call].Text;
        walk[call].Header("Content-Type").ShouldBe("application/json; charset=utf-8");
        text.ShouldStartWith("{\r\n  \"");
        text.ShouldEndWith("\r\n}");
        text.Replace("\r\n", "").ShouldNotContain("\n");
    }

    [Fact]
    public void A_finished_status_body_has_the_recorded_layout() =>
        FinishedStatus().IsMatch(walk["RP PUT poll"].Text).ShouldBeTrue(walk["RP PUT poll"].Text);

    [Fact]
    public void Absent_values_are_omitted_and_never_null()
    {
        foreach ((string call, ArmResponse answer) in walk.Answers.Where(pair => pair.Value.HasBody))
            NullsIn(answer.Json).ShouldBeEmpty(call);
    }

    [Fact]
    public void Times_have_an_offset_and_no_trailing_zeros()
    {
        string[] times = [.. walk.Answers.Where(pair => pair.Value.HasBody).SelectMany(pair => TimesIn(pair.Value.Json))];
        times.Length.ShouldBeGreaterThan(20);
        times.ShouldAllBe(time => Timestamp().IsMatch(time));
    }

    [Fact]
    public void A_collection_is_complete_at_once_and_in_the_recorded_order()
    {
        walk["RPC PUT"].Keys().ShouldBe("name id type location properties");
        walk["RPC PUT"].Keys("properties").ShouldBe("source restorePointCollectionId provisioningState");
        walk["RPC PUT"].Keys("properties.source").ShouldBe("location id");
        walk["RPC PUT"]["type"].ShouldBe("Microsoft.Compute/restorePointCollections");
        walk["RPC PUT"]["location"].ShouldBe("westeurope", "as ARM spells regions");
        walk["RPC PUT"]["properties.source.location"].ShouldBe("westeurope");
        walk["RPC PUT"]["properties.provisioningState"].ShouldBe("Succeeded");
        walk["RPC PUT"]["id"].ShouldBe(walk.World.Collection("daily"));
        walk["RPC PATCH"].Keys().ShouldBe("name id type location tags properties");
        walk["RPC PATCH"]["tags.kind"].ShouldBe("daily");
        walk["RPC GET"].Text.ShouldBe(walk["RPC PATCH"].Text);
    }

    [Fact]
    public void A_collection_shows_its_points_only_when_asked()
    {
        walk["RPC GET"].Node("properties.restorePoints").ShouldBeNull();
        walk["RPC GET empty $expand"].Keys("properties").ShouldBe("source restorePointCollectionId restorePoints provisioningState");
        walk["RPC GET empty $expand"].Count("properties.restorePoints").ShouldBe(0);
        walk["RPC GET $expand"].Count("properties.restorePoints").ShouldBe(1);
        walk["RPC GET $expand"].Node("properties.restorePoints.0")!.ToJsonString().ShouldBe(walk["RP GET"].Json.ToJsonString());
    }

    [Fact]
    public void Lists_have_the_items_without_points_and_the_group_in_capitals_across_a_subscription()
    {
        walk["RPC list in group"].Keys().ShouldBe("value");
        walk["RPC list in group"].Node("value.0")!.ToJsonString().ShouldBe(walk["RPC GET"].Json.ToJsonString());
        walk["RPC list in subscription"].Keys().ShouldBe("value");
        walk["RPC list in subscription"]["value.0.id"].ShouldBe(walk["RPC GET"]["id"]!.Replace("/backup-test/", "/BACKUP-TEST/"));
    }

    [Fact]
    public void A_point_that_is_being_created_has_its_source_but_no_disk_points_yet()
    {
        ArmResponse creating = walk["RP PUT"];
        creating.Keys().ShouldBe("name id properties");
        creating.Keys("properties").ShouldBe("sourceMetadata provisioningState timeCreated");
        creating["properties.provisioningState"].ShouldBe("Creating");
        creating.Text.ShouldNotContain("diskRestorePoint");
        creating["properties.sourceMetadata.vmId"].ShouldBe(walk["VM GET"]["properties.vmId"]);
        creating["properties.sourceMetadata.location"].ShouldBe("westeurope");
        creating["properties.sourceMetadata.hardwareProfile.vmSize"].ShouldBe("Standard_D2s_v5");
        creating["properties.sourceMetadata.osProfile.computerName"].ShouldBe("vm");
        creating.Text.ShouldNotContain("P@ssw0rd");
        creating.Text.ShouldNotContain("adminPassword");
    }

    [Fact]
    public void A_finished_point_names_its_disk_points()
    {
        ArmResponse point = walk["RP GET"];
        point.Keys().ShouldBe("name id properties");
        point.Keys("properties").ShouldBe("sourceMetadata provisioningState consistencyMode timeCreated");
        point["properties.provisioningState"].ShouldBe("Succeeded");
        point["properties.consistencyMode"].ShouldBe("FileSystemConsistent", "a running Linux machine");
        point["properties.timeCreated"].ShouldBe(walk["RP PUT"]["properties.timeCreated"]);
        point.Keys("properties.sourceMetadata.storageProfile.osDisk").ShouldBe("osType name diskSizeGB caching managedDisk diskRestorePoint");
        point.Keys("properties.sourceMetadata.storageProfile.osDisk.managedDisk").ShouldBe("storageAccountType id");
        point.Count("properties.sourceMetadata.storageProfile.dataDisks").ShouldBe(2);
        point.Keys("properties.sourceMetadata.storageProfile.dataDisks.0").ShouldBe("lun name diskSizeGB caching managedDisk diskRestorePoint writeAcceleratorEnabled");
        point.Keys("properties.sourceMetadata.storageProfile.dataDisks.0.diskRestorePoint").ShouldBe("encryption id");
        point["properties.sourceMetadata.storageProfile.dataDisks.0.diskRestorePoint.encryption.type"].ShouldBe("EncryptionAtRestWithPlatformKey");
        point["properties.sourceMetadata.storageProfile.dataDisks.0.managedDisk.id"].ShouldBe(walk.World.Disk("data"));
        Regex.IsMatch(World.DataDiskPoint(point, 0), @"/restorePointCollections/daily/restorePoints/p1/diskRestorePoints/data_[0-9a-f-]{36}$").ShouldBeTrue(World.DataDiskPoint(point, 0));
    }

    [Fact]
    public void The_instance_view_comes_only_when_asked()
    {
        walk["RP GET"].Node("properties.instanceView").ShouldBeNull();
        walk["RP GET $expand"].Keys("properties").ShouldBe("sourceMetadata provisioningState consistencyMode instanceView timeCreated");
    }

    [Fact]
    public void A_disk_restore_point_knows_its_disk()
    {
        ArmResponse drp = walk["DRP GET"];
        drp["id"].ShouldBe(World.OsDiskPoint(walk["RP GET"]));
        drp["name"].ShouldBe(drp["id"]!.Split('/')[^1]);
        drp["properties.sourceResourceId"].ShouldBe(walk["VM GET"]["properties.storageProfile.osDisk.managedDisk.id"]);
        drp["properties.osType"].ShouldBe("Linux");
        Guid.TryParse(drp["properties.familyId"], out _).ShouldBeTrue();
        Guid.TryParse(drp["properties.sourceUniqueId"], out _).ShouldBeTrue();
        drp["properties.networkAccessPolicy"].ShouldBe("AllowAll");
        walk["DRP list"].Count("value").ShouldBe(3);
        walk["DRP list"].Node("value")!.AsArray().ShouldContain(item => item!["id"]!.ToString() == drp["id"]);
    }

    [Fact]
    public void A_disk_being_made_echoes_the_request_and_a_finished_one_is_full()
    {
        walk["disk PUT"].Keys().ShouldBe("name id type location tags sku properties");
        walk["disk PUT"].Keys("sku").ShouldBe("name");
        walk["disk PUT"]["properties.provisioningState"].ShouldBe("Updating");
        walk["disk PUT"].Node("properties.diskState").ShouldBeNull();
        ArmResponse disk = walk["disk GET"];
        disk.Keys().ShouldBe("name id type location tags sku properties");
        disk.Keys("tags").ShouldBe("zeta alpha", "tags keep the order of the request");
        disk.Keys("sku").ShouldBe("name tier");
        disk.Keys("properties").ShouldBe("creationData diskSizeGB diskIOPSReadWrite diskMBpsReadWrite encryption networkAccessPolicy publicNetworkAccess timeCreated provisioningState diskState diskSizeBytes uniqueId tier");
        disk["location"].ShouldBe("westeurope");
        disk["sku.tier"].ShouldBe("Premium");
        disk["properties.diskIOPSReadWrite"].ShouldBe("120");
        disk["properties.diskMBpsReadWrite"].ShouldBe("25");
        disk["properties.tier"].ShouldBe("P3");
        disk["properties.diskState"].ShouldBe("Unattached");
        disk["properties.diskSizeBytes"].ShouldBe("10737418240");
        walk["disk GET with SAS"]["properties.diskState"].ShouldBe("ActiveSAS");
        walk["disk GET without SAS"]["properties.diskState"].ShouldBe("Unattached");
        walk["disk GET without SAS"].Keys("tags").ShouldBe("beta", "PATCH replaces all tags");
    }

    [Fact]
    public void A_snapshot_being_made_echoes_the_request_and_a_finished_one_is_full()
    {
        walk["empty snapshot PUT"].Keys().ShouldBe("name id type location properties", "as recorded, without a sku that was not asked for");
        walk["empty snapshot PUT"].Keys("properties").ShouldBe("creationData diskSizeGB provisioningState");
        walk["snapshot PUT"].Keys("properties").ShouldBe("creationData provisioningState");
        walk["snapshot PUT"].Keys("properties.creationData").ShouldBe("createOption sourceResourceId sourceUniqueId");
        walk["snapshot PUT"]["properties.provisioningState"].ShouldBe("Updating");
        walk["incremental PUT"].Keys().ShouldBe("name id type location tags sku properties");
        walk["incremental PUT"].Keys("sku").ShouldBe("name");
        walk["incremental PUT"].Keys("properties").ShouldBe("creationData incremental provisioningState");

        ArmResponse full = walk["snapshot GET"];
        full.Keys().ShouldBe("name id type location sku properties");
        full["id"].ShouldBe(walk.World.Snapshot("full"));
        full["type"].ShouldBe("Microsoft.Compute/snapshots");
        full["location"].ShouldBe("westeurope");
        full["sku.name"].ShouldBe("Standard_LRS");
        full["sku.tier"].ShouldBe("Standard");
        full.Keys("properties").ShouldBe("creationData diskSizeGB encryption incremental networkAccessPolicy publicNetworkAccess timeCreated provisioningState diskState diskSizeBytes uniqueId");
        full["properties.creationData.sourceResourceId"].ShouldBe(walk.World.Disk("data"));
        full["properties.creationData.sourceUniqueId"].ShouldBe(walk["disk GET"]["properties.uniqueId"]);
        full["properties.incremental"].ShouldBe("false");
        full["properties.diskState"].ShouldBe("Unattached");
        full["properties.diskSizeBytes"].ShouldBe("10737418240");
        full["properties.networkAccessPolicy"].ShouldBe("AllowAll");

        ArmResponse increment = walk["incremental GET"];
        increment.Keys("properties").ShouldBe("creationData diskSizeGB encryption incremental networkAccessPolicy publicNetworkAccess timeCreated provisioningState diskState diskSizeBytes uniqueId completionPercent incrementalSnapshotFamilyId");
        increment["sku.name"].ShouldBe("Premium_LRS");
        increment["sku.tier"].ShouldBe("Premium");
        increment["properties.incremental"].ShouldBe("true");
        increment.Text.ShouldContain("\"completionPercent\": 100.0", customMessage: "a number with a fraction, as recorded");
        walk["empty snapshot GET"].Keys("properties.creationData").ShouldBe("createOption");
    }

    [Fact]
    public void A_patched_snapshot_shows_the_change_at_once_and_then_its_size_in_bytes()
    {
        walk["snapshot PATCH"].Keys("sku").ShouldBe("name tier");
        walk["snapshot PATCH"]["properties.provisioningState"].ShouldBe("Updating");
        walk["snapshot PATCH"]["properties.diskSizeGB"].ShouldBe("20");
        walk["snapshot GET patched"]["properties.diskSizeGB"].ShouldBe("20");
        walk["snapshot GET patched"]["properties.diskSizeBytes"].ShouldBe("21474836480");
        walk["snapshot GET patched"].Keys("tags").ShouldBe("beta");
        walk["snapshot GET with SAS"]["properties.diskState"].ShouldBe("ActiveSAS");
        walk["snapshot GET without SAS"]["properties.diskState"].ShouldBe("Unattached");
    }

    [Fact]
    public void The_lists_of_snapshots_have_full_items_and_the_group_in_capitals_across_a_subscription()
    {
        walk["snapshot list in group"].Keys().ShouldBe("value");
        walk["snapshot list in group"].Count("value").ShouldBe(3);
        walk["snapshot list in group"].Node("value.2")!.ToJsonString().ShouldBe(walk["incremental GET"].Json.ToJsonString());
        walk["snapshot list in subscription"].Keys().ShouldBe("value");
        walk["snapshot list in subscription"]["value.2.id"].ShouldBe(walk["incremental GET"]["id"]!.Replace("/backup-test/", "/BACKUP-TEST/"));
    }

    [Fact]
    public void A_disk_for_upload_waits_and_shows_no_size_before_the_upload()
    {
        walk["upload GET"]["properties.diskState"].ShouldBe("ReadyToUpload");
        walk["upload GET"].Keys("properties.creationData").ShouldBe("createOption uploadSizeBytes");
        walk["upload GET"].Node("properties.diskSizeGB").ShouldBeNull();
        walk["upload GET"].Node("properties.diskSizeBytes").ShouldBeNull();
    }

    [Fact]
    public void A_disk_restored_from_a_point_may_be_larger_and_names_its_source()
    {
        ArmResponse disk = walk["restored GET"];
        disk.Keys("properties.creationData").ShouldBe("createOption sourceResourceId");
        disk["properties.creationData.createOption"].ShouldBe("Restore");
        disk["properties.creationData.sourceResourceId"].ShouldBe(walk["DRP GET"]["id"]);
        disk["properties.diskSizeBytes"].ShouldBe((40L << 30).ToString());
        disk["properties.diskState"].ShouldBe("Unattached");
    }

    [Fact]
    public void A_machine_fills_in_what_the_service_makes()
    {
        walk["VM PUT"]["properties.provisioningState"].ShouldBe("Creating");
        walk["VM PUT"].Text.ShouldNotContain("adminPassword");
        ArmResponse vm = walk["VM GET"];
        vm["properties.provisioningState"].ShouldBe("Succeeded");
        Regex.IsMatch(vm["properties.storageProfile.osDisk.name"]!, "^vm_OsDisk_1_[0-9a-f]{32}$").ShouldBeTrue(vm["properties.storageProfile.osDisk.name"]);
        vm["properties.storageProfile.osDisk.osType"].ShouldBe("Linux");
        vm["properties.storageProfile.osDisk.diskSizeGB"].ShouldBe("30");
        vm["properties.storageProfile.dataDisks.0.name"].ShouldBe("data");
        Regex.IsMatch(vm["properties.storageProfile.dataDisks.1.name"]!, "^vm_disk[2-9]_[0-9a-f]{32}$").ShouldBeTrue(vm["properties.storageProfile.dataDisks.1.name"]);
        vm["properties.networkProfile.networkInterfaces.0.id"].ShouldBe($"{walk.World.Group}/providers/Microsoft.Network/networkInterfaces/nic");
        walk["VM instanceView"].Node("statuses")!.AsArray().ShouldContain(status => status!["code"]!.ToString() == "PowerState/running");
        walk["VM GET $expand"].Node("properties.instanceView.statuses")!.AsArray().ShouldContain(status => status!["code"]!.ToString() == "PowerState/running");
    }

    private static IEnumerable<string> NullsIn(JsonNode node) => node switch
    {
        JsonObject found => found.SelectMany(pair => pair.Value is null ? [pair.Key] : NullsIn(pair.Value)),
        JsonArray array => array.SelectMany(item => item is null ? ["[]"] : NullsIn(item)),
        _ => [],
    };

    private static IEnumerable<string> TimesIn(JsonNode node) => node switch
    {
        JsonObject found => found.SelectMany(pair => pair.Key is "timeCreated" or "startTime" or "endTime" or "time" ? [pair.Value!.ToString()] : TimesIn(pair.Value!)),
        JsonArray array => array.SelectMany(item => TimesIn(item!)),
        _ => [],
    };

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?\+00:00$")]
    private static partial Regex Timestamp();

    [GeneratedRegex("^\\{\r\n  \"startTime\": \"[^\"]+\",\r\n  \"endTime\": \"[^\"]+\",\r\n  \"status\": \"Succeeded\",\r\n  \"name\": \"[0-9a-f-]{36}\"\r\n\\}$")]
    private static partial Regex FinishedStatus();
}
