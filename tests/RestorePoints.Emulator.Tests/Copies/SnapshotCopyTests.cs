using RestorePoints.Emulator.Tests.ControlPlane;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Copies;

/// <summary>Snapshots copied to another region by CopyStart: what they show, their bytes, and what may be copied.</summary>
public sealed class SnapshotCopyTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private SnapshotCopyWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await SnapshotCopyWorld.CreateAsync(fixture.NewSubscription());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task A_copied_snapshot_shows_where_it_comes_from_and_a_family_of_its_own()
    {
        string source = await _world.SnapshotAsync("s1"), copy = _world.World.Snapshot("c1");
        ArmResponse accepted = (await Arm.PutAsync(copy, SnapshotCopyWorld.Body(source, ",\"incremental\":true,\"dataAccessAuthMode\":\"None\""))).Expect(202);
        (accepted["location"], accepted["properties.provisioningState"], accepted["properties.creationData.createOption"]).ShouldBe((SnapshotCopyWorld.Target, "Updating", "CopyStart"));
        ArmResponse operation = await Arm.SucceedAsync(Task.FromResult(accepted));
        operation["properties.output.properties.provisioningState"].ShouldBe("Succeeded");
        operation.Node("properties.output.properties.completionPercent").ShouldBeNull("as recorded");

        ArmResponse shown = await _world.EndedAsync(copy), of = (await Arm.GetAsync(source)).Expect(200);
        shown.Keys("properties").ShouldBe("osType creationData diskSizeGB encryption incremental networkAccessPolicy publicNetworkAccess dataAccessAuthMode timeCreated provisioningState diskState diskSizeBytes uniqueId completionPercent incrementalSnapshotFamilyId");
        shown.Keys("properties.creationData").ShouldBe("createOption sourceResourceId sourceUniqueId");
        (shown["properties.creationData.sourceResourceId"], shown["properties.creationData.sourceUniqueId"]).ShouldBe((source, of["properties.uniqueId"]));
        (shown["properties.provisioningState"], shown["properties.incremental"], shown["properties.osType"]).ShouldBe(("Succeeded", "true", "Linux"));
        shown["properties.diskSizeBytes"].ShouldBe(of["properties.diskSizeBytes"]);
        shown["properties.incrementalSnapshotFamilyId"].ShouldNotBe(of["properties.incrementalSnapshotFamilyId"]);
        await _world.CopyAsync("c2", await _world.SnapshotAsync("s2"));
        (await Arm.GetAsync(_world.World.Snapshot("c2")))["properties.incrementalSnapshotFamilyId"].ShouldBe(shown["properties.incrementalSnapshotFamilyId"], "the copies of one disk are one family");
        (await Arm.SendAsync(HttpMethod.Get, copy, apiVersion: "2025-01-02"))["properties.snapshotAccessState"].ShouldBe("Available");
        await Arm.SucceedAsync(Arm.PutAsync(copy, (await Arm.GetAsync(copy)).Text));
        (await Arm.GetAsync($"{_world.World.Compute}/snapshots")).Expect(200).Json["value"]!.AsArray().Count.ShouldBe(4);
    }

    [Fact]
    public async Task Copied_snapshots_have_the_bytes_of_their_sources_and_the_differences_between_them()
    {
        int seed = Seeds.Choose();
        var random = new Random(seed);
        RawBlob guest = await _world.World.GuestAsync(_world.Disk);
        List<string> sources = [], copies = [];
        List<byte[]> frozen = [];
        byte[] content = [.. SnapshotCopyWorld.Data];
        for (int number = 0; number < 6; number++)
        {
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                int at = random.Next(5120) * 4096, length = Math.Min(random.Next(1, 20) * 4096, content.Length - at);
                if (random.Next(3) == 0)
                    await guest.ClearAsync(content, at, length);
                else
                    await guest.WriteAsync(content, at, random.Next(4) == 0 ? new byte[length] : World.Noise(random.Next(), length));
            }
            string source = await _world.SnapshotAsync($"s{number}");
            if (random.Next(3) == 0)
                continue;
            sources.Add(source);
            copies.Add(await _world.CopyAsync($"c{number}", source));
            frozen.Add([.. content]);
        }

        for (int number = 0; number < copies.Count; number++)
        {
            (await _world.World.DownloadAsync(copies[number])).AsSpan().SequenceEqual(frozen[number]).ShouldBeTrue($"seed {seed}, copy {number}");
            if (number == 0)
                continue;
            IReadOnlyList<BlobRange> expected = await DiffAsync(sources[number - 1], sources[number]), found = await DiffAsync(copies[number - 1], copies[number]);
            found.Where(range => !range.Clear).ShouldBe(expected.Where(range => !range.Clear), $"seed {seed}, difference {number}");
            byte[] applied = await _world.World.Blob(await Arm.GrantAsync(copies[number])).ApplyToAsync([.. frozen[number - 1], .. new byte[512]], found);
            applied.AsSpan(0, content.Length).SequenceEqual(frozen[number]).ShouldBeTrue($"seed {seed}, applied {number}");
            await Arm.RevokeAsync(copies[number]);
        }
    }

    [Fact]
    public async Task Disks_and_snapshots_are_made_from_a_copy_in_its_region_and_it_is_copied_on()
    {
        string copy = await _world.CopyAsync("c1", await _world.SnapshotAsync("s1")), body = $"\"createOption\":\"Copy\",\"sourceResourceId\":\"{copy}\"";
        Check(await Arm.PutAsync(_world.World.Disk("here"), World.DiskBody(body)), 404, "NotFound", "is not found.");
        await Arm.SucceedAsync(Arm.PutAsync(_world.World.Disk("there"), World.DiskBody(body, location: SnapshotCopyWorld.Target)));
        await Arm.SucceedAsync(Arm.PutAsync(_world.World.Snapshot("full"), World.SnapshotBody(copy, location: SnapshotCopyWorld.Target)));
        string further = await _world.CopyAsync("c2", copy, "uksouth"), near = await _world.CopyAsync("c3", copy);
        foreach (string made in new[] { _world.World.Disk("there"), _world.World.Snapshot("full"), further, near })
            (await _world.World.DownloadAsync(made)).AsSpan().SequenceEqual(SnapshotCopyWorld.Data).ShouldBeTrue(made);
    }

    [Fact]
    public async Task Only_incremental_snapshots_are_copied_and_their_copies_are_incremental()
    {
        string full = await _world.World.SnapshotAsync("full", _world.Disk), incremental = await _world.SnapshotAsync("s1"), copy = _world.World.Snapshot("c");
        Check(await Arm.PutAsync(copy, SnapshotCopyWorld.Body(full)), 409, "OperationNotAllowed", "Snapshot full cannot be copied to c: the source is a full snapshot");
        Check(await Arm.PutAsync(copy, SnapshotCopyWorld.Body(incremental, ",\"incremental\":false")), 400, "InvalidParameter", "'incremental' must be true");
        Check(await Arm.PutAsync(copy, SnapshotCopyWorld.Body(_world.Disk)), 400, "InvalidParameter", "snapshots");
        Check(await Arm.PutAsync(copy, SnapshotCopyWorld.Body(_world.World.Snapshot("none"))), 404, "NotFound", "Resource none is not found.");
        Check(await Arm.PutAsync(_world.World.Disk("d"), World.DiskBody($"\"createOption\":\"CopyStart\",\"sourceResourceId\":\"{incremental}\"")), 501, "NotImplemented", "CopyStart");
        (await Arm.GetAsync(copy)).Expect(404);
        await Arm.SucceedAsync(Arm.PutAsync(copy, SnapshotCopyWorld.Body(incremental, more: "")));
        (await _world.EndedAsync(copy))["properties.incremental"].ShouldBe("true", "as the published examples leave it out");
    }

    [Fact]
    public async Task The_snapshots_of_a_disk_are_copied_in_the_order_of_creation()
    {
        string first = await _world.SnapshotAsync("s1"), second = await _world.SnapshotAsync("s2");
        await _world.CopyAsync("c2", second);
        Check(await Arm.PutAsync(_world.World.Snapshot("c1"), SnapshotCopyWorld.Body(first)), 409, "OperationNotAllowed", "Snapshot s1 cannot be copied to c1: the copy c2 is of a later snapshot");
        await _world.CopyAsync("elsewhere", first, "uksouth");
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.World.Snapshot("c2")));
        (await _world.World.DownloadAsync(await _world.CopyAsync("c1", first))).AsSpan().SequenceEqual(SnapshotCopyWorld.Data).ShouldBeTrue();
    }

    [Fact]
    public async Task Copied_snapshots_are_deleted_in_any_order_and_the_others_stay_whole_also_without_their_sources()
    {
        RawBlob guest = await _world.World.GuestAsync(_world.Disk);
        byte[] content = [.. SnapshotCopyWorld.Data];
        List<byte[]> frozen = [];
        for (int number = 0; number < 4; number++)
        {
            await guest.WriteAsync(content, number * 65536, World.Noise(100 + number, 131072));
            frozen.Add([.. content]);
            await _world.CopyAsync($"c{number}", await _world.SnapshotAsync($"s{number}"));
            if (number == 2)
                await Arm.SucceedAsync(Arm.DeleteAsync(_world.World.Snapshot("s2")));
        }
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Disk));
        List<int> left = [0, 1, 2, 3];
        foreach (int deleted in new[] { 1, 3, 0 })
        {
            await Arm.SucceedAsync(Arm.DeleteAsync(_world.World.Snapshot($"c{deleted}")));
            if (deleted != 2)
                await Arm.SucceedAsync(Arm.DeleteAsync(_world.World.Snapshot($"s{deleted}")));
            left.Remove(deleted);
            foreach (int number in left)
                (await _world.World.DownloadAsync(_world.World.Snapshot($"c{number}"))).AsSpan().SequenceEqual(frozen[number]).ShouldBeTrue($"c{number} after c{deleted}");
        }
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.World.Snapshot("c2")));
    }

    [Fact]
    public async Task A_copy_can_be_larger_than_its_source_and_grow()
    {
        string source = await _world.SnapshotAsync("s1"), copy = _world.World.Snapshot("c1");
        await Arm.SucceedAsync(Arm.PutAsync(copy, SnapshotCopyWorld.Body(source, ",\"diskSizeGB\":2")));
        (await _world.EndedAsync(copy))["properties.diskSizeBytes"].ShouldBe($"{2L << 30}");
        await Arm.SucceedAsync(Arm.PatchAsync(copy, """{"properties":{"diskSizeGB":3},"tags":{"a":"b"}}"""));
        RawBlob blob = _world.World.Blob(await Arm.GrantAsync(copy));
        (await blob.LengthAsync()).ShouldBe((3L << 30) + 512);
        (await blob.ReadAsync(0, SnapshotCopyWorld.Data.Length)).ShouldBe(SnapshotCopyWorld.Data);
        (await blob.ReadAsync(2L << 30, 4096)).ShouldBe(new byte[4096]);
    }

    [Fact]
    public async Task A_stalled_copy_stays_at_its_percent_until_the_fault_is_deleted()
    {
        string source = await _world.SnapshotAsync("s1");
        string fault = await Arm.AddFaultAsync("\"type\":\"StallReplication\",\"percent\":37", ",\"operation\":\"Snapshots_CreateOrUpdate\"");
        string copy = await _world.StartAsync("c1", source);
        ArmResponse stalled = await _world.SeenAsync(copy, shown => shown["properties.completionPercent"] == "37.0");
        stalled["properties.provisioningState"].ShouldBe("Succeeded");
        (await Arm.FiredAsync(fault)).ShouldBe(1);
        (await Arm.CallAsync(HttpMethod.Delete, $"faults/{fault}")).Expect(204);
        await _world.EndedAsync(copy);
        (await _world.World.DownloadAsync(copy)).AsSpan().SequenceEqual(SnapshotCopyWorld.Data).ShouldBeTrue();
    }

    private async Task<IReadOnlyList<BlobRange>> DiffAsync(string older, string newer)
    {
        string previous = await Arm.GrantAsync(older);
        IReadOnlyList<BlobRange> diff = await _world.World.Blob(await Arm.GrantAsync(newer)).DiffAsync(previous);
        await Arm.RevokeAsync(older);
        await Arm.RevokeAsync(newer);
        return diff;
    }

    private static void Check(ArmResponse answer, int status, string code, string messagePart) => NotFoundTests.Check(answer, status, code, messagePart);
}
