using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests;

/// <summary>A machine is protected, backed up in full and by increments, and restored: every byte compared with a copy that the test keeps.</summary>
public sealed class FullCycleTests(EmulatorFixture fixture)
{
    private const int MiB = 1024 * 1024;

    [Fact]
    public async Task A_machine_is_backed_up_in_full_and_by_an_increment_and_restored()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        byte[] os = World.Noise(1, (int)World.UploadBytes);
        os.AsSpan(4 * MiB, 8 * MiB).Clear();
        byte[] data = World.Noise(2, (int)World.UploadBytes);
        string osDisk = await world.UploadDiskAsync("os", os);
        string dataDisk = await world.UploadDiskAsync("data", data);
        string emptyDisk = await world.EmptyDiskAsync("empty", gib: 4);
        string vm = await world.VmAsync("vm", osDisk, dataDisk, emptyDisk);
        RawBlob osGuest = await world.GuestAsync(osDisk), dataGuest = await world.GuestAsync(dataDisk), emptyGuest = await world.GuestAsync(emptyDisk);
        (await osGuest.ReadAllAsync()).AsSpan().SequenceEqual(os).ShouldBeTrue("the guest sees what was uploaded");

        string collection = await world.CollectionAsync("daily", vm);
        ArmResponse first = await world.PointAsync(collection, "first");
        byte[] osAtFirst = [.. os], dataAtFirst = [.. data];

        // The guest works: overwrites, writes into holes, clears, writes zeros.
        await osGuest.WriteAsync(os, 3 * MiB + 512, World.Noise(3, 2 * MiB));
        await osGuest.WriteAsync(os, 10 * MiB, World.Noise(4, 4096));
        await osGuest.ClearAsync(os, 15 * MiB, MiB);
        await dataGuest.WriteAsync(data, 0, new byte[64 * 1024]);
        byte[] far = World.Noise(5, 12 * 1024);
        await emptyGuest.WriteAsync(3L << 30, far);
        ArmResponse second = await world.PointAsync(collection, "second");
        await osGuest.WriteAsync(os, 0, World.Noise(6, MiB));

        string sasFirst = await arm.GrantAsync(World.OsDiskPoint(first)), sasSecond = await arm.GrantAsync(World.OsDiskPoint(second));
        byte[] vhdFirst = await world.Blob(sasFirst).ReadAllAsync(), vhdSecond = await world.Blob(sasSecond).ReadAllAsync();
        vhdFirst.AsSpan(..^512).SequenceEqual(osAtFirst).ShouldBeTrue("point 1 is the disk when it was taken");
        IReadOnlyList<BlobRange> diff = await world.Blob(sasSecond).DiffAsync(sasFirst);
        (await world.Blob(sasSecond).ApplyToAsync(vhdFirst, diff)).AsSpan().SequenceEqual(vhdSecond).ShouldBeTrue("point 1 and the increment give point 2");
        diff.Sum(range => range.Length).ShouldBeLessThanOrEqualTo(3 * MiB + 3 * 4096 + 512, "the increment lists only what changed");
        diff.ShouldContain(range => range.Clear && range.Offset <= 15 * MiB && range.End >= 16 * MiB, "cleared pages are listed as cleared");

        string dataFirst = await arm.GrantAsync(World.DataDiskPoint(first, 0)), dataSecond = await arm.GrantAsync(World.DataDiskPoint(second, 0));
        byte[] dataVhd = await world.Blob(dataFirst).ReadAllAsync();
        dataVhd.AsSpan(..^512).SequenceEqual(dataAtFirst).ShouldBeTrue("the data disk's part of point 1");
        byte[] dataIncrement = await world.Blob(dataSecond).ApplyToAsync(dataVhd, await world.Blob(dataSecond).DiffAsync(dataFirst));
        dataIncrement.AsSpan(..^512).SequenceEqual(data).ShouldBeTrue("the data disk's increment");

