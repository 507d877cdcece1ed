using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>Properties without behaviour: kept, checked, and echoed by the disk, its restore points and the disks made from them.</summary>
public sealed class DiskPropertyTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task What_a_client_sends_comes_back()
    {
        string disk = await RichDiskAsync("rich");
        ArmResponse answer = (await _world.Arm.SendAsync(HttpMethod.Get, disk, apiVersion: "2026-03-02")).Expect(200);
        JsonObject sent = JsonNode.Parse(RichBody)!.AsObject();
        ShouldContain(answer.Json, sent, "");
    }

    [Fact]
    public async Task A_change_keeps_what_it_does_not_name()
    {
        string disk = await RichDiskAsync("changed");
        await _world.Arm.SucceedAsync(_world.Arm.PatchAsync(disk, """{"properties":{"networkAccessPolicy":"AllowAll","supportsHibernation":false,"supportedCapabilities":{"acceleratedNetwork":false} } }"""));
        ArmResponse answer = await _world.Arm.GetAsync(disk);
        answer["properties.diskAccessId"].ShouldBeNull("it goes with the policy AllowPrivate");
        answer["properties.supportsHibernation"].ShouldBe("false");
        answer["properties.supportedCapabilities.acceleratedNetwork"].ShouldBe("false");
        answer["properties.supportedCapabilities.architecture"].ShouldBe("Arm64");
        answer["properties.purchasePlan.name"].ShouldBe("n");
        answer["properties.securityProfile.securityType"].ShouldBe("TrustedLaunch");
    }

    /// <summary>The body that az disk update was recorded to send: a GET's, with another SKU and size.</summary>
    [Fact]
    public async Task A_premium_disk_becomes_a_standard_one_although_its_tier_and_performance_come_back_with_the_PUT()
    {
        await _world.EmptyDiskAsync("changed");
        await _world.Arm.SucceedAsync(_world.Arm.SendAsync(HttpMethod.Put, _world.Disk("changed"),
            """{"location":"westeurope","sku":{"name":"Standard_LRS"},"properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":10,"diskIOPSReadWrite":120,"diskMBpsReadWrite":25,"networkAccessPolicy":"AllowAll","tier":"P1","publicNetworkAccess":"Enabled"}}""", apiVersion: "2021-12-01"));
        ArmResponse disk = await _world.Arm.GetAsync(_world.Disk("changed"));
        (disk["sku.name"], disk["properties.diskSizeGB"], disk["properties.diskIOPSReadWrite"], disk["properties.diskMBpsReadWrite"], disk["properties.tier"]).ShouldBe(("Standard_LRS", "10", "500", "60", null));

        await _world.Arm.SucceedAsync(_world.Arm.PatchAsync(_world.Disk("changed"), """{"properties":{"diskIOPSReadWrite":9999}}"""));
        (await _world.Arm.GetAsync(_world.Disk("changed")))["properties.diskIOPSReadWrite"].ShouldBe("500", "only Ultra and Premium SSD v2 disks have what is asked for");
    }

    [Theory]
    [InlineData("disks", "\"networkAccessPolicy\":\"AllowPrivate\"")]
    [InlineData("disks", "\"networkAccessPolicy\":\"AllowAll\",\"diskAccessId\":\"/a\"")]
    [InlineData("snapshots", "\"networkAccessPolicy\":\"AllowPrivate\"")]
    [InlineData("snapshots", "\"diskAccessId\":\"/a\"")]
    public async Task A_disk_access_and_the_policy_AllowPrivate_need_each_other(string type, string properties)
    {
        string path = $"{_world.Compute}/{type}/access", body = "{\"location\":\"westeurope\",\"properties\":{\"creationData\":{\"createOption\":\"Empty\"},\"diskSizeGB\":1";
        ArmResponse refused = await _world.Arm.PutAsync(path, $"{body},{properties}}}}}");
        (refused.Status, refused.ErrorCode).ShouldBe((409, "ConflictingUserInput"));
        await _world.Arm.SucceedAsync(_world.Arm.PutAsync(path, body + "}}"));
        refused = await _world.Arm.PatchAsync(path, $"{{\"properties\":{{{properties}}}}}");
        (refused.Status, refused.ErrorCode).ShouldBe((409, "ConflictingUserInput"));
    }

    [Fact]
    public async Task A_performance_tier_above_the_size_raises_what_the_disk_has()
    {
        string disk = await _world.EmptyDiskAsync("tier", gib: 10);
        await _world.Arm.SucceedAsync(_world.Arm.PatchAsync(disk, """{"properties":{"tier":"P30"} }"""));
        ArmResponse answer = await _world.Arm.GetAsync(disk);
        answer["properties.tier"].ShouldBe("P30");
        answer["properties.diskIOPSReadWrite"].ShouldBe("5000");
        await _world.Arm.SucceedAsync(_world.Arm.PatchAsync(disk, """{"properties":{"tier":"P1"} }"""));
        (await _world.Arm.GetAsync(disk))["properties.tier"].ShouldBe("P3", "the tier of its size is the least");
    }

    [Fact]
    public async Task A_restore_point_and_the_disk_made_from_it_know_the_properties_of_the_source()
    {
        string vm = await _world.VmAsync("vm", await RichDiskAsync("source"));
        string point = World.OsDiskPoint(await _world.PointAsync(await _world.CollectionAsync("c", vm), "p"));
        ArmResponse drp = (await _world.Arm.SendAsync(HttpMethod.Get, point, apiVersion: "2026-03-02")).Expect(200);
        drp["properties.purchasePlan.publisher"].ShouldBe("p");
        drp["properties.supportedCapabilities.diskControllerTypes"].ShouldBe("SCSI, NVMe");
        drp["properties.supportsHibernation"].ShouldBe("true");
        drp["properties.securityProfile.securityType"].ShouldBe("TrustedLaunch");
        drp["properties.encryption.type"].ShouldBe("EncryptionAtRestWithCustomerKey");
        drp["properties.encryption.diskEncryptionSetId"].ShouldBe("/e");
        drp["properties.networkAccessPolicy"].ShouldBe("AllowPrivate");
        drp["properties.diskAccessId"].ShouldBe("/a");

        ArmResponse restored = await _world.Arm.GetAsync(await _world.RestoredDiskAsync("restored", point));
        restored["properties.purchasePlan.publisher"].ShouldBe("p");
        restored["properties.securityProfile.securityType"].ShouldBe("TrustedLaunch");
        restored["properties.hyperVGeneration"].ShouldBe("V2");
        restored["properties.encryption.type"].ShouldBe("EncryptionAtRestWithPlatformKey", "encryption is not taken over");
    }

    [Fact]
    public async Task A_restore_point_shows_the_encryption_of_its_disks()
    {
        string vm = await _world.VmAsync("vm-encrypted", await RichDiskAsync("encrypted"));
        ArmResponse point = await _world.PointAsync(await _world.CollectionAsync("encrypted", vm), "p");
        const string osDisk = "properties.sourceMetadata.storageProfile.osDisk";
        point.Keys($"{osDisk}.managedDisk").ShouldBe("storageAccountType diskEncryptionSet id");
        point[$"{osDisk}.managedDisk.diskEncryptionSet.id"].ShouldBe("/e");
        point[$"{osDisk}.diskRestorePoint.encryption.type"].ShouldBe("EncryptionAtRestWithCustomerKey");
        point[$"{osDisk}.diskRestorePoint.encryption.diskEncryptionSet.id"].ShouldBe("/e");
    }

    [Fact]
    public async Task Values_are_kept_in_their_published_spelling()
    {
        await _world.Arm.SucceedAsync(_world.Arm.PutAsync(_world.Disk("spelled"), World.DiskBody("\"createOption\":\"EMPTY\"",
            ",\"diskSizeGB\":1,\"osType\":\"linux\",\"securityProfile\":{\"securityType\":\"trustedlaunch\"},\"dataAccessAuthMode\":\"none\"")));
        ArmResponse answer = await _world.Arm.GetAsync(_world.Disk("spelled"));
        answer["properties.creationData.createOption"].ShouldBe("Empty");
        answer["properties.osType"].ShouldBe("Linux");
        answer["properties.securityProfile.securityType"].ShouldBe("TrustedLaunch");
        answer["properties.dataAccessAuthMode"].ShouldBe("None");
    }

    [Fact]
    public async Task All_wrong_values_are_named_at_once()
    {
        ArmResponse answer = await _world.Arm.PutAsync(_world.Disk("wrong"), World.DiskBody("\"createOption\":\"Empty\"",
            ",\"diskSizeGB\":1,\"securityProfile\":{\"securityType\":\"Strong\"},\"supportedCapabilities\":{\"architecture\":\"z80\"},\"purchasePlan\":{\"name\":\"n\",\"publisher\":\"p\"},\"tier\":\"P7\""));
        answer.Status.ShouldBe(400);
        answer.ErrorCode.ShouldBe("InvalidParameter");
        answer.Node("error.details")!.AsArray().Select(detail => detail!["target"]!.ToString()).Order(StringComparer.Ordinal).ShouldBe(
            ["properties.purchasePlan.product", "properties.securityProfile.securityType", "properties.supportedCapabilities.architecture", "properties.tier"]);
        (await _world.Arm.GetAsync(_world.Disk("wrong"))).Status.ShouldBe(404);
    }

    [Fact]
    public async Task What_the_service_sets_and_what_nobody_knows_is_ignored()
    {
        await _world.Arm.SucceedAsync(_world.Arm.PutAsync(_world.Disk("ignored"), World.DiskBody("\"createOption\":\"Empty\",\"sourceUniqueId\":\"not a guid\"",
            ",\"diskSizeGB\":1,\"timeCreated\":\"yesterday\",\"uniqueId\":7,\"diskState\":\"Frozen\",\"invented\":{\"a\":1}")));
        ArmResponse answer = await _world.Arm.GetAsync(_world.Disk("ignored"));
        answer["properties.diskState"].ShouldBe("Unattached");
        answer.Text.ShouldNotContain("invented");
        answer["properties.creationData.sourceUniqueId"].ShouldBeNull();
    }

    [Theory]
    [InlineData("PUT", """{"location":"westeurope","properties":{"diskSizeGB":4,"creationData":{"createOption":"Empty","logicalSectorSize":4096} } }""", 501, "NotImplemented")]
    public async Task What_would_need_more_than_an_echo_is_refused(string method, string body, int status, string code)
    {
        string disk = method == "PATCH" ? await _world.EmptyDiskAsync("refused") : _world.Disk("new");
        ArmResponse answer = await _world.Arm.SendAsync(new HttpMethod(method), disk, body);
        answer.Status.ShouldBe(status, answer.Text);
        answer.ErrorCode.ShouldBe(code);
    }

    [Fact]
    public async Task A_version_does_not_read_what_came_later()
    {
        ArmResponse accepted = await _world.Arm.SendAsync(HttpMethod.Put, _world.Disk("old"), RichBody, apiVersion: "2020-05-01");
        (await _world.Arm.FinishAsync(accepted.Expect(202)))["status"].ShouldBe("Succeeded");
        ArmResponse answer = await _world.Arm.GetAsync(_world.Disk("old"));
        answer["properties.networkAccessPolicy"].ShouldBe("AllowPrivate", "known since 2020-05-01");
        answer["properties.purchasePlan"].ShouldBeNull();
        answer["properties.securityProfile"].ShouldBeNull();
        answer["properties.publicNetworkAccess"].ShouldBe("Enabled");
    }

    [Fact]
    public async Task The_first_version_names_the_sku_an_account_type()
    {
        ArmResponse accepted = await _world.Arm.SendAsync(HttpMethod.Put, _world.Disk("first"),
            """{"location":"westeurope","properties":{"accountType":"Premium_LRS","creationData":{"createOption":"Empty"},"diskSizeGB":4} }""", apiVersion: "2016-04-30-preview");
        (await _world.Arm.FinishAsync(accepted.Expect(202)))["status"].ShouldBe("Succeeded");
        (await _world.Arm.GetAsync(_world.Disk("first")))["sku.name"].ShouldBe("Premium_LRS");
        ArmResponse old = await _world.Arm.SendAsync(HttpMethod.Get, _world.Disk("first"), apiVersion: "2016-04-30-preview");
        old["properties.accountType"].ShouldBe("Premium_LRS");
        old.Node("sku").ShouldBeNull();
    }

    private async Task<string> RichDiskAsync(string name)
    {
        ArmResponse accepted = await _world.Arm.SendAsync(HttpMethod.Put, _world.Disk(name), RichBody, apiVersion: "2026-03-02");
        (await _world.Arm.FinishAsync(accepted.Expect(202)))["status"].ShouldBe("Succeeded");
        return _world.Disk(name);
    }

    private static void ShouldContain(JsonNode? answer, JsonNode? sent, string path)
    {
        if (sent is JsonObject container)
        {
            foreach ((string name, JsonNode? value) in container)
                ShouldContain(answer?[name], value, $"{path}.{name}");
        }
        else
        {
            answer?.ToJsonString().ShouldBe(sent!.ToJsonString(), path);
            answer.ShouldNotBeNull(path);
        }
    }

    private const string RichBody =
        """
        {"location":"westeurope","tags":{"a":"b"},"zones":["2"],"sku":{"name":"Premium_LRS"},"extendedLocation":{"name":"edge","type":"EdgeZone"},
         "properties":{"osType":"Linux","hyperVGeneration":"V2","creationData":{"createOption":"Empty","performancePlus":true,"logicalSectorSize":512},"diskSizeGB":1,
          "purchasePlan":{"name":"n","publisher":"p","product":"q","promotionCode":"c"},
          "supportedCapabilities":{"acceleratedNetwork":true,"architecture":"Arm64","diskControllerTypes":"SCSI, NVMe","supportedSecurityOption":"TrustedLaunchSupported"},
          "encryption":{"type":"EncryptionAtRestWithCustomerKey","diskEncryptionSetId":"/e"},
          "encryptionSettingsCollection":{"enabled":true,"encryptionSettingsVersion":"1.1","encryptionSettings":[{"diskEncryptionKey":{"sourceVault":{"id":"/v"},"secretUrl":"https://v/s"} }]},
          "diskIOPSReadWrite":500,"diskMBpsReadWrite":100,"diskIOPSReadOnly":100,"diskMBpsReadOnly":10,"maxShares":1,"networkAccessPolicy":"AllowPrivate","diskAccessId":"/a","publicNetworkAccess":"Disabled",
          "dataAccessAuthMode":"AzureActiveDirectory","tier":"P10","burstingEnabled":true,"supportsHibernation":true,
          "securityProfile":{"securityType":"TrustedLaunch","secureVMDiskEncryptionSetId":"/s"},"optimizedForFrequentAttach":true,"availabilityPolicy":{"actionOnDiskDelay":"AutomaticReattach"} } }
        """;
}
