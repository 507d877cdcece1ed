using RestorePoints.Emulator.Tests.ControlPlane;
using RestorePoints.Emulator.Tests.Copies;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Restores;

/// <summary>Keys of restore points that differ from those of the disks: <c>diskRestorePoint.encryption</c> in the request.</summary>
public sealed class RestorePointEncryptionTests(EmulatorFixture fixture)
{
    private const string Storage = "properties.sourceMetadata.storageProfile";
    private const string Customer = "EncryptionAtRestWithCustomerKey", Both = "EncryptionAtRestWithPlatformAndCustomerKeys", Platform = "EncryptionAtRestWithPlatformKey";

    [Fact]
    public async Task A_point_is_encrypted_with_the_keys_that_its_request_asks_for()
    {
        World world = await World.CreateAsync(fixture);
        (string collection, string set) = await MachineAsync(world);
        string body = Body(OsDisk(Encryption("encryptionatrestwithcustomerkey", set)), DataDisk($"\"managedDisk\":{{\"id\":\"{world.Disk("DATA")}\"}},", Encryption(Both, set + "2")));
        ArmResponse accepted = (await world.Arm.PutAsync(World.Point(collection, "p"), body)).Expect(201);
        await world.Arm.FinishAsync(accepted);
        ArmResponse point = (await world.Arm.GetAsync(World.Point(collection, "p"))).Expect(200);

        foreach (ArmResponse shown in new[] { accepted, point })
        {
            Encryption(shown, "osDisk").ShouldBe((Customer, set));
            Encryption(shown, "dataDisks.0").ShouldBe((Both, set + "2"));
            shown.Node($"{Storage}.dataDisks.1.diskRestorePoint.encryption.diskEncryptionSet").ShouldBeNull();
        }
        Encryption(point, "dataDisks.1").ShouldBe((Platform, null), "that of its disk");
        ArmResponse os = (await world.Arm.GetAsync(World.OsDiskPoint(point))).Expect(200), data = await world.Arm.GetAsync(World.DataDiskPoint(point, 0));
        (os["properties.encryption.type"], os["properties.encryption.diskEncryptionSetId"]).ShouldBe((Customer, set));
        (data["properties.encryption.type"], data["properties.encryption.diskEncryptionSetId"]).ShouldBe((Both, set + "2"));
        (await world.Arm.GetAsync(world.Disk("os")))["properties.encryption.type"].ShouldBe(Platform, "the disk keeps its own");

        (await world.Arm.PutAsync(World.Point(collection, "p"), body)).Expect(201).Text.ShouldBe(point.Text, "the same again");
        (await world.Arm.PutAsync(World.Point(collection, "p"), accepted.Text.Replace("\"Creating\"", "\"Succeeded\""))).Expect(201);
        (await world.Arm.PutAsync(World.Point(collection, "p"), point.Text)).Expect(201).Text.ShouldBe(point.Text, "what a GET shows");
        foreach (string other in new[] { "{}", Body(OsDisk(Encryption(Customer, set))), body.Replace(set + "2", set + "3") })
            NotFoundTests.Check(await world.Arm.PutAsync(World.Point(collection, "p"), other), 409, "OperationNotAllowed", "Update of an existing Restore Point is not supported");
    }

