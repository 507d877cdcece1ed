using RestorePoints.Emulator.Tests.ControlPlane;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Copies;

/// <summary>While the bytes of a copied snapshot are on their way: its progress, what may be done with it, and what ends it.</summary>
public sealed class SnapshotReplicationTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private HeldEmulator _emulator = null!;
    private SnapshotCopyWorld _world = null!;

    public async ValueTask InitializeAsync()
    {
        _emulator = await HeldEmulator.StartAsync(_directory.Path);
        _world = await SnapshotCopyWorld.CreateAsync(new RawArm(_emulator.Http, Guid.NewGuid()));
    }

    public async ValueTask DisposeAsync()
    {
        await _emulator.DisposeAsync();
        _directory.Dispose();
    }

    private RawArm Arm => _world.Arm;

    private string Copy => _world.World.Snapshot("c1");

    [Fact]
    public async Task A_copied_snapshot_has_succeeded_before_its_data_is_there_and_is_of_no_use_before_100_percent()
    {
        await HeldCopyAsync(37);
        ArmResponse shown = (await Arm.GetAsync(Copy)).Expect(200);
        (shown["properties.provisioningState"], shown["properties.completionPercent"]).ShouldBe(("Succeeded", "37.0"));
        (await Arm.SendAsync(HttpMethod.Get, Copy, apiVersion: "2025-01-02"))["properties.snapshotAccessState"].ShouldBe("Pending");
        const string Refusal = "before its background copy is complete: completionPercent is 37.";
        string body = $"\"createOption\":\"Copy\",\"sourceResourceId\":\"{Copy}\"";
        Check(await Arm.PostAsync($"{Copy}/beginGetAccess", """{"access":"Read","durationInSeconds":3600}"""), Refusal);
        Check(await Arm.PutAsync(_world.World.Disk("d"), World.DiskBody(body, location: SnapshotCopyWorld.Target)), Refusal);
        Check(await Arm.PutAsync(_world.World.Snapshot("full"), World.SnapshotBody(Copy, location: SnapshotCopyWorld.Target)), Refusal);
        Check(await Arm.PutAsync(_world.World.Snapshot("further"), SnapshotCopyWorld.Body(Copy, location: "uksouth")), Refusal);
        Check(await Arm.PatchAsync(Copy, """{"properties":{"diskSizeGB":2}}"""), Refusal);
        await Arm.SucceedAsync(Arm.PatchAsync(Copy, """{"tags":{"a":"b"}}"""));
        (await Arm.GetAsync(Copy))["properties.completionPercent"].ShouldBe("37.0");

        _emulator.Release();
        (await _world.EndedAsync(Copy))["tags.a"].ShouldBe("b");
        (await _world.World.DownloadAsync(Copy)).AsSpan().SequenceEqual(SnapshotCopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task The_snapshots_of_one_disk_are_copied_one_after_the_other()
    {
        await HeldCopyAsync(50);
        string second = await _world.SnapshotAsync("s2");
        foreach (string region in new[] { SnapshotCopyWorld.Target, "uksouth" })
            Check(await Arm.PutAsync(_world.World.Snapshot("c2"), SnapshotCopyWorld.Body(second, location: region)), "Snapshot s2 cannot be copied to c2: the copy c1 of the same disk is not completed yet");
        string other = await _world.World.SnapshotAsync("of-another-disk", await _world.World.EmptyDiskAsync("other"), incremental: true);
        await _world.StartAsync("c3", other);
        _emulator.Release();
        await _world.EndedAsync(_world.World.Snapshot("c3"));
        await _world.EndedAsync(Copy);
        (await _world.World.DownloadAsync(await _world.CopyAsync("c2", second))).AsSpan().SequenceEqual(SnapshotCopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task A_copy_whose_source_is_deleted_fails_tells_why_and_can_be_made_again()
    {
        await HeldCopyAsync(50);
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.World.Snapshot("s1")));
        _emulator.Release();
        ArmResponse failed = await _world.EndedAsync(Copy);
        failed["properties.provisioningState"].ShouldBe("Failed");
        failed.Node("properties.copyCompletionError")!.ToJsonString().ShouldBe("""{"errorCode":"CopySourceNotFound","errorMessage":"The source snapshot was deleted while it was being copied."}""");
        failed["properties.completionPercent"].ShouldBe("0.0");
        (await Arm.SendAsync(HttpMethod.Get, Copy, apiVersion: "2021-12-01")).Node("properties.copyCompletionError").ShouldBeNull("it came with 2022-03-02");
        Check(await Arm.PostAsync($"{Copy}/beginGetAccess", """{"access":"Read","durationInSeconds":3600}"""), "provisioning state Failed");
        await _emulator.HasAsync(SnapshotCopyWorld.Target, volumes: 0, points: 0);

        string next = await _world.SnapshotAsync("s2");
        (await _world.World.DownloadAsync(await _world.CopyAsync("c1", next))).AsSpan().SequenceEqual(SnapshotCopyWorld.Data).ShouldBeTrue("a PUT begins anew");
        (await Arm.GetAsync(Copy)).Node("properties.copyCompletionError").ShouldBeNull();
    }

    [Fact]
    public async Task A_copy_that_is_deleted_on_its_way_stops_and_leaves_nothing()
    {
        await HeldCopyAsync(50);
        await Arm.SucceedAsync(Arm.DeleteAsync(Copy));
        (await Arm.GetAsync(Copy)).Expect(404);
        await _emulator.HasAsync(SnapshotCopyWorld.Target, volumes: 0, points: 0);
        // Not released: the deletion itself has ended the wait.
        _emulator.HoldAt(int.MaxValue);
        (await _world.World.DownloadAsync(await _world.CopyAsync("c1", _world.World.Snapshot("s1")))).AsSpan().SequenceEqual(SnapshotCopyWorld.Data).ShouldBeTrue();
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.World.Group));
        await _emulator.HasAsync(SnapshotCopyWorld.Target, volumes: 0, points: 0);
        await _emulator.HasAsync(World.Location, volumes: 0, points: 0);
    }

    [Fact]
    public async Task A_copy_that_fails_or_is_deleted_spoils_nothing_of_the_others()
    {
        await _world.CopyAsync("c0", await _world.SnapshotAsync("s0"));
        byte[] content = [.. SnapshotCopyWorld.Data];
        RawBlob guest = await _world.World.GuestAsync(_world.Disk);
        await guest.WriteAsync(content, 0, World.Noise(9, 4 << 20));
        await HeldCopyAsync(50);
        await Arm.SucceedAsync(Arm.DeleteAsync(Copy));
        _emulator.HoldAt(int.MaxValue);
        await guest.WriteAsync(content, 8 << 20, World.Noise(10, 4 << 20));
        string source = await _world.SnapshotAsync("s2");
        _emulator.HoldAt(50, copies: 1);
        string failed = await _world.StartAsync("c2", source);
        await _emulator.HeldAsync();
        await Arm.SucceedAsync(Arm.DeleteAsync(source));
        _emulator.Release();
        (await _world.EndedAsync(failed))["properties.provisioningState"].ShouldBe("Failed");
        await guest.WriteAsync(content, 4096, World.Noise(11, 4096));
        string last = await _world.CopyAsync("c3", await _world.SnapshotAsync("s3"));
        (await _world.World.DownloadAsync(last)).AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await _world.World.DownloadAsync(_world.World.Snapshot("c0"))).AsSpan().SequenceEqual(SnapshotCopyWorld.Data).ShouldBeTrue();
        await Arm.SucceedAsync(Arm.DeleteAsync(failed));
        (await _world.World.DownloadAsync(last)).AsSpan().SequenceEqual(content).ShouldBeTrue("without the failed one");
    }

    [Fact]
    public async Task A_copy_waits_while_the_region_of_its_source_is_lost_and_none_begins()
    {
        await HeldCopyAsync(50);
        await SetRegionAsync(World.Location, "Offline");
        _emulator.Release();
        // A whole other copy meanwhile.
        (await Arm.PutAsync(_world.World.Snapshot("other"), """{"location":"uksouth","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":1,"incremental":true}}""")).Expect(202);
        await _world.SeenAsync(_world.World.Snapshot("other"), shown => shown["properties.provisioningState"] == "Succeeded");
        await _world.CopyAsync("c2", _world.World.Snapshot("other"));
        (await Arm.GetAsync(Copy))["properties.completionPercent"].ShouldBe("50.0");
        (await Arm.PutAsync(_world.World.Snapshot("c3"), SnapshotCopyWorld.Body(_world.World.Snapshot("s1"), location: "uksouth"))).Expect(503)["error.code"].ShouldBe("ServiceUnavailable");
        await SetRegionAsync(World.Location, "Online");
        await _world.EndedAsync(Copy);
        (await _world.World.DownloadAsync(Copy)).AsSpan().SequenceEqual(SnapshotCopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task A_copy_that_a_restart_interrupts_goes_on_and_ends()
    {
        await HeldCopyAsync(50);
        await RestartAsync();
        (await _world.EndedAsync(Copy))["properties.provisioningState"].ShouldBe("Succeeded");
        (await _world.World.DownloadAsync(Copy)).AsSpan().SequenceEqual(SnapshotCopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task A_source_that_grows_before_its_copy_is_begun_again_makes_the_copy_as_large()
    {
        await HeldCopyAsync(50);
        await Arm.SucceedAsync(Arm.PatchAsync(_world.World.Snapshot("s1"), """{"properties":{"diskSizeGB":2}}"""));
        await RestartAsync();

        (await _world.EndedAsync(Copy))["properties.diskSizeBytes"].ShouldBe($"{2L << 30}");
        string disk = _world.World.Disk("d");
        await Arm.SucceedAsync(Arm.PutAsync(disk, World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{Copy}\"", location: SnapshotCopyWorld.Target)));
        (await Arm.GetAsync(disk)).Expect(200)["properties.diskSizeGB"].ShouldBe("2");
    }

    /// <summary>A snapshot s1 whose copy c1 is held.</summary>
    private async Task HeldCopyAsync(int percent)
    {
        string source = await _world.SnapshotAsync("s1");
        _emulator.HoldAt(percent, copies: 1);
        await _world.StartAsync("c1", source);
        await _emulator.HeldAsync();
    }

    private async Task RestartAsync()
    {
        await _emulator.DisposeAsync();
        _emulator = await HeldEmulator.StartAsync(_directory.Path);
        _world = new SnapshotCopyWorld { World = await World.OfAsync(new RawArm(_emulator.Http, Guid.Parse(Arm.Subscription.Split('/')[^1]))), Disk = _world.Disk };
    }

    private async Task SetRegionAsync(string region, string state) => (await Arm.CallAsync(HttpMethod.Put, $"regions/{region}", $$"""{"state":"{{state}}"}""")).Expect(200);

    private static void Check(ArmResponse answer, string messagePart) => NotFoundTests.Check(answer, 409, "OperationNotAllowed", messagePart);
}
