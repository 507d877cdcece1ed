using RestorePoints.Emulator.Tests.ControlPlane;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Copies;

/// <summary>Restore points that are created in another region than their machine's: frozen there, with the bytes on their way here.</summary>
public sealed class CrossRegionCreationTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private HeldEmulator _emulator = null!;
    private CopyWorld _world = null!;
    private string _remote = null!;

    public async ValueTask InitializeAsync()
    {
        _emulator = await HeldEmulator.StartAsync(_directory.Path);
        _world = await CopyWorld.CreateAsync(new RawArm(_emulator.Http, Guid.NewGuid()));
        _remote = _world.World.Collection("remote");
        (await Arm.PutAsync(_remote, CopyWorld.CollectionBody(_world.World.Vm("vm")))).Expect(201);
    }

    public async ValueTask DisposeAsync()
    {
        await _emulator.DisposeAsync();
        _directory.Dispose();
    }

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task A_point_in_another_region_shows_its_machine_and_the_progress_of_its_disks()
    {
        ArmResponse collection = (await Arm.GetAsync(_remote)).Expect(200);
        (collection["location"], collection["properties.source.location"]).ShouldBe((CopyWorld.Target, World.Location));
        _emulator.HoldAt(37);
        ArmResponse accepted = (await Arm.PutAsync(Remote("p1"), "{}")).Expect(201);
        accepted["properties.provisioningState"].ShouldBe("Creating");
        accepted.Node("properties.sourceMetadata.storageProfile.osDisk.diskRestorePoint").ShouldBeNull("not before it has succeeded");
        await Arm.SucceedAsync(Task.FromResult(accepted));
        await _emulator.HeldAsync();

        ArmResponse point = (await Arm.GetAsync(Remote("p1"), "$expand=instanceView")).Expect(200);
        point.Keys("properties").ShouldBe("sourceMetadata provisioningState consistencyMode instanceView timeCreated");
        (point["properties.provisioningState"], point["properties.consistencyMode"]).ShouldBe(("Succeeded", "FileSystemConsistent"));
        point["properties.timeCreated"].ShouldBe(accepted["properties.timeCreated"]);
        point["properties.sourceMetadata.location"].ShouldBe(World.Location);
        point.Keys("properties.sourceMetadata.storageProfile.osDisk.diskRestorePoint").ShouldBe("encryption id");
        point.Node("properties.instanceView.statuses")!.ToJsonString().ShouldBe("""[{"code":"ReplicationState/replicating","level":"Info","displayStatus":"Replicating"}]""");
        point.Count("properties.instanceView.diskRestorePoints").ShouldBe(2);
        ArmResponse disk = (await Arm.GetAsync(World.DataDiskPoint(point, 0))).Expect(200);
        (disk["properties.replicationState"], disk["properties.sourceResourceLocation"], disk["properties.sourceResourceId"]).ShouldBe(("Replicating", World.Location, _world.DataDisk));
        Check(await Arm.PostAsync($"{World.DataDiskPoint(point, 0)}/beginGetAccess", """{"access":"Read","durationInSeconds":3600}"""), "in its replication state Replicating");

        _emulator.Release();
        (await _world.CompletedAsync(Remote("p1")))["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/succeeded");
        (await Arm.PutAsync(Remote("p1"), "{}")).Expect(201);
        (await _world.World.DownloadAsync(World.OsDiskPoint(point))).AsSpan().SequenceEqual(CopyWorld.Os).ShouldBeTrue();
    }

    [Fact]
    public async Task Points_in_another_region_have_the_bytes_of_their_instant_and_the_differences_between_them()
    {
        int seed = Seeds.Choose();
        var random = new Random(seed);
        RawBlob guest = await _world.World.GuestAsync(_world.DataDisk);
        byte[] content = [.. CopyWorld.Data];
        List<(string Disk, byte[] Frozen, HashSet<long> Written)> points = [];
        HashSet<long> written = [];
        for (int number = 0; number < 6; number++)
        {
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                int at = random.Next(5120) * 4096, length = Math.Min(random.Next(1, 20) * 4096, content.Length - at);
                if (random.Next(3) == 0)
                    await guest.ClearAsync(content, at, length);
                else
                    await guest.WriteAsync(content, at, World.Noise(random.Next(), length));
                for (long page = at; page < at + length; page += 4096)
                    written.Add(page);
            }
            // Some are created at home, which changes nothing here.
            bool isHere = random.Next(3) > 0;
            ArmResponse point = await _world.World.PointAsync(isHere ? _remote : _world.Source, $"p{number}");
            // The disk goes on while the bytes are on their way.
            byte[] frozen = [.. content];
            await guest.WriteAsync(content, 8192, World.Noise(random.Next(), 4096));
            if (!isHere)
            {
                written.Add(8192);
                continue;
            }
            points.Add((World.DataDiskPoint(point, 0), frozen, written));
            written = [8192];
            if (random.Next(2) == 0)
                await _world.CompletedAsync(Remote($"p{number}"));
        }

        for (int number = 0; number < points.Count; number++)
        {
            (string disk, byte[] frozen, HashSet<long> changed) = points[number];
            await _world.CompletedAsync(disk[..disk.IndexOf("/diskRestorePoints/", StringComparison.Ordinal)]);
            (await _world.World.DownloadAsync(disk)).AsSpan().SequenceEqual(frozen).ShouldBeTrue($"seed {seed}, point {number}");
            if (number == 0)
                continue;
            string previous = await Arm.GrantAsync(points[number - 1].Disk);
            RawBlob newer = _world.World.Blob(await Arm.GrantAsync(disk));
            IReadOnlyList<BlobRange> diff = await newer.DiffAsync(previous);
            foreach (BlobRange range in diff)
                for (long page = range.Offset; page < Math.Min(range.End, frozen.Length); page += 4096)
                    changed.ShouldContain(page, $"seed {seed}, point {number}: only what was written is moved");
            byte[] applied = await newer.ApplyToAsync([.. points[number - 1].Frozen, .. new byte[512]], diff);
            applied.AsSpan(0, frozen.Length).SequenceEqual(frozen).ShouldBeTrue($"seed {seed}, applied {number}");
            await Arm.RevokeAsync(points[number - 1].Disk);
            await Arm.RevokeAsync(disk);
        }
    }

    [Fact]
    public async Task An_excluded_disk_is_not_in_a_point_in_another_region()
    {
        await _world.World.PointAsync(_remote, "p1", $$$"""{"properties":{"excludeDisks":[{"id":"{{{_world.DataDisk}}}"}]}}""");
        ArmResponse point = await _world.CompletedAsync(Remote("p1"));
        point.Count("properties.sourceMetadata.storageProfile.dataDisks").ShouldBe(0);
        point.Count("properties.instanceView.diskRestorePoints").ShouldBe(1);
        point["properties.excludeDisks.0.id"].ShouldBe(_world.DataDisk);
    }

    [Fact]
    public async Task The_machine_and_its_disks_may_go_while_the_bytes_are_on_their_way_and_nothing_is_left_in_the_end()
    {
        ArmResponse first = await _world.World.PointAsync(_remote, "p0");
        await _world.CompletedAsync(Remote("p0"));
        byte[] content = [.. CopyWorld.Data];
        await (await _world.World.GuestAsync(_world.DataDisk)).WriteAsync(content, 0, World.Noise(9, 4 << 20));
        ArmResponse point = await HeldPointAsync(50);
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.World.Vm("vm")));
        foreach (string disk in new[] { _world.OsDisk, _world.DataDisk })
            await Arm.SucceedAsync(Arm.DeleteAsync(disk));
        _emulator.Release();
        await _world.CompletedAsync(Remote("p1"));
        (await _world.World.DownloadAsync(World.DataDiskPoint(point, 0))).AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await Arm.PutAsync(Remote("p2"), "{}")).Expect(404)["error.code"].ShouldBe("ResourceNotFound");

        await Arm.SucceedAsync(Arm.DeleteAsync(Remote("p1")));
        (await _world.World.DownloadAsync(World.DataDiskPoint(first, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue("the earlier one stays whole");
        await Arm.SucceedAsync(Arm.DeleteAsync(_remote));
        await _emulator.HasAsync(World.Location, volumes: 0, points: 0);
        await _emulator.HasAsync(CopyWorld.Target, volumes: 0, points: 0);
    }

    [Fact]
    public async Task A_point_that_is_deleted_while_its_bytes_are_on_their_way_leaves_nothing()
    {
        await HeldPointAsync(50);
        // The disks are frozen in the machine's region.
        await _emulator.HasAsync(World.Location, volumes: 2, points: 2);
        await Arm.SucceedAsync(Arm.DeleteAsync(Remote("p1")));
        await _emulator.HasAsync(World.Location, volumes: 2, points: 0);
        await _emulator.HasAsync(CopyWorld.Target, volumes: 0, points: 0);
        // Not released: the deletion itself has ended the wait.
        _emulator.HoldAt(int.MaxValue);
        ArmResponse again = await _world.World.PointAsync(_remote, "p1");
        await _world.CompletedAsync(Remote("p1"));
        (await _world.World.DownloadAsync(World.DataDiskPoint(again, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task Disks_are_restored_from_a_point_in_its_region_before_and_after_its_bytes_are_there()
    {
        ArmResponse point = await HeldPointAsync(50);
        string body = $"\"createOption\":\"Restore\",\"sourceResourceId\":\"{World.DataDiskPoint(point, 0)}\"";
        Check(await Arm.PutAsync(_world.World.Disk("here"), World.DiskBody(body)), "is not found.", 404, "NotFound");
        await Arm.SucceedAsync(Arm.PutAsync(_world.World.Disk("early"), World.DiskBody(body, location: CopyWorld.Target)));
        byte[] early = await _world.World.DownloadAsync(_world.World.Disk("early"));
        int same = CopyWorld.Data.AsSpan().CommonPrefixLength(early);
        early.AsSpan(same).ContainsAnyExcept((byte)0).ShouldBeFalse("nothing behind what was replicated");
        same.ShouldBeLessThan(early.Length);
        _emulator.Release();
        await _world.CompletedAsync(Remote("p1"));
        await Arm.SucceedAsync(Arm.PutAsync(_world.World.Disk("late"), World.DiskBody(body, location: CopyWorld.Target)));
        (await _world.World.DownloadAsync(_world.World.Disk("late"))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task No_point_of_the_collection_is_copied_while_one_is_being_created_from_the_other_region()
    {
        await _world.World.PointAsync(_remote, "p0");
        await _world.CompletedAsync(Remote("p0"));
        string further = _world.World.Collection("further");
        (await Arm.PutAsync(further, CopyWorld.CollectionBody(_remote, "uksouth"))).Expect(201);
        await HeldPointAsync(50);
        Check(await Arm.PutAsync(World.Point(further, "c0"), CopyWorld.CopyBody(Remote("p0"))),
            "Restore point remote/p0 cannot be copied to further/c0: the restore point p1 of the source's collection is still being created from the region westeurope");
        Check(await Arm.PutAsync(World.Point(further, "c1"), CopyWorld.CopyBody(Remote("p1"))), "the source must be complete");
        _emulator.Release();
        await _world.CompletedAsync(Remote("p1"));
        foreach (string name in new[] { "0", "1" })
        {
            await Arm.SucceedAsync(Arm.PutAsync(World.Point(further, $"c{name}"), CopyWorld.CopyBody(Remote($"p{name}"))));
            ArmResponse copy = await _world.CompletedAsync(World.Point(further, $"c{name}"));
            (await _world.World.DownloadAsync(World.DataDiskPoint(copy, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue("it is no copy: it can be copied");
        }
    }

    [Fact]
    public async Task A_creation_waits_while_the_machines_region_is_lost_and_none_begins()
    {
        ArmResponse point = await HeldPointAsync(50);
        await SetRegionAsync(World.Location, "Offline");
        _emulator.Release();
        (await Arm.PutAsync(Remote("p2"), "{}")).Expect(503)["error.code"].ShouldBe("ServiceUnavailable");
        (await Arm.GetAsync(Remote("p1"), "$expand=instanceView")).Expect(200)["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/replicating");
        string body = $"\"createOption\":\"Restore\",\"sourceResourceId\":\"{World.DataDiskPoint(point, 0)}\"";
        await Arm.SucceedAsync(Arm.PutAsync(_world.World.Disk("early"), World.DiskBody(body, location: CopyWorld.Target)));
        await SetRegionAsync(World.Location, "Online");
        await _world.CompletedAsync(Remote("p1"));
        (await _world.World.DownloadAsync(World.DataDiskPoint(point, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();

        await SetRegionAsync(World.Location, "Offline");
        await Arm.SucceedAsync(Arm.PutAsync(_world.World.Disk("late"), World.DiskBody(body, location: CopyWorld.Target)));
        (await _world.World.DownloadAsync(_world.World.Disk("late"))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue("the point stands without the machine's region");
        await Arm.SucceedAsync(Arm.DeleteAsync(Remote("p1")));
        await _emulator.HasAsync(World.Location, volumes: 2, points: 0);
    }

    [Fact]
    public async Task A_creation_that_a_restart_interrupts_goes_on_and_ends()
    {
        ArmResponse point = await HeldPointAsync(50);
        await _emulator.DisposeAsync();
        _emulator = await HeldEmulator.StartAsync(_directory.Path);
        _world = new CopyWorld { World = await World.OfAsync(new RawArm(_emulator.Http, Guid.Parse(Arm.Subscription.Split('/')[^1]))), OsDisk = "", DataDisk = "", Source = "", Copies = "" };
        (await _world.CompletedAsync(Remote("p1")))["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/succeeded");
        (await _world.World.DownloadAsync(World.DataDiskPoint(point, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
        (await _world.World.DownloadAsync(World.OsDiskPoint(point))).AsSpan().SequenceEqual(CopyWorld.Os).ShouldBeTrue();
    }

    private string Remote(string name) => World.Point(_remote, name);

    /// <summary>A point p1 whose bytes are held.</summary>
    private async Task<ArmResponse> HeldPointAsync(int percent)
    {
        _emulator.HoldAt(percent);
        ArmResponse point = await _world.World.PointAsync(_remote, "p1");
        await _emulator.HeldAsync();
        return point;
    }

    private async Task SetRegionAsync(string region, string state) => (await Arm.CallAsync(HttpMethod.Put, $"regions/{region}", $$"""{"state":"{{state}}"}""")).Expect(200);

    private static void Check(ArmResponse answer, string messagePart, int status = 409, string code = "OperationNotAllowed") => NotFoundTests.Check(answer, status, code, messagePart);
}
