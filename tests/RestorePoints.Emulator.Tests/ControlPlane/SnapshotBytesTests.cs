using Shouldly;
using Xunit;
using static RestorePoints.Emulator.Tests.ControlPlane.NotFoundTests;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>The bytes behind snapshots: their instant, their differences, their families and the access to them.</summary>
public sealed class SnapshotBytesTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private const int MiB = 1024 * 1024;
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task Full_and_incremental_snapshots_of_a_running_machines_disk_keep_their_instant_and_the_differences_add_up()
    {
        byte[] live = World.Noise(1, (int)World.UploadBytes);
        live.AsSpan(4 * MiB, 8 * MiB).Clear();
        string disk = await _world.UploadDiskAsync("os", live);
        await _world.VmAsync("vm", disk);
        RawBlob guest = await _world.GuestAsync(disk);

        byte[] first = [.. live];
        string full = await _world.SnapshotAsync("full", disk), one = await _world.SnapshotAsync("one", disk, incremental: true);
        await guest.WriteAsync(live, 3 * MiB + 512, World.Noise(2, MiB));
        await guest.ClearAsync(live, 15 * MiB, MiB);
        byte[] second = [.. live];
        string two = await _world.SnapshotAsync("two", disk, incremental: true);
        await guest.WriteAsync(live, 8 * MiB, World.Noise(3, 4096));
        byte[] third = [.. live];
        string three = await _world.SnapshotAsync("three", disk, incremental: true);
        await guest.WriteAsync(live, 0, World.Noise(4, MiB));

        await ShouldHoldAsync(full, first);
        await ShouldHoldAsync(one, first);
        await ShouldHoldAsync(two, second);
        await ShouldHoldAsync(three, third);
        string sasOne = await Arm.GrantAsync(one), sasTwo = await Arm.GrantAsync(two), sasThree = await Arm.GrantAsync(three);
        byte[] vhd = await _world.Blob(sasOne).ReadAllAsync();
        IReadOnlyList<BlobRange> diff = await _world.Blob(sasTwo).DiffAsync(sasOne);
        vhd = await _world.Blob(sasTwo).ApplyToAsync(vhd, diff);
        vhd.AsSpan(..^512).SequenceEqual(second).ShouldBeTrue("the first snapshot and the first difference give the second");
        diff.Sum(range => range.Length).ShouldBeLessThanOrEqualTo(2 * MiB + 2 * 4096, "only what changed is listed");
        diff.ShouldContain(range => range.Clear && range.Offset <= 15 * MiB && range.End >= 16 * MiB);
        (await _world.Blob(sasThree).DiffAsync(sasTwo)).ShouldBe([new BlobRange(8 * MiB, 8 * MiB + 4096, false)]);
        byte[] across = await _world.Blob(sasThree).ApplyToAsync(await _world.Blob(sasOne).ReadAllAsync(), await _world.Blob(sasThree).DiffAsync(sasOne));
        across.AsSpan(..^512).SequenceEqual(third).ShouldBeTrue("a difference over several snapshots");
    }

    [Fact]
    public async Task A_snapshot_is_one_instant_of_a_disk_that_is_being_written()
    {
        string disk = await _world.EmptyDiskAsync("disk");
        RawBlob guest = await _world.GuestAsync(disk);
        using var stop = new CancellationTokenSource();
        int written = 0;
        Task writer = Task.Run(async () =>
        {
            byte[] page = new byte[512];
            for (int sequence = 1; !stop.IsCancellationRequested; sequence++)
            {
                BitConverter.TryWriteBytes(page, sequence);
                await guest.WriteAsync(0, page);
                await guest.WriteAsync(512 * MiB, page);
                Volatile.Write(ref written, sequence);
            }
        }, CancellationToken.None);
        for (int i = 0; i < 8; i++)
        {
            int before = Volatile.Read(ref written);
            RawBlob snapshot = _world.Blob(await Arm.GrantAsync(await _world.SnapshotAsync($"s{i}", disk)));
            int low = BitConverter.ToInt32(await snapshot.ReadAsync(0, 512)), high = BitConverter.ToInt32(await snapshot.ReadAsync(512 * MiB, 512));
            (low - high).ShouldBeInRange(0, 1, $"the low page is written before the high one: snapshot {i} saw {low} and {high}");
            high.ShouldBeGreaterThanOrEqualTo(before, "what was acknowledged before the PUT is in the snapshot");
        }
        await stop.CancelAsync();
        await writer;
    }

    [Fact]
    public async Task A_snapshot_outlives_its_disk_and_gives_disks_that_live_on_their_own()
    {
        byte[] content = World.Noise(5, (int)World.UploadBytes);
        string disk = await _world.UploadDiskAsync("source", content);
        string full = await _world.SnapshotAsync("full", disk), increment = await _world.SnapshotAsync("increment", disk, incremental: true);
        await Arm.SucceedAsync(Arm.DeleteAsync(disk));
        await ShouldHoldAsync(full, content);
        await ShouldHoldAsync(increment, content);

        string copy = await _world.CopiedDiskAsync("copy", increment);
        ArmResponse shown = (await Arm.GetAsync(copy)).Expect(200);
        shown["properties.creationData.createOption"].ShouldBe("Copy");
        shown["properties.creationData.sourceResourceId"].ShouldBe(increment);
        shown["properties.creationData.sourceUniqueId"].ShouldBe((await Arm.GetAsync(increment))["properties.uniqueId"]);
        shown["properties.osType"].ShouldBe("Linux", "from the source");
        (await ContentAsync(copy)).AsSpan().SequenceEqual(content).ShouldBeTrue("the disk is the snapshot");
        RawBlob guest = await _world.GuestAsync(copy);
        await guest.WriteAsync(0, World.Noise(6, MiB));
        await ShouldHoldAsync(increment, content);

        string grown = await _world.CopiedDiskAsync("grown", full, ",\"diskSizeGB\":1");
        (await Arm.GetAsync(grown))["properties.diskSizeBytes"].ShouldBe((1L << 30).ToString());
        (await (await _world.GuestAsync(grown)).ReadAsync(0, content.Length + MiB)).AsSpan().SequenceEqual([.. content, .. new byte[MiB]]).ShouldBeTrue("the source, then zeros");
        await Arm.SucceedAsync(Arm.DeleteAsync(full));
        await Arm.SucceedAsync(Arm.DeleteAsync(increment));
        (await (await _world.GuestAsync(grown)).ReadAsync(0, content.Length)).AsSpan().SequenceEqual(content).ShouldBeTrue("a disk outlives its snapshot");
    }

    [Fact]
    public async Task A_snapshot_of_a_snapshot_is_a_copy_that_outlives_it()
    {
        byte[] content = World.Noise(7, (int)World.UploadBytes);
        string source = await _world.SnapshotAsync("source", await _world.UploadDiskAsync("disk", content), incremental: true);
        string copy = await _world.SnapshotAsync("copy", source), copyOfCopy = await _world.SnapshotAsync("copy-of-copy", copy), increment = await _world.SnapshotAsync("increment", source, incremental: true);
        ArmResponse shown = (await Arm.GetAsync(copy)).Expect(200);
        shown["properties.creationData.sourceUniqueId"].ShouldBe((await Arm.GetAsync(source))["properties.uniqueId"]);
        (await Arm.GetAsync(increment))["properties.incrementalSnapshotFamilyId"].ShouldNotBe((await Arm.GetAsync(source))["properties.incrementalSnapshotFamilyId"], "a copy begins a family");
        await Arm.SucceedAsync(Arm.DeleteAsync(source));
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Disk("disk")));
        await ShouldHoldAsync(copy, content);
        await Arm.SucceedAsync(Arm.DeleteAsync(copy));
        await ShouldHoldAsync(copyOfCopy, content);
        await ShouldHoldAsync(increment, content);
    }

    [Fact]
    public async Task An_empty_snapshot_is_zeros_and_grows()
    {
        string snapshot = await EmptySnapshotAsync("empty", 1);
        RawBlob blob = _world.Blob(await Arm.GrantAsync(snapshot));
        (await blob.LengthAsync()).ShouldBe((1L << 30) + 512);
        (await blob.PageRangesAsync()).ShouldBe([new BlobRange(1L << 30, (1L << 30) + 512, false)], "nothing but the footer");
        Check(await Arm.PatchAsync(snapshot, """{"properties":{"diskSizeGB":2}}"""), 409, "OperationNotAllowed", "active shared access signature");
        await Arm.RevokeAsync(snapshot);
        await Arm.SucceedAsync(Arm.PatchAsync(snapshot, """{"properties":{"diskSizeGB":2}}"""));
        Check(await Arm.PatchAsync(snapshot, """{"properties":{"diskSizeGB":1}}"""), 409, "OperationNotAllowed", "cannot be resized from 2 GB to 1 GB");
        RawBlob grown = _world.Blob(await Arm.GrantAsync(snapshot));
        (await grown.LengthAsync()).ShouldBe((2L << 30) + 512);
        (await grown.ReadAsync(2L << 30, 8)).ShouldBe("conectix"u8.ToArray());
    }

    [Fact]
    public async Task A_grown_snapshot_has_zeros_behind_its_bytes_and_differs_rightly_from_what_was_before_it()
    {
        byte[] content = World.Noise(8, (int)World.UploadBytes);
        string disk = await _world.UploadDiskAsync("disk", content);
        string small = await _world.SnapshotAsync("small", disk, incremental: true), grown = await _world.SnapshotAsync("grown", disk, incremental: true);
        await Arm.SucceedAsync(Arm.PatchAsync(disk, """{"properties":{"diskSizeGB":2}}"""));
        RawBlob guest = await _world.GuestAsync(disk);
        await guest.WriteAsync(content.Length, World.Noise(9, MiB));
        string last = await _world.SnapshotAsync("last", disk, incremental: true);
        await Arm.SucceedAsync(Arm.PatchAsync(grown, """{"properties":{"diskSizeGB":2}}"""));
        (await Arm.GetAsync(grown))["properties.diskSizeBytes"].ShouldBe((2L << 30).ToString());

        string sasSmall = await Arm.GrantAsync(small), sasGrown = await Arm.GrantAsync(grown), sasLast = await Arm.GrantAsync(last);
        (await _world.Blob(sasGrown).ReadAsync(0, content.Length + 2 * MiB)).AsSpan().SequenceEqual([.. content, .. new byte[2 * MiB]])
            .ShouldBeTrue("zeros, although the disk has other bytes there now");
        foreach ((string older, string newer) in new[] { (sasSmall, sasLast), (sasSmall, sasGrown) })
        {
            Dictionary<long, string> applied = await SectorsAsync(_world.Blob(older));
            foreach (BlobRange range in await _world.Blob(newer).DiffAsync(older))
            {
                foreach (long offset in applied.Keys.Where(offset => offset >= range.Offset && offset < range.End).ToList())
                    applied.Remove(offset);
                if (!range.Clear)
                    await AddSectorsAsync(applied, _world.Blob(newer), range);
            }
            Dictionary<long, string> target = await SectorsAsync(_world.Blob(newer));
            applied.Count.ShouldBe(target.Count);
            applied.All(sector => target.GetValueOrDefault(sector.Key) == sector.Value).ShouldBeTrue("the difference gives the newer snapshot with its footer");
        }
    }

    /// <summary>Who read it at its old size has a footer there that no list would name.</summary>
    [Fact]
    public async Task A_snapshot_that_was_grown_is_no_previous_snapshot_any_more()
    {
        string disk = await _world.EmptyDiskAsync("disk"), one = await _world.SnapshotAsync("one", disk, incremental: true);
        await Arm.SucceedAsync(Arm.PatchAsync(disk, """{"properties":{"diskSizeGB":2}}"""));
        string two = await _world.SnapshotAsync("two", disk, incremental: true);
        string sasOne = await Arm.GrantAsync(one), sasTwo = await Arm.GrantAsync(two);
        (await _world.Blob(sasTwo).DiffAsync(sasOne)).ShouldBe([new(1L << 30, (1L << 30) + 512, true), new(2L << 30, (2L << 30) + 512, false)]);

        await Arm.RevokeAsync(one);
        await Arm.SucceedAsync(Arm.PatchAsync(one, """{"properties":{"diskSizeGB":2}}"""));
        await ShouldRefuseAsync(sasTwo, await Arm.GrantAsync(one), 409, "BlobOverwritten");
    }

    [Fact]
    public async Task A_difference_is_for_incremental_snapshots_of_one_disk_with_the_older_one_before()
    {
        string disk = await _world.EmptyDiskAsync("disk"), other = await _world.EmptyDiskAsync("other");
        string full = await Arm.GrantAsync(await _world.SnapshotAsync("full", disk)), one = await Arm.GrantAsync(await _world.SnapshotAsync("one", disk, incremental: true));
        string two = await Arm.GrantAsync(await _world.SnapshotAsync("two", disk, incremental: true)), foreign = await Arm.GrantAsync(await _world.SnapshotAsync("foreign", other, incremental: true));
        await ShouldRefuseAsync(two, full, 409, "PreviousSnapshotOperationNotSupported");
        await ShouldRefuseAsync(full, one, 409, "BlobOverwritten");
        await ShouldRefuseAsync(two, foreign, 409, "BlobOverwritten");
        await ShouldRefuseAsync(one, two, 400, "PreviousSnapshotCannotBeNewer");
        await Arm.RevokeAsync(_world.Snapshot("one"));
        await ShouldRefuseAsync(two, one, 403, "AuthenticationFailed");

        string again = await Arm.GrantAsync(_world.Snapshot("one"));
        string time = new Uri(again).Query[1..].Split('&').Single(item => item.StartsWith("snapshot=", StringComparison.Ordinal))["snapshot=".Length..];
        using HttpResponseMessage byTime = await _world.Blob(two).SendAsync(HttpMethod.Get, $"pagelist&prevsnapshot={time}");
        await RawBlob.ExpectAsync(byTime, 200);
        using HttpResponseMessage ofFull = await _world.Blob(full).SendAsync(HttpMethod.Get, $"pagelist&prevsnapshot={time}");
        ofFull.Headers.GetValues("x-ms-error-code").ShouldBe(["PreviousSnapshotNotFound"]);
    }

    [Fact]
    public async Task Disk_restore_points_and_incremental_snapshots_of_a_disk_are_one_family()
    {
        string disk = await _world.UploadDiskAsync("os", World.Noise(10, (int)World.UploadBytes));
        string collection = await _world.CollectionAsync("c", await _world.VmAsync("vm", disk));
        string point = World.OsDiskPoint(await _world.PointAsync(collection, "p"));
        await (await _world.GuestAsync(disk)).WriteAsync(MiB, World.Noise(11, MiB));
        string snapshot = await _world.SnapshotAsync("s", disk, incremental: true);
        (await Arm.GetAsync(snapshot))["properties.incrementalSnapshotFamilyId"].ShouldBe((await Arm.GetAsync(point))["properties.familyId"]);
        string older = await Arm.GrantAsync(point), newer = await Arm.GrantAsync(snapshot);
        (await _world.Blob(newer).DiffAsync(older)).ShouldBe([new BlobRange(MiB, 2 * MiB, false)]);
        new Uri(newer).AbsolutePath.ShouldBe(new Uri(older).AbsolutePath, "snapshots of one base blob");
    }

    [Fact]
    public async Task A_full_snapshot_is_a_blob_of_its_own_and_an_incremental_one_a_blob_snapshot()
    {
        string disk = await _world.EmptyDiskAsync("disk");
        string full = await Arm.GrantAsync(await _world.SnapshotAsync("full", disk)), increment = await Arm.GrantAsync(await _world.SnapshotAsync("increment", disk, incremental: true));
        full.ShouldMatch(@"^http://127\.0\.0\.1:\d+/md-[0-9a-z]{12}/[0-9a-z]{12}/abcd\?sv=2018-03-28&sr=b&si=[0-9a-f-]{36}&sig=[^&]+$");
        increment.ShouldMatch(@"^http://127\.0\.0\.1:\d+/md-[0-9a-z]{12}/[0-9a-z]{12}/abcd\?snapshot=[^&]+Z&sv=2018-11-09&sr=bs&si=[0-9a-f]{64}&sig=[^&]+$");
        string live = await Arm.GrantAsync(disk);
        new[] { full, increment, live }.Select(sas => new Uri(sas).AbsolutePath).Distinct().Count().ShouldBe(2, "the disk and its incremental snapshots share a base blob");

        using HttpResponseMessage before = await _world.Blob(full).SendAsync(HttpMethod.Head);
        await (await _world.GuestAsync(disk)).WriteAsync(0, World.Noise(12, 4096));
        await Arm.RevokeAsync(_world.Snapshot("full"));
        using HttpResponseMessage after = await _world.Blob(await Arm.GrantAsync(_world.Snapshot("full"))).SendAsync(HttpMethod.Head);
        after.Headers.ETag.ShouldBe(before.Headers.ETag, "a snapshot never changes");
        after.Content.Headers.LastModified.ShouldBe(before.Content.Headers.LastModified);
    }

    [Fact]
    public async Task A_second_grant_extends_the_first_and_the_snapshot_cannot_go_before_it_is_revoked()
    {
        string snapshot = await _world.SnapshotAsync("s", await _world.EmptyDiskAsync("disk"));
        string first = await Arm.GrantAsync(snapshot, seconds: 60);
        (await Arm.GrantAsync(snapshot, seconds: 3600)).ShouldBe(first);
        (await Arm.GetAsync(snapshot))["properties.diskState"].ShouldBe("ActiveSAS");
        (await Arm.GetAsync(_world.Disk("disk")))["properties.diskState"].ShouldBe("Unattached", "the disk has no SAS");
        Check(await Arm.DeleteAsync(snapshot), 409, "OperationNotAllowed", "There is an active shared access signature outstanding for snapshot s.");
        (await Arm.FinishAsync((await Arm.DeleteAsync(_world.Group)).Expect(202))).Status.ShouldBe(409, "nor can its group");
        (await _world.Blob(first).ReadAsync(0, 512)).Length.ShouldBe(512, "nothing was deleted");
        await Arm.RevokeAsync(snapshot);
        using (HttpResponseMessage refused = await _world.Blob(first).SendAsync(HttpMethod.Get))
            refused.Headers.GetValues("x-ms-error-code").ShouldBe(["AuthenticationFailed"]);
        (await Arm.GetAsync(snapshot))["properties.diskState"].ShouldBe("Unattached");
        await Arm.SucceedAsync(Arm.DeleteAsync(snapshot));
    }

    [Theory]
    [InlineData("""{"access":"Write","durationInSeconds":60}""", "access")]
    [InlineData("""{"access":"Read"}""", "durationInSeconds")]
    [InlineData("""{"access":"Read","durationInSeconds":0}""", "durationInSeconds")]
    [InlineData("""{"access":"Read","durationInSeconds":5184001}""", "durationInSeconds")]
    [InlineData("""{"access":"Read","durationInSeconds":60,"fileFormat":"VHDX"}""", "fileFormat")]
    public async Task Access_that_a_snapshot_cannot_give_is_refused(string body, string target)
    {
        string snapshot = await EmptySnapshotAsync("s", 1);
        ArmResponse answer = await Arm.PostAsync($"{snapshot}/beginGetAccess", body);
        Check(answer, 400, "InvalidParameter", "");
        answer["error.target"].ShouldBe(target);
        (await Arm.GetAsync(snapshot))["properties.diskState"].ShouldBe("Unattached");
    }

    [Fact]
    public async Task A_snapshot_that_denies_all_access_gives_none()
    {
        await Arm.SucceedAsync(Arm.PutAsync(_world.Snapshot("s"), World.SnapshotBody(await _world.EmptyDiskAsync("disk"), ",\"networkAccessPolicy\":\"denyall\",\"publicNetworkAccess\":\"Disabled\"")));
        ArmResponse snapshot = (await Arm.GetAsync(_world.Snapshot("s"))).Expect(200);
        snapshot["properties.networkAccessPolicy"].ShouldBe("DenyAll");
        snapshot["properties.publicNetworkAccess"].ShouldBe("Disabled");
        Check(await Arm.PostAsync($"{_world.Snapshot("s")}/beginGetAccess", """{"access":"Read","durationInSeconds":60}"""), 409, "OperationNotAllowed", "networkAccessPolicy is DenyAll");
        await Arm.SucceedAsync(Arm.PatchAsync(_world.Snapshot("s"), """{"properties":{"networkAccessPolicy":"AllowAll"}}"""));
        await Arm.GrantAsync(_world.Snapshot("s"));
    }

    [Fact]
    public async Task At_most_five_of_a_family_have_a_sas_at_a_time_and_full_snapshots_do_not_count()
    {
        string disk = await _world.EmptyDiskAsync("disk");
        for (int i = 0; i < 5; i++)
            await Arm.GrantAsync(await _world.SnapshotAsync($"s{i}", disk, incremental: true));
        string sixth = await _world.SnapshotAsync("s5", disk, incremental: true);
        Check(await Arm.PostAsync($"{sixth}/beginGetAccess", """{"access":"Read","durationInSeconds":60}"""), 409, "OperationNotAllowed", "At most 5");
        await Arm.GrantAsync(_world.Snapshot("s0"));
        await Arm.GrantAsync(await _world.SnapshotAsync("full", disk));
        await Arm.RevokeAsync(_world.Snapshot("s0"));
        await Arm.GrantAsync(sixth);
    }

    [Fact]
    public async Task The_raw_image_is_read_without_a_sas()
    {
        byte[] content = World.Noise(13, (int)World.UploadBytes);
        string snapshot = await _world.SnapshotAsync("s", await _world.UploadDiskAsync("disk", content));
        (await ContentAsync(snapshot)).AsSpan().SequenceEqual(content).ShouldBeTrue();
        Check(await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/emulator{_world.Snapshot("absent")}/content")), 404, "ResourceNotFound", "");
    }

    private async Task<string> EmptySnapshotAsync(string name, int gib)
    {
        await Arm.SucceedAsync(Arm.PutAsync(_world.Snapshot(name), $$$"""{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":{{{gib}}}} }"""));
        return _world.Snapshot(name);
    }

    private async Task ShouldHoldAsync(string resource, byte[] content) =>
        (await _world.DownloadAsync(resource)).AsSpan().SequenceEqual(content).ShouldBeTrue($"the bytes of {resource}");

    private async Task<byte[]> ContentAsync(string resource) => (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/emulator{resource}/content"))).Expect(200).Body;

    /// <summary>The sectors that are not zero, by offset.</summary>
    private static async Task<Dictionary<long, string>> SectorsAsync(RawBlob blob)
    {
        Dictionary<long, string> sectors = [];
        foreach (BlobRange range in await blob.PageRangesAsync())
            await AddSectorsAsync(sectors, blob, range);
        return sectors;
    }

    private static async Task AddSectorsAsync(Dictionary<long, string> sectors, RawBlob blob, BlobRange range)
    {
        byte[] data = await blob.ReadAsync(range.Offset, range.Length);
        for (int at = 0; at < data.Length; at += 512)
            if (data.AsSpan(at, 512).ContainsAnyExcept((byte)0))
                sectors[range.Offset + at] = Convert.ToHexString(data, at, 512);
    }

    private async Task ShouldRefuseAsync(string sas, string previous, int status, string code)
    {
        using HttpResponseMessage response = await _world.Blob(sas).SendAsync(HttpMethod.Get, "pagelist", null, ("x-ms-previous-snapshot-url", previous));
        ((int)response.StatusCode).ShouldBe(status);
        response.Headers.GetValues("x-ms-error-code").ShouldBe([code]);
    }
}
