using RestorePoints.Emulator.Tests.ControlPlane;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Copies;

/// <summary>Copies of restore points to another region: what they show, their bytes, and every rule about what may be copied.</summary>
public sealed class CopyTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private CopyWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await CopyWorld.CreateAsync(fixture.NewSubscription());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task A_collection_of_copies_shows_the_region_of_its_source()
    {
        ArmResponse shown = (await Arm.GetAsync(_world.Copies)).Expect(200);
        (shown["location"], shown["properties.source.location"], shown["properties.source.id"]).ShouldBe((CopyWorld.Target, World.Location, _world.Source));
        (await Arm.PutAsync(_world.Copies, CopyWorld.CollectionBody(_world.Source))).Expect(200);
        Check(await Arm.PutAsync(_world.Copies, CopyWorld.CollectionBody(_world.World.Vm("vm"))), 409, "PropertyChangeNotAllowed", "source");
        Check(await Arm.PutAsync(World.Point(_world.Copies, "p"), "{}"), 400, "InvalidParameter", "sourceRestorePoint");
    }

    [Fact]
    public async Task A_copy_shows_what_its_source_showed_and_where_it_comes_from()
    {
        ArmResponse source = await _world.World.PointAsync(_world.Source, "p1");
        ArmResponse accepted = (await Arm.PutAsync(_world.Copy("c1"), CopyWorld.CopyBody(_world.SourcePoint("p1")))).Expect(201);
        (accepted["properties.provisioningState"], accepted["properties.consistencyMode"]).ShouldBe(("Creating", source["properties.consistencyMode"]));
        accepted["properties.timeCreated"].ShouldBe(source["properties.timeCreated"]);
        accepted["properties.sourceRestorePoint.id"].ShouldBe(_world.SourcePoint("p1"));
        accepted.Node("properties.sourceMetadata.storageProfile.osDisk.diskRestorePoint").ShouldBeNull("not before it has succeeded");
        await Arm.SucceedAsync(Task.FromResult(accepted));

        ArmResponse copy = await _world.CompletedAsync(_world.Copy("c1"));
        copy.Keys("properties").ShouldBe("sourceMetadata provisioningState consistencyMode sourceRestorePoint instanceView timeCreated");
        copy["properties.provisioningState"].ShouldBe("Succeeded");
        copy["properties.timeCreated"].ShouldBe(source["properties.timeCreated"]);
        (copy["properties.sourceMetadata.location"], copy["properties.sourceMetadata.vmId"]).ShouldBe((World.Location, source["properties.sourceMetadata.vmId"]));
        copy.Keys("properties.sourceMetadata.storageProfile.osDisk.diskRestorePoint").ShouldBe("sourceDiskRestorePoint encryption id");
        copy["properties.sourceMetadata.storageProfile.osDisk.diskRestorePoint.sourceDiskRestorePoint.id"].ShouldBe(World.OsDiskPoint(source));
        copy["properties.sourceMetadata.storageProfile.dataDisks.0.diskRestorePoint.sourceDiskRestorePoint.id"].ShouldBe(World.DataDiskPoint(source, 0));
        copy["properties.sourceMetadata.storageProfile.osDisk.managedDisk.id"].ShouldBe(_world.OsDisk);
        World.OsDiskPoint(copy).ShouldStartWith($"{_world.Copy("c1")}/diskRestorePoints/os_");
        World.OsDiskPoint(copy).ShouldNotEndWith(World.OsDiskPoint(source).Split('/')[^1]);

        copy.Node("properties.instanceView.statuses")!.ToJsonString().ShouldBe("""[{"code":"ReplicationState/succeeded","level":"Info","displayStatus":"Replication succeeded"}]""");
        copy.Count("properties.instanceView.diskRestorePoints").ShouldBe(2);
        copy["properties.instanceView.diskRestorePoints.0.id"].ShouldBe(World.OsDiskPoint(copy));
        copy.Keys("properties.instanceView.diskRestorePoints.0.replicationStatus").ShouldBe("status completionPercent");
        copy["properties.instanceView.diskRestorePoints.1.replicationStatus.completionPercent"].ShouldBe("100");

        ArmResponse disk = (await Arm.GetAsync(World.OsDiskPoint(copy))).Expect(200), sourceDisk = (await Arm.GetAsync(World.OsDiskPoint(source))).Expect(200);
        (disk["properties.replicationState"], disk["properties.completionPercent"], disk["properties.sourceResourceLocation"]).ShouldBe(("Succeeded", "100", World.Location));
        (disk["properties.sourceUniqueId"], disk["properties.sourceResourceId"]).ShouldBe((sourceDisk["properties.sourceUniqueId"], _world.OsDisk));
        disk["properties.familyId"].ShouldNotBe(sourceDisk["properties.familyId"], "the family of the copies is another one");
        (await Arm.PutAsync(_world.Copy("c1"), (await Arm.GetAsync(_world.Copy("c1"))).Text)).Expect(201);
        (await Arm.GetAsync(_world.Copies, "$expand=restorePoints")).Expect(200)["properties.restorePoints.0.properties.sourceRestorePoint.id"].ShouldBe(_world.SourcePoint("p1"));
    }

    [Fact]
    public async Task Copied_points_have_the_bytes_of_their_sources_and_the_differences_between_them()
    {
        int seed = Seeds.Choose();
        var random = new Random(seed);
        RawBlob guest = await _world.World.GuestAsync(_world.DataDisk);
        List<string> sources = [], copies = [];
        List<byte[]> frozen = [];
        for (int number = 0; number < 6; number++)
        {
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                long at = random.Next(5120) * 4096L;
                int length = (int)Math.Min(random.Next(1, 20) * 4096L, CopyWorld.Data.Length - at);
                if (random.Next(3) == 0)
                    await guest.ClearAsync(at, length);
                else
                    await guest.WriteAsync(at, random.Next(4) == 0 ? new byte[length] : World.Noise(random.Next(), length));
            }
            ArmResponse source = await _world.World.PointAsync(_world.Source, $"p{number}");
            if (random.Next(3) == 0)
                continue;
            ArmResponse copy = await _world.CopyAsync($"c{number}", _world.SourcePoint($"p{number}"));
            sources.Add(World.DataDiskPoint(source, 0));
            copies.Add(World.DataDiskPoint(copy, 0));
            frozen.Add(await _world.World.DownloadAsync(World.DataDiskPoint(source, 0)));
        }

        for (int number = 0; number < copies.Count; number++)
        {
            (await _world.World.DownloadAsync(copies[number])).AsSpan().SequenceEqual(frozen[number]).ShouldBeTrue($"seed {seed}, copy {number}");
            if (number == 0)
                continue;
            BlobRange[] expected = await DiffAsync(sources[number - 1], sources[number]), found = await DiffAsync(copies[number - 1], copies[number]);
            found.Where(range => !range.Clear).ShouldBe(expected.Where(range => !range.Clear), $"seed {seed}, difference {number}");
            RawBlob newer = _world.World.Blob(await Arm.GrantAsync(copies[number]));
            byte[] applied = await newer.ApplyToAsync([.. frozen[number - 1], .. new byte[512]], found);
            applied.AsSpan(0, frozen[number].Length).SequenceEqual(frozen[number]).ShouldBeTrue($"seed {seed}, applied {number}");
            await Arm.RevokeAsync(copies[number]);
        }
    }

    [Fact]
    public async Task A_disk_that_grew_is_copied_with_its_new_size()
    {
        string vm = _world.World.Vm("vm");
        await _world.World.PointAsync(_world.Source, "p1");
        await _world.CopyAsync("c1", _world.SourcePoint("p1"));
        await Arm.SucceedAsync(Arm.PostAsync($"{vm}/deallocate"));
        await Arm.SucceedAsync(Arm.PatchAsync(_world.DataDisk, """{"properties":{"diskSizeGB":2}}"""));
        RawBlob guest = await _world.World.GuestAsync(_world.DataDisk);
        byte[] added = World.Noise(5, 8192);
        await guest.WriteAsync(1536 << 20, added);
        await _world.World.PointAsync(_world.Source, "p2");
        ArmResponse copy = await _world.CopyAsync("c2", _world.SourcePoint("p2"));
        copy["properties.sourceMetadata.storageProfile.dataDisks.0.diskSizeGB"].ShouldBe("2");
        RawBlob blob = _world.World.Blob(await Arm.GrantAsync(World.DataDiskPoint(copy, 0)));
        (await blob.LengthAsync()).ShouldBe((2L << 30) + 512);
        (await blob.ReadAsync(1536 << 20, added.Length)).ShouldBe(added);
        (await blob.ReadAsync(0, 1 << 20)).ShouldBe(CopyWorld.Data[..(1 << 20)]);
    }

    [Fact]
    public async Task Copies_are_deleted_in_any_order_and_the_others_stay_whole_also_without_their_sources()
    {
        RawBlob guest = await _world.World.GuestAsync(_world.DataDisk);
        List<byte[]> frozen = [];
        List<string> disks = [];
        for (int number = 0; number < 4; number++)
        {
            await guest.WriteAsync(number * 65536, World.Noise(100 + number, 131072));
            frozen.Add(await _world.World.DownloadAsync(World.DataDiskPoint(await _world.World.PointAsync(_world.Source, $"p{number}"), 0)));
            if (number == 3)
                await Arm.SucceedAsync(Arm.DeleteAsync(_world.SourcePoint("p2")));
            disks.Add(World.DataDiskPoint(await _world.CopyAsync($"c{number}", _world.SourcePoint($"p{number}")), 0));
        }
        foreach (int deleted in new[] { 1, 3, 0 })
        {
            await Arm.SucceedAsync(Arm.DeleteAsync(_world.Copy($"c{deleted}")));
            disks[deleted] = "";
            for (int number = 0; number < 4; number++)
                if (disks[number].Length > 0)
                    (await _world.World.DownloadAsync(disks[number])).AsSpan().SequenceEqual(frozen[number]).ShouldBeTrue($"c{number} after c{deleted}");
        }
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Source));
        (await _world.World.DownloadAsync(disks[2])).AsSpan().SequenceEqual(frozen[2]).ShouldBeTrue("without the source");
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Copy("c2")));
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Copies));
    }

    [Fact]
    public async Task A_copy_that_is_deleted_can_be_made_again_also_of_an_earlier_point()
    {
        RawBlob guest = await _world.World.GuestAsync(_world.DataDisk);
        List<byte[]> frozen = [];
        for (int number = 0; number < 3; number++)
        {
            await guest.WriteAsync(number * 65536, World.Noise(200 + number, 131072));
            frozen.Add(await _world.World.DownloadAsync(World.DataDiskPoint(await _world.World.PointAsync(_world.Source, $"p{number}"), 0)));
        }
        await _world.CopyAsync("c0", _world.SourcePoint("p0"));
        await _world.CopyAsync("c2", _world.SourcePoint("p2"));
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Copy("c2")));
        foreach (int number in new[] { 1, 2 })
            (await _world.World.DownloadAsync(World.DataDiskPoint(await _world.CopyAsync($"again{number}", _world.SourcePoint($"p{number}")), 0)))
                .AsSpan().SequenceEqual(frozen[number]).ShouldBeTrue($"copy of p{number}");
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Copies));
        (await Arm.PutAsync(_world.Copies, CopyWorld.CollectionBody(_world.Source))).Expect(201);
        (await _world.World.DownloadAsync(World.DataDiskPoint(await _world.CopyAsync("c0", _world.SourcePoint("p0")), 0))).AsSpan().SequenceEqual(frozen[0]).ShouldBeTrue("after all were deleted");
    }

    [Fact]
    public async Task A_disk_is_restored_from_a_copy_in_the_region_of_the_copy_only()
    {
        ArmResponse source = await _world.World.PointAsync(_world.Source, "p1"), copy = await _world.CopyAsync("c1", _world.SourcePoint("p1"));
        string body = $"\"createOption\":\"Restore\",\"sourceResourceId\":\"{World.DataDiskPoint(copy, 0)}\"";
        Check(await Arm.PutAsync(_world.World.Disk("here"), World.DiskBody(body)), 404, "NotFound", "is not found.");
        string there = $"\"createOption\":\"Restore\",\"sourceResourceId\":\"{World.DataDiskPoint(source, 0)}\"";
        Check(await Arm.PutAsync(_world.World.Disk("there"), World.DiskBody(there, location: CopyWorld.Target)), 404, "NotFound", "is not found.");
        await Arm.SucceedAsync(Arm.PutAsync(_world.World.Disk("restored"), World.DiskBody(body, location: CopyWorld.Target)));
        (await _world.World.DownloadAsync(_world.World.Disk("restored"))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task A_missing_source_is_not_found()
    {
        Check(await Arm.PutAsync(_world.World.Collection("x"), CopyWorld.CollectionBody(_world.World.Collection("none"))), 404, "ResourceNotFound", "restorePointCollections/none");
        Check(await Arm.PutAsync(_world.Copy("x"), CopyWorld.CopyBody(_world.SourcePoint("none"))), 404, "NotFound", "The entity was not found in this Azure location.");
        Check(await Arm.PutAsync(_world.Copy("x"), CopyWorld.CopyBody(World.Point(_world.World.Collection("none"), "p"))), 404, "ResourceNotFound", "restorePointCollections/none");
        (await Arm.GetAsync(_world.Copy("x"))).Expect(404);
    }

    [Fact]
    public async Task A_copy_goes_to_another_region()
    {
        Check(await Arm.PutAsync(_world.World.Collection("near"), CopyWorld.CollectionBody(_world.Source, World.Location)), 409, "OperationNotAllowed", "both are in the region westeurope");
        await _world.World.PointAsync(_world.Source, "p1");
        Check(await Arm.PutAsync(_world.SourcePoint("again"), CopyWorld.CopyBody(_world.SourcePoint("p1"))), 409, "OperationNotAllowed",
            "Restore point source/p1 cannot be copied to source/again: both are in the region westeurope");
    }

    [Fact]
    public async Task A_copy_is_not_copied_again_not_even_back()
    {
        await _world.World.PointAsync(_world.Source, "p1");
        await _world.CopyAsync("c1", _world.SourcePoint("p1"));
        Check(await Arm.PutAsync(_world.World.Collection("third"), CopyWorld.CollectionBody(_world.Copies, "uksouth")), 409, "OperationNotAllowed", "a copy cannot be copied again");
        Check(await Arm.PutAsync(_world.SourcePoint("back"), CopyWorld.CopyBody(_world.Copy("c1"))), 409, "OperationNotAllowed",
            "Restore point copies/c1 cannot be copied to source/back: the source is itself a copy");
    }

    [Fact]
    public async Task A_point_is_copied_to_a_region_once_and_to_several_regions()
    {
        await _world.World.PointAsync(_world.Source, "p1");
        await _world.CopyAsync("c1", _world.SourcePoint("p1"));
        Check(await Arm.PutAsync(_world.Copy("c2"), CopyWorld.CopyBody(_world.SourcePoint("p1"))), 409, "OperationNotAllowed", "Restore point source/p1 cannot be copied to copies/c2: the region northeurope has the copy c1");
        string second = _world.World.Collection("second"), third = _world.World.Collection("third");
        (await Arm.PutAsync(second, CopyWorld.CollectionBody(_world.Source))).Expect(201);
        Check(await Arm.PutAsync(World.Point(second, "c1"), CopyWorld.CopyBody(_world.SourcePoint("p1"))), 409, "OperationNotAllowed", "once");
        (await Arm.PutAsync(third, CopyWorld.CollectionBody(_world.Source, "uksouth"))).Expect(201);
        await Arm.SucceedAsync(Arm.PutAsync(World.Point(third, "c1"), CopyWorld.CopyBody(_world.SourcePoint("p1"))));
        ArmResponse copy = await _world.CompletedAsync(World.Point(third, "c1"));
        (await _world.World.DownloadAsync(World.OsDiskPoint(copy))).AsSpan().SequenceEqual(CopyWorld.Os).ShouldBeTrue();
    }

    [Fact]
    public async Task Copies_are_made_in_the_order_of_creation()
    {
        foreach (string name in new[] { "p1", "p2", "p3" })
            await _world.World.PointAsync(_world.Source, name);
        await _world.CopyAsync("c1", _world.SourcePoint("p1"));
        await _world.CopyAsync("c3", _world.SourcePoint("p3"));
        Check(await Arm.PutAsync(_world.Copy("c2"), CopyWorld.CopyBody(_world.SourcePoint("p2"))), 409, "OperationNotAllowed",
            "Restore point source/p2 cannot be copied to copies/c2: the copy c3 is of a later restore point");
    }

    [Fact]
    public async Task A_collection_takes_copies_of_one_collection()
    {
        string other = await _world.World.CollectionAsync("other", _world.World.Vm("vm"));
        await _world.World.PointAsync(other, "p1");
        Check(await Arm.PutAsync(_world.Copy("c1"), CopyWorld.CopyBody(World.Point(other, "p1"))), 409, "OperationNotAllowed",
            "Restore point other/p1 cannot be copied to copies/c1: the collection copies takes copies of its own source");
    }

    [Fact]
    public async Task No_disk_is_excluded_from_a_copy_and_its_mode_is_that_of_the_source()
    {
        await _world.World.PointAsync(_world.Source, "p1");
        Check(await Arm.PutAsync(_world.Copy("c1"), CopyWorld.CopyBody(_world.SourcePoint("p1"), $$$""","excludeDisks":[{"id":"{{{_world.DataDisk}}}"}]""")), 409, "OperationNotAllowed",
            "Restore point source/p1 cannot be copied to copies/c1: excludeDisks");
        Check(await Arm.PutAsync(_world.Copy("c1"), CopyWorld.CopyBody(_world.SourcePoint("p1"), ""","consistencyMode":"CrashConsistent" """)), 400, "InvalidParameter", "FileSystemConsistent");
        (await Arm.GetAsync(_world.Copy("c1"))).Expect(404);
    }

    [Fact]
    public async Task A_disk_that_the_source_excludes_is_missing_from_the_copy_too()
    {
        await _world.World.PointAsync(_world.Source, "p1", $$$"""{"properties":{"excludeDisks":[{"id":"{{{_world.DataDisk}}}"}]}}""");
        ArmResponse copy = await _world.CopyAsync("c1", _world.SourcePoint("p1"));
        copy.Count("properties.sourceMetadata.storageProfile.dataDisks").ShouldBe(0);
        copy.Count("properties.instanceView.diskRestorePoints").ShouldBe(1);
    }

    [Fact]
    public async Task Only_a_source_that_has_succeeded_is_copied()
    {
        (await Arm.SendAsync(HttpMethod.Put, $"/emulator{_world.World.Vm("vm")}/guest", """{"agent":"NotReady"}""")).Expect(200);
        await Arm.FinishAsync((await Arm.PutAsync(_world.SourcePoint("failed"), "{}")).Expect(201));
        Check(await Arm.PutAsync(_world.Copy("c"), CopyWorld.CopyBody(_world.SourcePoint("failed"))), 409, "OperationNotAllowed", "Restore point source/failed cannot be copied to copies/c: the source must be complete");
    }

    private async Task<BlobRange[]> DiffAsync(string older, string newer)
    {
        string previous = await Arm.GrantAsync(older);
        IReadOnlyList<BlobRange> diff = await _world.World.Blob(await Arm.GrantAsync(newer)).DiffAsync(previous);
        await Arm.RevokeAsync(older);
        await Arm.RevokeAsync(newer);
        return [.. diff];
    }

    private static void Check(ArmResponse answer, int status, string code, string messagePart) => NotFoundTests.Check(answer, status, code, messagePart);
}
