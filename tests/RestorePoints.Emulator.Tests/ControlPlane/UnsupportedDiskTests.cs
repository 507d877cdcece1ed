using Microsoft.Data.Sqlite;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Creations that fail for the disks or for what happens to the machine meanwhile; nothing is skipped silently.</summary>
public sealed class UnsupportedDiskTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private const string CrashMode = "\"consistencyMode\":\"CrashConsistent\"";
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task A_shared_disk_is_in_no_point_unless_it_is_excluded()
    {
        await Arm.SucceedAsync(Arm.PutAsync(_world.Disk("data"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1,\"maxShares\":2")));
        (await Arm.GetAsync(_world.Disk("data")))["properties.maxShares"].ShouldBe("2");
        string collection = await _world.CollectionAsync("c", await _world.VmAsync("vm", await _world.EmptyDiskAsync("os"), _world.Disk("data")));
        const string message = "Creation of Restore Point of a Virtual Machine with Shared disks is not supported. You may exclude this disk from the restore point via excludeDisks property.";
        await ShouldFailAsync(collection, "app", "{}", "VMRestorePointClientError", message);
        await ShouldFailAsync(collection, "crash", $$$"""{"properties":{{{{CrashMode}}}}}""", "VMRestorePointClientError", message);
        await _world.PointAsync(collection, "without", $$$"""{"properties":{"excludeDisks":[{"id":"{{{_world.Disk("data")}}}"}]}}""");
        await Arm.SucceedAsync(Arm.PatchAsync(_world.Disk("data"), """{"properties":{"maxShares":1}}"""));
        await _world.PointAsync(collection, "unshared");
    }

    [Fact]
    public async Task An_ephemeral_os_disk_is_in_no_point_unless_it_is_excluded()
    {
        string vm = _world.Vm("vm");
        string body = _world.ImageVmBody("vm", """{"lun":0,"createOption":"Empty","diskSizeGB":1}""").Replace("\"osDisk\":{", "\"osDisk\":{\"DiffDiskSettings\":{\"option\":\"Local\"},");
        await Arm.SucceedAsync(Arm.PutAsync(vm, body));
        string osDisk = (await Arm.GetAsync(vm))["properties.storageProfile.osDisk.managedDisk.id"]!;
        string collection = await _world.CollectionAsync("c", vm);
        await ShouldFailAsync(collection, "app", "{}", "VMRestorePointClientError", "with an Ephemeral OS disk is not supported");
        await ShouldFailAsync(collection, "crash", $$$"""{"properties":{{{{CrashMode}}}}}""", "VMRestorePointClientError", "with an Ephemeral OS disk is not supported");
        ArmResponse point = await _world.PointAsync(collection, "without", $$$"""{"properties":{"excludeDisks":[{"id":"{{{osDisk}}}"}]}}""");
        World.DataDiskPoint(point, 0).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("UltraSSD_LRS", "", "Ultra disks")]
    [InlineData("PremiumV2_LRS", "", "Premium SSD v2 disks")]
    [InlineData("Premium_LRS", ",\"writeAcceleratorEnabled\":true", "Write Accelerator enabled disks")]
    public async Task A_disk_that_crash_mode_cannot_have_is_in_no_crash_consistent_point_unless_it_is_excluded(string sku, string entry, string disks)
    {
        string data = _world.Disk("data");
        await Arm.SucceedAsync(Arm.PutAsync(data, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":4").Replace("Premium_LRS", sku)));
        string vm = _world.Vm("vm");
        await Arm.SucceedAsync(Arm.PutAsync(vm, _world.VmBody(await _world.EmptyDiskAsync("os"), data).Replace("\"lun\":0", $"\"lun\":0{entry}")));
        string collection = await _world.CollectionAsync("c", vm);
        await ShouldFailAsync(collection, "crash", $$$"""{"properties":{{{{CrashMode}}}}}""", "VMRestorePointClientError", $"with {disks} is not supported. You may exclude this disk from the restore point via excludeDisks property.");
        await _world.PointAsync(collection, "without", $$$"""{"properties":{{{{CrashMode}}},"excludeDisks":[{"id":"{{{data}}}"}]}}""");
        (await _world.PointAsync(collection, "app"))["properties.consistencyMode"].ShouldBe("FileSystemConsistent");
    }

    [Fact]
    public async Task An_empty_list_of_excluded_disks_is_not_permitted_in_the_first_version()
    {
        string collection = await _world.CollectionAsync("c", await _world.VmAsync("vm", await _world.EmptyDiskAsync("os")));
        const string body = """{"properties":{"excludeDisks":[]}}""";
        ArmResponse refused = await Arm.SendAsync(HttpMethod.Put, World.Point(collection, "p"), body, apiVersion: "2021-03-01");
        NotFoundTests.Check(refused, 400, "InvalidParameter", "must be non-empty");
        refused["error.target"].ShouldBe("properties.excludeDisks");
        (await _world.PointAsync(collection, "p", body)).Count("properties.excludeDisks").ShouldBe(0);
    }

    [Fact]
    public async Task A_disk_that_was_not_allocated_fails_the_creation_unless_it_is_excluded()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            _world = await World.CreateAsync(new RawArm(http, subscription));
            await _world.CollectionAsync("c", await _world.VmAsync("vm", await _world.EmptyDiskAsync("os"), await _world.EmptyDiskAsync("data")));
            await emulator.KillAsync();
        }
        using (var catalog = new SqliteConnection($"Data Source={Path.Combine(directory.Path, "catalog.db")};Pooling=False"))
        {
            catalog.Open();
            using SqliteCommand command = catalog.CreateCommand();
            command.CommandText = "UPDATE Disks SET ProvisioningState = 'Failed' WHERE Name = 'data'";
            command.ExecuteNonQuery().ShouldBe(1);
        }
        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient client = EmulatorFixture.NewClient(again);
        _world = await World.CreateAsync(new RawArm(client, Guid.NewGuid()));
        string group = $"/subscriptions/{subscription}/resourceGroups/backup-test/providers/Microsoft.Compute", collection = $"{group}/restorePointCollections/c";
        await ShouldFailAsync(collection, "p", "{}", "OperationNotAllowed",
            "Operation 'Create Restore Point' is not allowed as disk(s) have not been allocated successfully. Please exclude these disk(s) using excludeDisks property and retry.");
        await _world.PointAsync(collection, "without", $$$"""{"properties":{"excludeDisks":[{"id":"{{{group}}}/disks/data"}]}}""");
    }

    private async Task ShouldFailAsync(string collection, string name, string body, string code, string message)
    {
        ArmResponse final = await Arm.FinishAsync((await Arm.PutAsync(World.Point(collection, name), body)).Expect(201));
        final["status"].ShouldBe("Failed", final.Text);
        final["error.code"].ShouldBe(code);
        final["error.message"].ShouldNotBeNull().ShouldContain(message);
        (await Arm.GetAsync(World.Point(collection, name)))["properties.provisioningState"].ShouldBe("Failed");
    }
}
