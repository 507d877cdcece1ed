using Microsoft.Data.Sqlite;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

public sealed class FailedDiskTests
{
    [Fact]
    public async Task A_disk_whose_creation_failed_is_made_by_the_same_PUT_and_by_nothing_else()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            await (await World.CreateAsync(new RawArm(http, subscription))).EmptyDiskAsync("disk");
            await emulator.KillAsync();
        }
        // What a creation leaves that failed: the row says so, and there is no volume.
        using (var catalog = new SqliteConnection($"Data Source={Path.Combine(directory.Path, "catalog.db")};Pooling=False"))
        {
            catalog.Open();
            using SqliteCommand command = catalog.CreateCommand();
            command.CommandText = "UPDATE Disks SET ProvisioningState = 'Failed'";
            command.ExecuteNonQuery().ShouldBe(1);
        }
        Directory.Delete(Path.Combine(directory.Path, "regions"), recursive: true);

        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient client = EmulatorFixture.NewClient(again);
        var arm = new RawArm(client, subscription);
        string disk = $"{arm.Subscription}/resourceGroups/backup-test/providers/Microsoft.Compute/disks/disk";
        (await arm.PatchAsync(disk, """{"tags":{"a":"b"}}""")).Status.ShouldBe(409);
        (await arm.PostAsync($"{disk}/beginGetAccess", """{"access":"Read","durationInSeconds":600}""")).Status.ShouldBe(409);
        (await arm.GetAsync(disk)).Expect(200)["properties.provisioningState"].ShouldBe("Failed");

        await arm.SucceedAsync(arm.PutAsync(disk, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")));
        (await arm.GetAsync(disk)).Expect(200)["properties.provisioningState"].ShouldBe("Succeeded");
        var guest = new RawBlob(client, await arm.GuestAccessAsync(disk));
        await guest.WriteAsync(0, new byte[] { 1 }.Concat(new byte[4095]).ToArray());
        (await guest.ReadAsync(0, 1))[0].ShouldBe((byte)1);
    }
}
