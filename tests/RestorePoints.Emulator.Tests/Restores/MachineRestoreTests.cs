using RestorePoints.Emulator.Tests.ControlPlane;
using RestorePoints.Emulator.Tests.Copies;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Restores;

/// <summary>Data disks that a machine makes itself: <c>createOption</c> Restore and Copy.</summary>
public sealed class MachineRestoreTests(EmulatorFixture fixture)
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task A_machine_is_restored_from_a_point_with_every_byte_of_its_disks()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        byte[][] content = [.. Enumerable.Range(0, 3).Select(i => World.Noise(40 + i, (int)World.UploadBytes))];
        string os = await world.UploadDiskAsync("os", content[0]), first = await world.UploadDiskAsync("first", content[1]), second = await world.UploadDiskAsync("second", content[2]);
        ArmResponse point = await world.PointAsync(await world.CollectionAsync("c", await world.VmAsync("vm", os, first, second)), "p");
        foreach (string disk in new[] { os, first, second })
            await (await world.GuestAsync(disk)).WriteAsync(0, World.Noise(50, MiB));

        string osBack = await world.RestoredDiskAsync("os-back", World.OsDiskPoint(point)), vm = world.Vm("back");
        ArmResponse accepted = (await arm.PutAsync(vm, MachineBodies.With(osBack, World.Location,
            MachineBodies.Restored(0, World.DataDiskPoint(point, 0), ",\"managedDisk\":{\"storageAccountType\":\"StandardSSD_LRS\"}"),
            MachineBodies.Restored(5, World.DataDiskPoint(point, 1), ",\"name\":\"second-back\",\"diskSizeGB\":3,\"deleteOption\":\"Delete\"")))).Expect(201);
        accepted["properties.storageProfile.dataDisks.0.sourceResource.id"].ShouldBe(World.DataDiskPoint(point, 0));
        (await arm.FinishAsync(accepted))["status"].ShouldBe("Succeeded");

        ArmResponse machine = (await arm.GetAsync(vm)).Expect(200);
        machine["properties.provisioningState"].ShouldBe("Succeeded");
        machine["properties.storageProfile.dataDisks.0.createOption"].ShouldBe("Restore");
        machine["properties.storageProfile.dataDisks.0.sourceResource.id"].ShouldBe(World.DataDiskPoint(point, 0));
        machine["properties.storageProfile.dataDisks.0.name"].ShouldNotBeNull().ShouldMatch("^back_disk2_[0-9a-f]{32}$");
        machine["properties.storageProfile.dataDisks.1.name"].ShouldBe("second-back");
        machine["properties.storageProfile.dataDisks.1.diskSizeGB"].ShouldBe("3");
        string firstBack = machine["properties.storageProfile.dataDisks.0.managedDisk.id"]!, secondBack = world.Disk("second-back");
        ArmResponse shown = (await arm.GetAsync(firstBack)).Expect(200);
        shown["sku.name"].ShouldBe("StandardSSD_LRS");
        shown.Keys("properties.creationData").ShouldBe("createOption sourceResourceId");
        shown["properties.creationData.createOption"].ShouldBe("Restore");
        shown["properties.diskState"].ShouldBe("Attached");
        (await arm.GetAsync(secondBack))["properties.diskSizeBytes"].ShouldBe($"{3L << 30}");

        (await (await world.GuestAsync(osBack)).ReadAllAsync()).AsSpan().SequenceEqual(content[0]).ShouldBeTrue();
        (await (await world.GuestAsync(firstBack)).ReadAllAsync()).AsSpan().SequenceEqual(content[1]).ShouldBeTrue();
        RawBlob grown = await world.GuestAsync(secondBack);
        (await grown.ReadAsync(0, content[2].Length)).AsSpan().SequenceEqual(content[2]).ShouldBeTrue();
        (await grown.PageRangesAsync()).ShouldAllBe(range => range.End <= content[2].Length, "the new space is clear");

        ArmResponse again = (await arm.PutAsync(vm, machine.Text)).Expect(200);
        (await arm.FinishAsync(again))["status"].ShouldBe("Succeeded", "a machine can be put back as it is shown");
        (await arm.GetAsync(vm))["properties.storageProfile.dataDisks.0.managedDisk.id"].ShouldBe(firstBack, "and keeps its disks");
        await arm.SucceedAsync(arm.DeleteAsync(vm));
        (await arm.GetAsync(secondBack)).Expect(404);
        (await world.DownloadAsync(firstBack)).AsSpan().SequenceEqual(content[1]).ShouldBeTrue("its deleteOption is Detach");
    }

    [Fact]
    public async Task A_machine_is_restored_from_a_copied_point_in_the_region_of_the_copy_only()
    {
        CopyWorld copies = await CopyWorld.CreateAsync(fixture.NewSubscription());
        World world = copies.World;
        ArmResponse source = await world.PointAsync(copies.Source, "p"), copy = await copies.CopyAsync("c", copies.SourcePoint("p"));
        string os = world.Disk("os-back"), vm = world.Vm("back");
        await world.Arm.SucceedAsync(world.Arm.PutAsync(os, World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{World.OsDiskPoint(copy)}\"", location: CopyWorld.Target)));
        NotFoundTests.Check(await world.Arm.PutAsync(vm, MachineBodies.With(os, CopyWorld.Target, MachineBodies.Restored(0, World.DataDiskPoint(source, 0)))), 404, "NotFound", "is not found.");
        (await world.Arm.GetAsync(vm)).Expect(404);

        await world.Arm.SucceedAsync(world.Arm.PutAsync(vm, MachineBodies.With(os, CopyWorld.Target, MachineBodies.Restored(0, World.DataDiskPoint(copy, 0)))));

        string data = (await world.Arm.GetAsync(vm))["properties.storageProfile.dataDisks.0.managedDisk.id"]!;
        (await (await world.GuestAsync(os)).ReadAllAsync()).AsSpan().SequenceEqual(CopyWorld.Os).ShouldBeTrue();
        (await (await world.GuestAsync(data)).ReadAllAsync()).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task Data_disks_are_copied_from_disks_and_snapshots_also_from_those_that_are_still_being_made()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        byte[] content = World.Noise(60, (int)World.UploadBytes), later = World.Noise(61, MiB);
        string source = await world.UploadDiskAsync("source", content);
        await world.VmAsync("source-vm", source);
        RawBlob guest = await world.GuestAsync(source);
        for (int round = 0; round < 4; round++)
        {
            string os = await world.EmptyDiskAsync($"os{round}"), snapshot = world.Snapshot($"s{round}"), copy = world.Disk($"copy{round}"), vm = world.Vm($"vm{round}");
            ArmResponse snapshotAccepted = (await arm.PutAsync(snapshot, World.SnapshotBody(source))).Expect(202);
            ArmResponse copyAccepted = (await arm.PutAsync(copy, World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{source}\""))).Expect(202);
            // An addition to a machine that is there.
            (await arm.PutAsync(vm, MachineBodies.With(os, World.Location, MachineBodies.Copied(0, source)))).Expect(201);
            ArmResponse accepted = (await arm.PatchAsync(vm, $$$"""
                {"properties":{"storageProfile":{"dataDisks":[{{{MachineBodies.Copied(0, source)}}},{{{MachineBodies.Copied(1, snapshot)}}},{{{MachineBodies.Copied(2, copy, ",\"diskSizeGB\":2")}}}]} } }
                """)).Expect(200);
            (await arm.FinishAsync(accepted))["status"].ShouldBe("Succeeded", $"round {round}");
            await arm.FinishAsync(snapshotAccepted);
            await arm.FinishAsync(copyAccepted);
            ArmResponse machine = (await arm.GetAsync(vm)).Expect(200);
            for (int disk = 0; disk < 3; disk++)
            {
                string id = machine[$"properties.storageProfile.dataDisks.{disk}.managedDisk.id"]!;
                (await (await world.GuestAsync(id)).ReadAsync(0, content.Length)).AsSpan().SequenceEqual(content).ShouldBeTrue($"round {round}, disk {disk}");
                (await arm.GetAsync(id))["properties.creationData.sourceUniqueId"].ShouldNotBeNull();
            }
        }
        await guest.WriteAsync(0, later);
        string copied = (await arm.GetAsync(world.Vm("vm0")))["properties.storageProfile.dataDisks.0.managedDisk.id"]!;
        (await (await world.GuestAsync(copied)).ReadAsync(0, MiB)).AsSpan().SequenceEqual(content.AsSpan(0, MiB)).ShouldBeTrue("a copy has a life of its own");
    }

    [Fact]
    public async Task What_cannot_be_the_source_of_a_data_disk_is_refused_and_changes_nothing()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        string os = await world.EmptyDiskAsync("os"), large = await world.EmptyDiskAsync("large", gib: 4), elsewhere = await world.EmptyDiskAsync("elsewhere", location: "northeurope");
        ArmResponse point = await world.PointAsync(await world.CollectionAsync("c", await world.VmAsync("vm", os, large)), "p");
        string restorePoint = World.DataDiskPoint(point, 0), free = await world.EmptyDiskAsync("free");
        int disks = (await arm.GetAsync($"{world.Compute}/disks")).Count("value");

        await RefuseAsync(MachineBodies.Restored(0, large), 400, "InvalidParameter", "is not the resource id of a Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints");
        await RefuseAsync(MachineBodies.Copied(0, restorePoint), 400, "InvalidParameter", "is not the resource id of a Microsoft.Compute/disks or snapshots");
        await RefuseAsync(MachineBodies.Copied(0, "large"), 400, "InvalidParameter", "is not the resource id");
        await RefuseAsync("""{"lun":0,"createOption":"Restore"}""", 400, "InvalidParameter", "sourceResource.id' is missing");
        await RefuseAsync(MachineBodies.Restored(0, restorePoint + "0"), 404, "NotFound", "is not found.");
        await RefuseAsync(MachineBodies.Copied(0, world.Snapshot("absent")), 404, "NotFound", "Resource absent is not found.");
        await RefuseAsync(MachineBodies.Copied(0, elsewhere), 404, "NotFound", "Resource elsewhere is not found.");
        await RefuseAsync(MachineBodies.Restored(0, restorePoint, ",\"diskSizeGB\":3"), 409, "OperationNotAllowed", "must not be smaller");
        await RefuseAsync(MachineBodies.Copied(0, large, ",\"diskSizeGB\":65537"), 400, "InvalidParameter", "between 1 and 65536");
        await RefuseAsync(MachineBodies.Copied(0, large, ",\"name\":\"free\""), 409, "ConflictingUserInput", "already exists");
        await RefuseAsync($"{MachineBodies.Copied(0, large)},{MachineBodies.Restored(1, restorePoint, ",\"diskSizeGB\":1")}", 409, "OperationNotAllowed", "must not be smaller");
        ArmResponse old = await arm.SendAsync(HttpMethod.Put, world.Vm("refused"), MachineBodies.With(free, World.Location, MachineBodies.Restored(0, restorePoint)), apiVersion: "2023-09-01");
        NotFoundTests.Check(old, 400, "BadRequest", "This request can be made with api-version '2024-03-01' or newer.");
        string restoredOs = MachineBodies.With(free, World.Location).Replace("\"createOption\":\"Attach\"", "\"createOption\":\"Restore\"");
        NotFoundTests.Check(await arm.PutAsync(world.Vm("refused"), restoredOs), 400, "InvalidParameter", "Allowed values are: Attach, FromImage.");

        (await arm.GetAsync(world.Vm("refused"))).Expect(404);
        (await arm.GetAsync($"{world.Compute}/disks")).Count("value").ShouldBe(disks);
        (await arm.GetAsync(free))["properties.diskState"].ShouldBe("Unattached");

        async Task RefuseAsync(string dataDisks, int status, string code, string message) =>
            NotFoundTests.Check(await arm.PutAsync(world.Vm("refused"), MachineBodies.With(free, World.Location, dataDisks)), status, code, message);
    }

    [Fact]
    public async Task A_data_disk_has_the_key_that_the_machine_asks_for_and_not_that_of_its_source()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        string set = $"{world.Compute}/diskEncryptionSets/keys", data = world.Disk("data");
        await arm.SucceedAsync(arm.PutAsync(data, World.DiskBody("\"createOption\":\"Empty\"", $",\"diskSizeGB\":1,\"encryption\":{{\"diskEncryptionSetId\":\"{set}\"}}")));
        string restorePoint = World.DataDiskPoint(await world.PointAsync(await world.CollectionAsync("c", await world.VmAsync("vm", await world.EmptyDiskAsync("os"), data)), "p"), 0);
        await arm.SucceedAsync(arm.PutAsync(world.Vm("back"), MachineBodies.With(await world.EmptyDiskAsync("os2"), World.Location,
            MachineBodies.Restored(0, restorePoint, $",\"name\":\"chosen\",\"managedDisk\":{{\"diskEncryptionSet\":{{\"id\":\"{set}2\"}}}}"), MachineBodies.Restored(1, restorePoint, ",\"name\":\"plain\""))));
        ArmResponse chosen = await arm.GetAsync(world.Disk("chosen"));
        (chosen["properties.encryption.type"], chosen["properties.encryption.diskEncryptionSetId"]).ShouldBe(("EncryptionAtRestWithCustomerKey", set + "2"));
        (await arm.GetAsync(world.Disk("plain")))["properties.encryption.type"].ShouldBe("EncryptionAtRestWithPlatformKey");
        string own = await world.RestoredDiskAsync("own", restorePoint, $",\"encryption\":{{\"type\":\"EncryptionAtRestWithPlatformAndCustomerKeys\",\"diskEncryptionSetId\":\"{set}\"}}");
        (await arm.GetAsync(own))["properties.encryption.type"].ShouldBe("EncryptionAtRestWithPlatformAndCustomerKeys");
    }

    [Fact]
    public async Task The_source_of_a_data_disk_cannot_change_and_is_not_lost_by_a_version_that_does_not_know_it()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        string one = await world.EmptyDiskAsync("one"), two = await world.EmptyDiskAsync("two"), os = await world.EmptyDiskAsync("os"), vm = world.Vm("vm");
        string body = MachineBodies.With(os, World.Location, MachineBodies.Copied(0, one));
        await arm.SucceedAsync(arm.PutAsync(vm, body));
        ArmResponse made = (await arm.GetAsync(vm)).Expect(200);
        await arm.SucceedAsync(arm.PutAsync(vm, body));
        NotFoundTests.Check(await arm.PutAsync(vm, body.Replace(one, two)), 409, "PropertyChangeNotAllowed", "dataDisk.sourceResource.id");
        ArmResponse old = await arm.SendAsync(HttpMethod.Get, vm, apiVersion: "2023-09-01");
        old.Node("properties.storageProfile.dataDisks.0.sourceResource").ShouldBeNull();
        await arm.FinishAsync((await arm.SendAsync(HttpMethod.Put, vm, old.Text, apiVersion: "2023-09-01")).Expect(200));

        ArmResponse shown = (await arm.GetAsync(vm)).Expect(200);
        shown["properties.storageProfile.dataDisks.0.managedDisk.id"].ShouldBe(made["properties.storageProfile.dataDisks.0.managedDisk.id"], "the same disk all the time");
        shown["properties.storageProfile.dataDisks.0.sourceResource.id"].ShouldBe(one);
    }

    [Fact]
    public async Task A_failed_machine_makes_its_disks_when_it_is_put_again()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        byte[] content = World.Noise(70, (int)World.UploadBytes);
        string source = await world.UploadDiskAsync("source", content), os = await world.EmptyDiskAsync("os"), vm = world.Vm("vm");
        string body = MachineBodies.With(os, World.Location, MachineBodies.Copied(0, source, ",\"name\":\"made\""), """{"lun":1,"createOption":"Empty","diskSizeGB":1}""");
        await arm.AddFaultAsync("\"type\":\"FailOperation\",\"code\":\"AllocationFailed\"", ",\"operation\":\"VirtualMachines_CreateOrUpdate\"", ",\"times\":1");
        (await arm.FinishAsync((await arm.PutAsync(vm, body)).Expect(201)))["error.code"].ShouldBe("AllocationFailed");
        (await arm.GetAsync(vm))["properties.provisioningState"].ShouldBe("Failed");
        (await arm.GetAsync(world.Disk("made")))["properties.provisioningState"].ShouldBe("Failed");
        int disks = (await arm.GetAsync($"{world.Compute}/disks")).Count("value");

        await arm.SucceedAsync(arm.PutAsync(vm, body));

        (await arm.GetAsync(vm))["properties.provisioningState"].ShouldBe("Succeeded");
        (await arm.GetAsync(world.Disk("made")))["properties.provisioningState"].ShouldBe("Succeeded");
        (await (await world.GuestAsync(world.Disk("made"))).ReadAllAsync()).AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await arm.GetAsync($"{world.Compute}/disks")).Count("value").ShouldBe(disks, "the failed disks are replaced");
    }
}
