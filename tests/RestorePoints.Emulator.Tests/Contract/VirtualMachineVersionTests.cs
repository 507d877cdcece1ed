using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>What is kept as JSON follows the api-version too: machines and the source metadata of restore points.</summary>
public sealed class VirtualMachineVersionTests(EmulatorFixture fixture)
{
    [Fact]
    public async Task A_machine_shows_and_reads_what_its_version_knows()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        string vm = world.Vm("vm");
        await arm.SucceedAsync(arm.PutAsync(vm, world.ImageVmBody("vm")));
        ArmResponse old = await arm.SendAsync(HttpMethod.Get, vm, apiVersion: "2020-12-01"), current = await arm.GetAsync(vm);
        current["properties.timeCreated"].ShouldNotBeNull();
        current["properties.storageProfile.osDisk.deleteOption"].ShouldBe("Detach");
        current["etag"].ShouldNotBeNull();
        old.Node("properties.timeCreated").ShouldBeNull();
        old.Node("properties.storageProfile.osDisk.deleteOption").ShouldBeNull();
        old.Node("etag").ShouldBeNull();
        old["properties.vmId"].ShouldBe(current["properties.vmId"]);

        ArmResponse patched = await arm.SendAsync(HttpMethod.Patch, vm, """{"properties":{"capacityReservation":{"capacityReservationGroup":{"id":"/g"} },"priority":"Regular"} }""", apiVersion: "2021-03-01");
        await arm.FinishAsync(patched.Expect(200));
        current = await arm.GetAsync(vm);
        current["properties.priority"].ShouldBe("Regular");
        current.Node("properties.capacityReservation").ShouldBeNull("it came in 2021-04-01");
    }

    [Fact]
    public async Task The_list_of_a_subscription_has_the_states_when_asked()
    {
        World world = await World.CreateAsync(fixture);
        await world.Arm.SucceedAsync(world.Arm.PutAsync(world.Vm("vm"), world.ImageVmBody("vm")));
        string list = $"{world.Arm.Subscription}/providers/Microsoft.Compute/virtualMachines";
        (await world.Arm.GetAsync(list, "statusOnly=true")).Node("value.0.properties.instanceView.statuses").ShouldNotBeNull();
        (await world.Arm.GetAsync(list)).Node("value.0.properties.instanceView").ShouldBeNull();
    }

    [Fact]
    public async Task A_machine_with_unmanaged_disks_is_refused()
    {
        World world = await World.CreateAsync(fixture);
        string body = world.ImageVmBody("vm").Replace("\"managedDisk\":{\"storageAccountType\":\"Premium_LRS\"}", "\"vhd\":{\"uri\":\"https://account/vhds/os.vhd\"}");
        ArmResponse answer = await world.Arm.PutAsync(world.Vm("vm"), body);
        answer.Status.ShouldBe(501, answer.Text);
        answer.ErrorCode.ShouldBe("NotImplemented");
    }

    [Fact]
    public async Task A_restore_point_shows_what_its_version_knows()
    {
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("os"), data = await world.EmptyDiskAsync("data");
        string collection = await world.CollectionAsync("c", await world.VmAsync("vm", disk, data));
        ArmResponse current = await world.PointAsync(collection, "p");
        ArmResponse first = await world.Arm.SendAsync(HttpMethod.Get, World.Point(collection, "p"), apiVersion: "2021-03-01");
        ArmResponse second = await world.Arm.SendAsync(HttpMethod.Get, World.Point(collection, "p"), apiVersion: "2021-04-01");
        first["properties.provisioningDetails.creationTime"].ShouldBe(current["properties.timeCreated"]);
        second.Node("properties.provisioningDetails").ShouldBeNull();
        current.Node("properties.provisioningDetails").ShouldBeNull();
        first["properties.sourceMetadata.vmId"].ShouldBe(current["properties.sourceMetadata.vmId"]);
        first.Keys("properties.sourceMetadata.storageProfile.dataDisks.0.diskRestorePoint").ShouldBe("id");
        first.Node("properties.sourceMetadata.hyperVGeneration").ShouldBeNull();
        current["properties.sourceMetadata.hyperVGeneration"].ShouldBe("V1");
    }
}
