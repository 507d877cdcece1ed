using RestorePoints.Emulator.Tests.ControlPlane;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Copies;

/// <summary>While the bytes of a copy are on their way: its progress, what may be done with it, and what ends it.</summary>
public sealed class ReplicationTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private HeldEmulator _emulator = null!;
    private CopyWorld _world = null!;

    public async ValueTask InitializeAsync()
    {
        _emulator = await HeldEmulator.StartAsync(_directory.Path);
        _world = await CopyWorld.CreateAsync(new RawArm(_emulator.Http, Guid.NewGuid()));
    }

    public async ValueTask DisposeAsync()
    {
        await _emulator.DisposeAsync();
        _directory.Dispose();
    }

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task Succeeded_comes_before_the_data_and_the_instance_view_tells_the_progress()
    {
        ArmResponse copy = await HeldCopyAsync(37);
        copy["properties.provisioningState"].ShouldBe("Succeeded");
        ArmResponse shown = (await Arm.GetAsync(_world.Copy("c1"), "$expand=instanceView")).Expect(200);
        shown.Node("properties.instanceView.statuses")!.ToJsonString().ShouldBe("""[{"code":"ReplicationState/replicating","level":"Info","displayStatus":"Replicating"}]""");
        int[] percents = [.. Enumerable.Range(0, 2).Select(index => int.Parse(shown[$"properties.instanceView.diskRestorePoints.{index}.replicationStatus.completionPercent"]!))];
        percents.ShouldContain(37);
        percents.ShouldAllBe(percent => percent <= 37);
        ArmResponse disk = (await Arm.GetAsync(World.DataDiskPoint(copy, 0))).Expect(200);
        disk["properties.replicationState"].ShouldBe("Replicating");
        int.Parse(disk["properties.completionPercent"]!).ShouldBeInRange(0, 37);

        _emulator.Release();
        (await _world.CompletedAsync(_world.Copy("c1")))["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/succeeded");
        (await Arm.GetAsync(World.DataDiskPoint(copy, 0)))["properties.completionPercent"].ShouldBe("100");
    }

    [Fact]
    public async Task No_access_is_granted_before_the_replication_is_complete()
    {
        ArmResponse copy = await HeldCopyAsync(100);
        (await Arm.GetAsync(World.DataDiskPoint(copy, 0)))["properties.completionPercent"].ShouldBe("99", "100 means that it can be read");
        Check(await Arm.PostAsync($"{World.DataDiskPoint(copy, 0)}/beginGetAccess", """{"access":"Read","durationInSeconds":3600}"""), 409, "OperationNotAllowed", "in its replication state Replicating");
        _emulator.Release();
        await _world.CompletedAsync(_world.Copy("c1"));
        (await _world.World.DownloadAsync(World.DataDiskPoint(copy, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task The_next_copy_begins_when_the_previous_one_is_completed()
    {
        await HeldCopyAsync(50);
        await _world.World.PointAsync(_world.Source, "p2");
        Check(await Arm.PutAsync(_world.Copy("c2"), CopyWorld.CopyBody(_world.SourcePoint("p2"))), 409, "OperationNotAllowed",
            "Restore point source/p2 cannot be copied to copies/c2: the copy c1 is not completed yet");
        string elsewhere = _world.World.Collection("elsewhere");
        (await Arm.PutAsync(elsewhere, CopyWorld.CollectionBody(_world.Source, "uksouth"))).Expect(201);
        await Arm.SucceedAsync(Arm.PutAsync(World.Point(elsewhere, "c1"), CopyWorld.CopyBody(_world.SourcePoint("p1"))));
        _emulator.Release();
        await _world.CompletedAsync(_world.Copy("c1"));
        await _world.CompletedAsync(World.Point(elsewhere, "c1"));
        (await _world.CopyAsync("c2", _world.SourcePoint("p2")))["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/succeeded");
    }

    [Fact]
    public async Task A_disk_restored_before_the_replication_is_complete_has_the_bytes_replicated_so_far()
    {
        ArmResponse copy = await HeldCopyAsync(50);
        await Arm.SucceedAsync(Arm.PutAsync(_world.World.Disk("early"), World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{World.DataDiskPoint(copy, 0)}\"", location: CopyWorld.Target)));
        byte[] whole = CopyWorld.Data, early = await _world.World.DownloadAsync(_world.World.Disk("early"));
        int same = whole.AsSpan().CommonPrefixLength(early);
        early.AsSpan(same).ContainsAnyExcept((byte)0).ShouldBeFalse("nothing behind what was replicated");
        // The piece that passes 50 percent ends before 51.
        same.ShouldBeLessThan(CopyWorld.Data.Length / 100 * 51 + 4096);
        _emulator.Release();
        await _world.CompletedAsync(_world.Copy("c1"));
        (await _world.World.DownloadAsync(World.DataDiskPoint(copy, 0))).AsSpan().SequenceEqual(whole).ShouldBeTrue();
        (await _world.World.DownloadAsync(_world.World.Disk("early"))).AsSpan().SequenceEqual(early).ShouldBeTrue("the disk has a life of its own");
    }

    [Fact]
    public async Task A_copy_whose_source_is_deleted_fails_and_stays()
    {
        ArmResponse copy = await HeldCopyAsync(50);
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.SourcePoint("p1")));
        _emulator.Release();
        ArmResponse failed = await _world.CompletedAsync(_world.Copy("c1"));
        failed["properties.provisioningState"].ShouldBe("Failed");
        failed["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/failed");
        ArmResponse disk = await DiskEndedAsync(World.DataDiskPoint(copy, 0));
        (disk["properties.replicationState"], disk["properties.completionPercent"]).ShouldBe(("Failed", "0"));
        Check(await Arm.PostAsync($"{World.DataDiskPoint(copy, 0)}/beginGetAccess", """{"access":"Read","durationInSeconds":3600}"""), 409, "OperationNotAllowed", "Failed");

        await _world.World.PointAsync(_world.Source, "p2");
        ArmResponse next = await _world.CopyAsync("c2", _world.SourcePoint("p2"));
        (await _world.World.DownloadAsync(World.DataDiskPoint(next, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue("after what the failed one left");
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Copy("c1")));
        (await _world.World.DownloadAsync(World.DataDiskPoint(next, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue("without the failed one");
    }

    [Fact]
    public async Task A_copy_that_is_deleted_on_its_way_stops_and_leaves_nothing()
    {
        await HeldCopyAsync(50);
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Copy("c1")));
        (await Arm.GetAsync(_world.Copy("c1"))).Expect(404);
        // Not released: the deletion itself has ended the wait.
        _emulator.HoldAt(int.MaxValue);
        ArmResponse again = await _world.CopyAsync("c1", _world.SourcePoint("p1"));
        (await _world.World.DownloadAsync(World.DataDiskPoint(again, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task A_copy_on_a_volume_that_others_use_stops_when_it_is_deleted_and_spoils_nothing()
    {
        await _world.World.PointAsync(_world.Source, "p0");
        ArmResponse first = await _world.CopyAsync("c0", _world.SourcePoint("p0"));
        RawBlob guest = await _world.World.GuestAsync(_world.DataDisk);
        await guest.WriteAsync(0, World.Noise(9, 4 << 20));
        await HeldCopyAsync(50);
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Copy("c1")));
        _emulator.HoldAt(int.MaxValue);
        await guest.WriteAsync(0, World.Noise(10, 4096));
        await _world.World.PointAsync(_world.Source, "p2");
        ArmResponse next = await _world.CopyAsync("c2", _world.SourcePoint("p2"));
        byte[] expected = [.. CopyWorld.Data];
        (await _world.World.DownloadAsync(World.DataDiskPoint(first, 0))).AsSpan().SequenceEqual(expected).ShouldBeTrue();
        World.Noise(9, 4 << 20).CopyTo(expected, 0);
        World.Noise(10, 4096).CopyTo(expected, 0);
        (await _world.World.DownloadAsync(World.DataDiskPoint(next, 0))).AsSpan().SequenceEqual(expected).ShouldBeTrue();
    }

    [Fact]
    public async Task A_copy_that_a_restart_interrupts_goes_on_and_ends()
    {
        ArmResponse copy = await HeldCopyAsync(50);
        await _emulator.DisposeAsync();
        _emulator = await HeldEmulator.StartAsync(_directory.Path);
        _world = new CopyWorld { World = await World.CreateAsync(new RawArm(_emulator.Http, Guid.NewGuid())), OsDisk = "", DataDisk = "", Source = "", Copies = "" };
        string path = copy["id"]!;
        (await _world.CompletedAsync(path))["properties.instanceView.statuses.0.code"].ShouldBe("ReplicationState/succeeded");
        (await _world.World.DownloadAsync(World.DataDiskPoint(copy, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
        (await _world.World.DownloadAsync(World.OsDiskPoint(copy))).AsSpan().SequenceEqual(CopyWorld.Os).ShouldBeTrue();
    }

    [Fact]
    public async Task A_reset_ends_the_copies_that_run()
    {
        await HeldCopyAsync(50);
        ArmResponse reset = await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/emulator/reset"));
        reset.Status.ShouldBe(204);
        _emulator.Release();
        _world = await CopyWorld.CreateAsync(new RawArm(_emulator.Http, Guid.NewGuid()));
        await _world.World.PointAsync(_world.Source, "p1");
        ArmResponse copy = await _world.CopyAsync("c1", _world.SourcePoint("p1"));
        (await _world.World.DownloadAsync(World.DataDiskPoint(copy, 0))).AsSpan().SequenceEqual(CopyWorld.Data).ShouldBeTrue();
    }

    /// <summary>A point p1 whose copy c1 is held.</summary>
    private async Task<ArmResponse> HeldCopyAsync(int percent)
    {
        await _world.World.PointAsync(_world.Source, "p1");
        _emulator.HoldAt(percent);
        ArmResponse copy = await _world.StartCopyAsync("c1", _world.SourcePoint("p1"));
        await _emulator.HeldAsync();
        return copy;
    }

    private async Task<ArmResponse> DiskEndedAsync(string disk)
    {
        ArmResponse shown;
        do
            shown = (await Arm.GetAsync(disk)).Expect(200);
        while (shown["properties.replicationState"] == "Replicating");
        return shown;
    }

    private static void Check(ArmResponse answer, int status, string code, string messagePart) => NotFoundTests.Check(answer, status, code, messagePart);
}
