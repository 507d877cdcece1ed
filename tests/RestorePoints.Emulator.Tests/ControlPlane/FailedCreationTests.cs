using Microsoft.Data.Sqlite;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>A disk or snapshot whose creation failed, and what makes it anew.</summary>
public sealed class FailedCreationTests
{
    [Fact]
    public async Task A_disk_whose_creation_failed_is_made_anew_by_a_PUT_and_by_nothing_else()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            World world = await World.CreateAsync(new RawArm(http, subscription));
            await world.Arm.SucceedAsync(world.Arm.PutAsync(world.Disk("disk"), WithTags("""{"first":"1"}""", World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":4,\"osType\":\"Linux\""))));
            await emulator.KillAsync();
        }
        // What a creation leaves that failed: the row says so, and there is no volume.
        Change(directory, "UPDATE Disks SET ProvisioningState = 'Failed'");
        Directory.Delete(Path.Combine(directory.Path, "regions"), recursive: true);

        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient client = EmulatorFixture.NewClient(again);
        var arm = new RawArm(client, subscription);
        string disk = $"{arm.Subscription}/resourceGroups/backup-test/providers/Microsoft.Compute/disks/disk";
        string uniqueId = await ShouldBeFailedAsync(arm, disk);

        await arm.SucceedAsync(arm.PutAsync(disk, WithTags("""{"second":"2"}""", World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1").Replace("Premium_LRS", "StandardSSD_LRS"))));
        ArmResponse shown = await ShouldBeAnewAsync(arm, disk, uniqueId);
        shown["sku.name"].ShouldBe("StandardSSD_LRS");
        shown.Node("properties.osType").ShouldBeNull("of the first request");
        var guest = new RawBlob(client, await arm.GuestAccessAsync(disk));
        await guest.WriteAsync(0, new byte[] { 1 }.Concat(new byte[4095]).ToArray());
        (await guest.ReadAsync(0, 1))[0].ShouldBe((byte)1);
    }

    [Fact]
    public async Task A_snapshot_whose_creation_failed_is_made_anew_by_a_PUT_and_by_nothing_else()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            World world = await World.CreateAsync(new RawArm(http, subscription));
            await world.Arm.SucceedAsync(world.Arm.PutAsync(world.Snapshot("s"), WithTags("""{"first":"1"}""", World.SnapshotBody(await world.EmptyDiskAsync("disk"), ",\"incremental\":true,\"diskSizeGB\":4"))));
            await emulator.KillAsync();
        }
        // What a creation leaves that failed: nothing was frozen. The start removes the point.
        Change(directory, "UPDATE Snapshots SET ProvisioningState = 'Failed', SnapshotTime = NULL");

        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient client = EmulatorFixture.NewClient(again);
        var arm = new RawArm(client, subscription);
        string compute = $"{arm.Subscription}/resourceGroups/backup-test/providers/Microsoft.Compute", snapshot = $"{compute}/snapshots/s";
        string uniqueId = await ShouldBeFailedAsync(arm, snapshot);

        byte[] page = World.Noise(1, 4096);
        await new RawBlob(client, await arm.GuestAccessAsync($"{compute}/disks/disk")).WriteAsync(0, page);
        await arm.SucceedAsync(arm.PutAsync(snapshot, $$$"""{"location":"westeurope","tags":{"second":"2"},"sku":{"name":"Standard_ZRS"},"properties":{"creationData":{"createOption":"Copy","sourceResourceId":"{{{compute}}}/disks/disk"}} }"""));
        ArmResponse shown = await ShouldBeAnewAsync(arm, snapshot, uniqueId);
        shown["sku.name"].ShouldBe("Standard_ZRS");
        shown["properties.incremental"].ShouldBe("false");
        (await new RawBlob(client, await arm.GrantAsync(snapshot)).ReadAsync(0, 4096)).ShouldBe(page, "the bytes of the second creation");
    }

    private static string WithTags(string tags, string body) => $"{{\"tags\":{tags},{body[1..]}";

    private static void Change(TemporaryDirectory directory, string sql)
    {
        using var catalog = new SqliteConnection($"Data Source={Path.Combine(directory.Path, "catalog.db")};Pooling=False");
        catalog.Open();
        using SqliteCommand command = catalog.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery().ShouldBe(1);
    }

    /// <returns>Its unique id.</returns>
    private static async Task<string> ShouldBeFailedAsync(RawArm arm, string path)
    {
        (await arm.PatchAsync(path, """{"tags":{"a":"b"}}""")).Status.ShouldBe(409);
        (await arm.PostAsync($"{path}/beginGetAccess", """{"access":"Read","durationInSeconds":600}""")).Status.ShouldBe(409);
        ArmResponse shown = (await arm.GetAsync(path)).Expect(200);
        shown["properties.provisioningState"].ShouldBe("Failed");
        shown["tags.first"].ShouldBe("1");
        return shown["properties.uniqueId"]!;
    }

    /// <summary>Size, tags and identity are those of the second request.</summary>
    private static async Task<ArmResponse> ShouldBeAnewAsync(RawArm arm, string path, string failedUniqueId)
    {
        ArmResponse shown = (await arm.GetAsync(path)).Expect(200);
        shown["properties.provisioningState"].ShouldBe("Succeeded");
        shown["properties.diskSizeGB"].ShouldBe("1");
        shown.Node("tags")!.ToJsonString().ShouldBe("""{"second":"2"}""");
        shown["properties.uniqueId"].ShouldNotBe(failedUniqueId);
        return shown;
    }
}