    [Fact]
    public async Task A_copy_is_encrypted_with_a_platform_key_unless_its_request_asks_for_another()
    {
        CopyWorld copies = await CopyWorld.CreateAsync(fixture.NewSubscription());
        World world = copies.World;
        string set = Set(world);
        ArmResponse source = await world.PointAsync(copies.Source, "p", Body(OsDisk(Encryption(Both, set)), DataDisk("\"lun\":0,", Encryption(Customer, set))));
        string sent = Body(OsDisk(""), DataDisk("", $"\"sourceDiskRestorePoint\":{{\"id\":\"{World.DataDiskPoint(source, 0)}\"}},{Encryption(Customer, set + "2")}"));
        string body = CopyWorld.CopyBody(copies.SourcePoint("p"), "," + sent["""{"properties":{""".Length..^2]);
        await world.Arm.SucceedAsync(world.Arm.PutAsync(copies.Copy("c"), body));
        ArmResponse copy = await copies.CompletedAsync(copies.Copy("c"));

        Encryption(copy, "osDisk").ShouldBe((Platform, null));
        Encryption(copy, "dataDisks.0").ShouldBe((Customer, set + "2"));
        (await world.Arm.GetAsync(World.DataDiskPoint(copy, 0)))["properties.encryption.diskEncryptionSetId"].ShouldBe(set + "2");
        (await world.DownloadAsync(World.DataDiskPoint(copy, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
        (await world.Arm.PutAsync(copies.Copy("c"), body)).Expect(201);
        (await world.Arm.PutAsync(copies.Copy("c"), (await world.Arm.GetAsync(copies.Copy("c"))).Text)).Expect(201);
        NotFoundTests.Check(await world.Arm.PutAsync(copies.Copy("c"), CopyWorld.CopyBody(copies.SourcePoint("p"))), 409, "OperationNotAllowed", "not supported");
    }

    [Fact]
    public async Task An_encryption_that_makes_no_sense_is_refused_and_changes_nothing()
    {
        World world = await World.CreateAsync(fixture);
        (string collection, string set) = await MachineAsync(world);
        const string dataDisk = "properties.sourceMetadata.storageProfile.dataDisks[0].diskRestorePoint.encryption";
        await RefuseAsync(Body(OsDisk(Encryption("Rot13", null))), $"{Storage}.osDisk.diskRestorePoint.encryption.type", "Allowed values are");
        await RefuseAsync(Body(OsDisk(Encryption(Customer, null))), $"{Storage}.osDisk.diskRestorePoint.encryption.diskEncryptionSet.id", "is missing");
        await RefuseAsync(Body(OsDisk(Encryption(Platform, set))), $"{Storage}.osDisk.diskRestorePoint.encryption.diskEncryptionSet.id", "goes with customer keys");
        await RefuseAsync(Body(OsDisk(Encryption(Both, world.Disk("os")))), $"{Storage}.osDisk.diskRestorePoint.encryption.diskEncryptionSet.id", "diskEncryptionSets");
        await RefuseAsync(Body(OsDisk(""), DataDisk($"\"managedDisk\":{{\"id\":\"{world.Disk("other")}\"}},", Encryption(Both, set))), dataDisk, "no disk of the restore point");
        await RefuseAsync(Body(OsDisk(""), DataDisk("", Encryption(Both, set))), dataDisk, "no disk of the restore point");
        await RefuseAsync(Body(OsDisk(""), DataDisk("\"lun\":0,", Encryption(Both, set)), DataDisk("\"name\":\"data\",", Encryption(Both, set))), dataDisk.Replace("[0]", "[1]"), "names already");
        string excluded = Body(OsDisk(""), DataDisk("\"lun\":0,", Encryption(Both, set))).Insert("""{"properties":{""".Length, $"\"excludeDisks\":[{{\"id\":\"{world.Disk("data")}\"}}],");
        await RefuseAsync(excluded, dataDisk, "no disk of the restore point");
        (await world.Arm.PutAsync(World.Point(collection, "p"), """{"properties":{"sourceMetadata":{"storageProfile":"none"}}}""")).Expect(400).ErrorCode.ShouldBe("InvalidRequestContent");
        (await world.Arm.PutAsync(World.Point(collection, "p"), Body(OsDisk("\"encryption\":{\"type\":\"\\ud800\"}")))).Status.ShouldBe(400);
        (await world.Arm.GetAsync(World.Point(collection, "p"))).Expect(404);

        // Known since 2023-03-01; before, the source metadata is read-only.
        ArmResponse old = await world.Arm.SendAsync(HttpMethod.Put, World.Point(collection, "p"), Body(OsDisk(Encryption(Customer, set))), apiVersion: "2022-11-01");
        await world.Arm.FinishAsync(old.Expect(201));
        Encryption(await world.Arm.GetAsync(World.Point(collection, "p")), "osDisk").ShouldBe((Platform, null));

        async Task RefuseAsync(string body, string target, string message)
        {
            ArmResponse refused = await world.Arm.PutAsync(World.Point(collection, "p"), body);
            NotFoundTests.Check(refused, 400, "InvalidParameter", message);
            refused["error.target"].ShouldBe(target);
        }
    }

    /// <returns>Its collection, and the id of an encryption set.</returns>
    private static async Task<(string Collection, string Set)> MachineAsync(World world)
    {
        string vm = await world.VmAsync("vm", await world.EmptyDiskAsync("os"), await world.EmptyDiskAsync("data"), await world.EmptyDiskAsync("more"));
        return (await world.CollectionAsync("c", vm), Set(world));
    }

    private static string Set(World world) => $"{world.Compute}/diskEncryptionSets/keys";

    private static string Body(string osDisk, params string[] dataDisks) =>
        $"{{\"properties\":{{\"sourceMetadata\":{{\"storageProfile\":{{\"osDisk\":{osDisk},\"dataDisks\":[{string.Join(',', dataDisks)}]}}}}}}}}";

    private static string OsDisk(string encryption) => DataDisk("", encryption);

    /// <param name="disk">What names the disk, with a comma behind it.</param>
    private static string DataDisk(string disk, string encryption) => $"{{{disk}\"diskRestorePoint\":{{{encryption}}}}}";

    private static string Encryption(string type, string? set) =>
        $"\"encryption\":{{\"type\":\"{type}\"{(set is null ? "" : $",\"diskEncryptionSet\":{{\"id\":\"{set}\"}}")}}}";

    private static (string? Type, string? Set) Encryption(ArmResponse point, string disk) =>
        (point[$"{Storage}.{disk}.diskRestorePoint.encryption.type"], point[$"{Storage}.{disk}.diskRestorePoint.encryption.diskEncryptionSet.id"]);
}
