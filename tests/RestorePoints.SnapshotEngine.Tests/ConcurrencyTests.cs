using System.Buffers.Binary;
using Shouldly;
using Xunit;

namespace RestorePoints.SnapshotEngine.Tests;

public sealed class ConcurrencyTests
{
    private const int PageBytes = Geometry.PageBytes;

    [Fact]
    public async Task A_point_of_two_disks_is_one_instant_of_a_writer_that_alternates_between_them()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        Guid diskA = Guid.NewGuid(), diskB = Guid.NewGuid();
        store.CreateVolume(diskA, 8 * PageBytes);
        store.CreateVolume(diskB, 8 * PageBytes);
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(() =>
        {
            byte[] data = new byte[Geometry.SectorBytes];
            for (int sequence = 1; !stop.IsCancellationRequested; sequence++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(data, sequence);
                store.Write(diskA, 512, data);
                store.Write(diskB, 4096 + 512, data);
            }
        }, TestContext.Current.CancellationToken);

        for (int i = 0; i < 2000; i++)
        {
            Guid point = Guid.NewGuid();
            store.CreatePoint(point, [diskB, diskA]);
            int a = ReadInt32(store, diskA, point, 512), b = ReadInt32(store, diskB, point, 4096 + 512);
            b.ShouldBeLessThanOrEqualTo(a);
            a.ShouldBeLessThanOrEqualTo(b + 1);
            if (i % 3 != 0)
            {
                store.DeletePoint(diskA, point);
                store.DeletePoint(diskB, point);
            }

            if (i % 100 == 0) store.FlushInBackground();
        }

