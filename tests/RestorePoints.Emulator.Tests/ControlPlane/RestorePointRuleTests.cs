using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Rules of docs/restore-point-rules.md about what a point stores and gives, and how its creation fails.</summary>
public sealed class RestorePointRuleTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task A_point_stores_no_secret_and_nothing_of_the_network_and_the_place_of_the_machine()
    {
        string body = _world.ImageVmBody("vm").Replace("\"properties\":{", $$$"""
            "zones":["1"],"plan":{"name":"n","publisher":"p","product":"q"},"properties":{
              "availabilitySet":{"id":"{{{_world.Compute}}}/availabilitySets/a"},"licenseType":"RHEL_BYOS","userData":"dGVzdA==",
            """);
        await Arm.SucceedAsync(Arm.PutAsync(_world.Vm("vm"), body));
        ArmResponse point = await _world.PointAsync(await _world.CollectionAsync("c", _world.Vm("vm")), "p");
        point.Keys("properties.sourceMetadata").Split(' ').ShouldBe(["vmId", "location", "hardwareProfile", "storageProfile", "osProfile", "licenseType", "userData", "hyperVGeneration"], ignoreOrder: true);
        point["properties.sourceMetadata.osProfile.adminUsername"].ShouldBe("azureuser");
        point.Text.ShouldNotContain("P@ssw0rd-1234");
        point.Text.ShouldNotContain("adminPassword");
    }

    [Fact]
    public async Task A_disk_restore_point_is_named_after_its_disk_and_a_guid_of_its_own()
    {
        string collection = await _world.CollectionAsync("c", await _world.VmAsync("vm", await _world.EmptyDiskAsync("os-disk_1")));
        string[] names = [Name(await _world.PointAsync(collection, "p1")), Name(await _world.PointAsync(collection, "p2"))];
        names.Distinct().Count().ShouldBe(2);
        foreach (string name in names)
        {
            name.ShouldStartWith("os-disk_1_");
            Guid.TryParseExact(name["os-disk_1_".Length..], "D", out _).ShouldBeTrue(name);
        }

        static string Name(ArmResponse point) => World.OsDiskPoint(point)[(World.OsDiskPoint(point).LastIndexOf('/') + 1)..];
    }

    [Theory]
    [InlineData("Write")]
    [InlineData("None")]
    public async Task A_disk_restore_point_gives_read_access_only(string access)
    {
        string disk = World.OsDiskPoint(await _world.PointAsync(await _world.CollectionAsync("c", await _world.VmAsync("vm", await _world.EmptyDiskAsync("os"))), "p"));
        NotFoundTests.Check(await Arm.PostAsync($"{disk}/beginGetAccess", $$"""{"access":"{{access}}","durationInSeconds":3600}"""), 400, "InvalidParameter", "Read");
        await Arm.GrantAsync(disk);
    }

    [Fact]
    public async Task A_disk_with_an_active_sas_is_not_attached()
    {
        string os = await _world.EmptyDiskAsync("os"), data = await _world.EmptyDiskAsync("data"), vm = await _world.VmAsync("vm", os);
        await Arm.GrantAsync(data);
        NotFoundTests.Check(await Arm.PutAsync(vm, _world.VmBody(os, data)), 409, "OperationNotAllowed", "There is an active shared access signature outstanding for disk data.");
        (await Arm.GetAsync(data))["managedBy"].ShouldBeNull();
        await Arm.RevokeAsync(data);
        await Arm.SucceedAsync(Arm.PutAsync(vm, _world.VmBody(os, data)));
    }

    [Fact]
    public async Task An_incremental_snapshot_is_in_the_subscription_of_its_disk()
    {
        string disk = await _world.EmptyDiskAsync("d");
        World other = await World.CreateAsync(fixture);
        NotFoundTests.Check(await other.Arm.PutAsync(other.Snapshot("s"), World.SnapshotBody(disk, ",\"incremental\":true")), 409, "OperationNotAllowed", "in the subscription of its disk");
        (await other.Arm.GetAsync(other.Snapshot("s"))).Expect(404);
        await other.SnapshotAsync("s", disk);
        await _world.SnapshotAsync("s", disk, incremental: true);
    }

    [Theory]
    [InlineData("VMRestorePointClientError", "Restore Point creation failed due to COM+ error.")]
    [InlineData("VMRestorePointClientError", "Restore Point creation failed due to insufficient memory available in COM+ memory quota.")]
    [InlineData("DiskRestorePointClientError", "Keyvault associated with DiskEncryptionSet not found.")]
    [InlineData("InternalError", "An internal execution error occurred. Please retry later.")]
    [InlineData("InternalExecutionError", "An internal execution error occurred. Please retry later.")]
    [InlineData("InternalOperationError", "An internal execution error occurred. Please retry later.")]
    [InlineData("InternalDiskRestorePointError", "An internal execution error occurred. Please retry later.")]
    [InlineData("OSProvisioningClientError", "OS Provisioning did not finish in the allotted time.")]
    [InlineData("AllocationFailed", "Allocation failed. If you are trying to add a new VM to an Availability Set")]
    public async Task An_error_whose_cause_does_not_exist_here_is_provoked_by_a_fault_rule(string code, string message)
    {
        string collection = await _world.CollectionAsync("c", await _world.VmAsync("vm", await _world.EmptyDiskAsync("os")));
        await Arm.AddFaultAsync($"\"type\":\"FailOperation\",\"code\":\"{code}\",\"message\":\"{message}\"", ",\"operation\":\"RestorePoints_Create\"", ",\"times\":1");
        ArmResponse ended = await Arm.FinishAsync((await Arm.PutAsync(World.Point(collection, "p"), "{}")).Expect(201));
        (ended["status"], ended.ErrorCode, ended["error.message"]).ShouldBe(("Failed", code, message));
        ArmResponse failed = (await Arm.GetAsync(World.Point(collection, "p"))).Expect(200);
        failed["properties.provisioningState"].ShouldBe("Failed");
        (await Arm.GetAsync($"{World.Point(collection, "p")}/diskRestorePoints")).Expect(200).Count("value").ShouldBe(0);
        await Arm.SucceedAsync(Arm.DeleteAsync(World.Point(collection, "p")));
        await _world.PointAsync(collection, "p");
    }
}
