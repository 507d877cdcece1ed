using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Which points of a disk are one chain.</summary>
public sealed class ChainTests(EmulatorFixture fixture)
{
    [Fact]
    public async Task A_disk_made_again_under_its_name_begins_a_chain_of_its_own()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        string vm = await world.VmAsync("vm", await world.EmptyDiskAsync("os")), collection = await world.CollectionAsync("c", vm);
        ArmResponse first = await DiskPointAsync("p1"), second = await DiskPointAsync("p2");
        second["properties.familyId"].ShouldBe(first["properties.familyId"]);

        await arm.SucceedAsync(arm.DeleteAsync(vm));
        await arm.SucceedAsync(arm.DeleteAsync(world.Disk("os")));
        await world.VmAsync("vm", await world.EmptyDiskAsync("os"));
        ArmResponse third = await DiskPointAsync("p3");
        third["properties.sourceResourceId"].ShouldBe(first["properties.sourceResourceId"]);
        third["properties.sourceUniqueId"].ShouldNotBe(first["properties.sourceUniqueId"]);
        third["properties.familyId"].ShouldNotBe(first["properties.familyId"]);

        async Task<ArmResponse> DiskPointAsync(string name) => (await arm.GetAsync(World.OsDiskPoint(await world.PointAsync(collection, name)))).Expect(200);
    }
}