        await stop.CancelAsync();
        await writer;
        store.ShouldAccountForEverySlot();
    }

    [Theory]
    [InlineData(Geometry.SectorBytes)]
    [InlineData(PageBytes)]
    [InlineData(32 * PageBytes)]
    public async Task A_sector_of_the_head_is_of_one_write_beside_writes_into_the_same_slots(int readBytes)
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        Guid disk = Guid.NewGuid();
        const int bytes = 32 * PageBytes;
        store.CreateVolume(disk, bytes);
        store.Write(disk, 0, Filled(bytes, 1));
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(() =>
        {
            for (byte value = 1; !stop.IsCancellationRequested; value = (byte)((value % 250) + 1)) store.Write(disk, 0, Filled(bytes, value));
        }, TestContext.Current.CancellationToken);

        byte[] data = new byte[readBytes];
        int torn = 0;
        using (VolumeView head = store.OpenHead(disk))
        {
            for (int i = 0; i < 20_000; i++)
            {
                head.Read(0, data);
                for (int at = 0; at < data.Length; at += Geometry.SectorBytes)
                {
                    if (data.AsSpan(at, Geometry.SectorBytes).ContainsAnyExcept(data[at])) torn++;
                }
            }
        }

        await stop.CancelAsync();
        await writer;
        torn.ShouldBe(0);
    }

    [Fact]
    public async Task Points_never_change_while_writers_readers_and_deletions_run()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        const int pages = 24, disks = 3;
        Guid[] ids = [.. Enumerable.Range(0, disks).Select(_ => Guid.NewGuid())];
        foreach (Guid id in ids) store.CreateVolume(id, pages * PageBytes);
        using var stop = new CancellationTokenSource();
        Task[] writers = [.. ids.Select((id, disk) => Task.Run(() =>
        {
            // Each write fills a run of sectors with one value: a torn sector, or a stale slot of somebody else, would show.
            var random = new Random(disk);
            byte[] data = new byte[5 * PageBytes];
            while (!stop.IsCancellationRequested)
            {
                int length = Geometry.SectorBytes * random.Next(1, 40);
                int offset = Geometry.SectorBytes * random.Next(0, pages * 8 - length / Geometry.SectorBytes + 1);
                data.AsSpan(0, length).Fill((byte)(disk * 64 + random.Next(1, 64)));
                if (random.Next(8) == 0) store.Clear(id, offset, length);
                else store.Write(id, offset, data.AsSpan(0, length));
            }
        }))];

        // A head is read while its slots are freed and given to other disks: bytes of another disk must never show.
        Task reader = Task.Run(() =>
        {
            byte[] bytes = new byte[pages * PageBytes];
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                using VolumeView head = store.OpenHead(ids[i % disks]);
                head.Read(0, bytes);
                foreach (byte value in bytes)
                {
                    if (value != 0 && value / 64 != i % disks) throw new InvalidOperationException($"disk {i % disks} shows {value}");
                }
            }
        }, TestContext.Current.CancellationToken);

        var chooser = new Random(7);
        var kept = new Queue<(Guid Disk, Guid Point, byte[] Bytes)>();
        for (int i = 0; i < 500; i++)
        {
            Guid point = Guid.NewGuid();
            Guid[] chosen = [.. ids.Where(_ => chooser.Next(2) == 0).DefaultIfEmpty(ids[i % disks])];
            store.CreatePoint(point, chosen);
            foreach (Guid disk in chosen) kept.Enqueue((disk, point, ReadAll(store, disk, point)));
            ShouldBeWholeSectorsOf(ids, kept.Last().Disk, kept.Last().Bytes);
            while (kept.Count > 12)
            {
                (Guid disk, Guid old, byte[] bytes) = kept.Dequeue();
                ReadAll(store, disk, old).AsSpan().SequenceEqual(bytes).ShouldBeTrue();
                store.DeletePoint(disk, old);
            }

            if (i % 50 == 0) store.FlushInBackground();
            if (i % 150 == 0) store.WriteCheckpoint();
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        await reader;
        foreach ((Guid disk, Guid point, byte[] bytes) in kept) ReadAll(store, disk, point).AsSpan().SequenceEqual(bytes).ShouldBeTrue();
        store.ShouldAccountForEverySlot();
    }

    [Fact]
    public async Task Group_commit_acknowledges_every_one_of_many_writers()
    {
        using var directory = new TestDirectory();
        var options = Small.Options with { Durability = Durability.Power };
        using (SnapshotStore store = Small.Open(directory, options))
        {
            Guid[] ids = [.. Enumerable.Range(0, 8).Select(_ => Guid.NewGuid())];
            foreach (Guid id in ids) store.CreateVolume(id, 16 * PageBytes);
            await Task.WhenAll(ids.Select(id => Task.Run(() =>
            {
                for (int page = 0; page < 16; page++) store.Write(id, page * PageBytes, Enumerable.Repeat((byte)(page + 1), PageBytes).ToArray());
            })));
            using TestDirectory crashed = directory.Copy();
            using SnapshotStore recovered = Small.Open(crashed, options with { BootId = Guid.NewGuid() });
            foreach (Guid id in ids)
            {
                using VolumeView head = recovered.OpenHead(id);
                byte[] bytes = new byte[16 * PageBytes];
                head.Read(0, bytes);
                for (int page = 0; page < 16; page++) bytes[page * PageBytes].ShouldBe((byte)(page + 1));
            }
        }
    }

    private static byte[] Filled(int bytes, byte value)
    {
        byte[] data = new byte[bytes];
        data.AsSpan().Fill(value);
        return data;
    }

    private static int ReadInt32(SnapshotStore store, Guid disk, Guid point, long offset)
    {
        using VolumeView view = store.OpenPoint(disk, point);
        Span<byte> bytes = stackalloc byte[4];
        view.Read(offset, bytes);
        return BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }

    private static byte[] ReadAll(SnapshotStore store, Guid disk, Guid point)
    {
        using VolumeView view = store.OpenPoint(disk, point);
        byte[] bytes = new byte[view.SizeBytes];
        view.Read(0, bytes);
        return bytes;
    }

    private static void ShouldBeWholeSectorsOf(Guid[] ids, Guid disk, byte[] bytes)
    {
        int number = Array.IndexOf(ids, disk);
        for (int sector = 0; sector < bytes.Length; sector += Geometry.SectorBytes)
        {
            ReadOnlySpan<byte> content = bytes.AsSpan(sector, Geometry.SectorBytes);
            content.IndexOfAnyExcept(content[0]).ShouldBe(-1, "a sector is torn");
            if (content[0] != 0) (content[0] / 64).ShouldBe(number, "a sector belongs to another disk");
        }
    }
}