        string emptySecond = await arm.GrantAsync(World.DataDiskPoint(second, 1));
        (await world.Blob(emptySecond).ReadAsync(3L << 30, far.Length)).ShouldBe(far);

        string restored = await world.RestoredDiskAsync("restored", World.DataDiskPoint(second, 0));
        (await world.DownloadAsync(restored)).AsSpan().SequenceEqual(data).ShouldBeTrue("the restored disk is the data disk of point 2");
        string restoredOs = await world.RestoredDiskAsync("restored-os", World.OsDiskPoint(second));
        string restoredVm = await world.VmAsync("vm-restored", restoredOs, restored);
        RawBlob restoredGuest = await world.GuestAsync(restoredOs);
        byte[] restoredBytes = await restoredGuest.ReadAllAsync();
        restoredBytes.AsSpan().SequenceEqual(vhdSecond.AsSpan(..^512)).ShouldBeTrue("the restored OS disk is that of point 2");

        // The restored machine lives its own life.
        await restoredGuest.WriteAsync(0, World.Noise(7, MiB));
        (await world.Blob(sasSecond).ReadAllAsync()).AsSpan().SequenceEqual(vhdSecond).ShouldBeTrue("a point never changes");
        (await osGuest.ReadAllAsync()).AsSpan().SequenceEqual(os).ShouldBeTrue("nor does the source disk");
        await arm.SucceedAsync(arm.DeleteAsync(restoredVm));
    }

    [Theory]
    [InlineData(11, "0 1 2 3")]
    [InlineData(12, "3 2 1 0")]
    [InlineData(13, "1 3 0 2")]
    [InlineData(14, "2 0 3 1")]
    public async Task Points_are_deleted_in_any_order_and_the_others_stay_whole(int seed, string order)
    {
        World world = await World.CreateAsync(fixture);
        byte[] content = World.Noise(seed, (int)World.UploadBytes);
        string disk = await world.UploadDiskAsync("os", content);
        string collection = await world.CollectionAsync("c", await world.VmAsync("vm", disk));
        RawBlob guest = await world.GuestAsync(disk);
        var random = new Random(seed);
        var expected = new Dictionary<string, byte[]>();
        var points = new Dictionary<string, string>();
        for (int i = 0; i < 4; i++)
        {
            for (int write = 0; write < 5; write++)
            {
                int length = 4096 * random.Next(1, 65), offset = 4096 * random.Next((content.Length - length) / 4096);
                if (random.Next(4) == 0)
                    await guest.ClearAsync(content, offset, length);
                else
                    await guest.WriteAsync(content, offset, World.Noise(random.Next(), length));
            }
            points[$"p{i}"] = World.OsDiskPoint(await world.PointAsync(collection, $"p{i}"));
            expected[$"p{i}"] = [.. content];
        }

        foreach (string index in order.Split(' '))
        {
            await world.Arm.SucceedAsync(world.Arm.DeleteAsync(World.Point(collection, $"p{index}")));
            points.Remove($"p{index}");
            foreach ((string name, string id) in points)
                (await world.DownloadAsync(id)).AsSpan().SequenceEqual(expected[name]).ShouldBeTrue($"{name} after the deletion of p{index}, seed {seed}");
            (await guest.ReadAllAsync()).AsSpan().SequenceEqual(content).ShouldBeTrue($"the live disk after the deletion of p{index}, seed {seed}");
        }
    }

    [Fact]
    public async Task The_increment_over_a_grown_disk_covers_the_new_space_and_the_moved_footer()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        string os = await world.EmptyDiskAsync("os"), disk = await world.EmptyDiskAsync("data", gib: 1);
        string vm = await world.VmAsync("vm", os, disk);
        string collection = await world.CollectionAsync("c", vm);
        RawBlob guest = await world.GuestAsync(disk);
        await guest.WriteAsync(0, World.Noise(21, MiB));
        string before = await arm.GrantAsync(World.DataDiskPoint(await world.PointAsync(collection, "before"), 0));
        await arm.SucceedAsync(arm.PostAsync($"{vm}/deallocate"));
        await arm.SucceedAsync(arm.PatchAsync(disk, """{"properties":{"diskSizeGB":2}}"""));
        await arm.SucceedAsync(arm.PostAsync($"{vm}/start"));
        RawBlob grown = await world.GuestAsync(disk);
        (await grown.LengthAsync()).ShouldBe(2L << 30);
        byte[] tail = World.Noise(22, 8192);
        await grown.WriteAsync((2L << 30) - tail.Length, tail);
        string after = await arm.GrantAsync(World.DataDiskPoint(await world.PointAsync(collection, "after"), 0));

        (await world.Blob(before).LengthAsync()).ShouldBe((1L << 30) + 512, "a point keeps the size of its instant");
        (await world.Blob(after).LengthAsync()).ShouldBe((2L << 30) + 512);
        IReadOnlyList<BlobRange> diff = await world.Blob(after).DiffAsync(before);
        Covers(diff, 1L << 30, 512, "where the old footer was, the grown disk has other bytes");
        Covers(diff, (2L << 30) - tail.Length, tail.Length, "what was written into the new space");
        Covers(diff, 2L << 30, 512, "the new footer");
        (await world.Blob(after).ReadAsync(1L << 30, 512)).ShouldAllBe(value => value == 0);
        (await world.Blob(after).ReadAsync(2L << 30, 8)).ShouldBe("conectix"u8.ToArray());
        diff.Sum(range => range.Length).ShouldBeLessThan(MiB, "the first MiB did not change");
    }

    [Fact]
    public async Task All_disks_of_a_machine_are_frozen_at_one_instant()
    {
        World world = await World.CreateAsync(fixture);
        string a = await world.EmptyDiskAsync("a"), b = await world.EmptyDiskAsync("b");
        string collection = await world.CollectionAsync("c", await world.VmAsync("vm", a, b));
        RawBlob guestA = await world.GuestAsync(a), guestB = await world.GuestAsync(b);
        using var stop = new CancellationTokenSource();
        int written = 0;
        Task writer = Task.Run(async () =>
        {
            byte[] page = new byte[512];
            for (int sequence = 1; !stop.IsCancellationRequested; sequence++)
            {
                BitConverter.TryWriteBytes(page, sequence);
                await guestA.WriteAsync(0, page);
                await guestB.WriteAsync(0, page);
                Volatile.Write(ref written, sequence);
            }
        }, CancellationToken.None);

        for (int i = 0; i < 8; i++)
        {
            int before = Volatile.Read(ref written);
            ArmResponse point = await world.PointAsync(collection, $"p{i}");
            int seenA = await SequenceAsync(World.OsDiskPoint(point)), seenB = await SequenceAsync(World.DataDiskPoint(point, 0));
            (seenA - seenB).ShouldBeInRange(0, 1, $"disk A is written before disk B: point {i} saw {seenA} and {seenB}");
            seenB.ShouldBeGreaterThanOrEqualTo(before, "what was acknowledged before the PUT is in the point");
            await world.Arm.SucceedAsync(world.Arm.DeleteAsync(World.Point(collection, $"p{i}")));
        }
        await stop.CancelAsync();
        await writer;

        async Task<int> SequenceAsync(string point)
        {
            byte[] page = await world.Blob(await world.Arm.GrantAsync(point)).ReadAsync(0, 512);
            await world.Arm.RevokeAsync(point);
            return BitConverter.ToInt32(page);
        }
    }

    private static void Covers(IReadOnlyList<BlobRange> ranges, long offset, long length, string what)
    {
        foreach (BlobRange range in ranges.OrderBy(range => range.Offset))
        {
            if (range.Offset > offset || range.End <= offset)
                continue;
            length -= range.End - offset;
            offset = range.End;
            if (length <= 0)
                return;
        }
        throw new ShouldAssertException($"{what}: {offset} is not in {string.Join(' ', ranges)}");
    }
}
