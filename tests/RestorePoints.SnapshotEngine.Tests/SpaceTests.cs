using Shouldly;
using Xunit;

namespace RestorePoints.SnapshotEngine.Tests;

public sealed class SpaceTests
{
    private const int PageBytes = Geometry.PageBytes;

    [Fact]
    public void Deleting_everything_gives_the_space_back_to_the_file_system()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        Guid disk = Guid.NewGuid();
        store.CreateVolume(disk, 200 * PageBytes);
        for (int i = 1; i < 6; i++)
        {
            store.Write(disk, 0, Filled(200, (byte)i));
            store.CreatePoint(Guid.NewGuid(), [disk]);
        }

        store.GetUsage().UsedBytes.ShouldBe(5 * 200 * PageBytes);
        store.GetUsage().SegmentBytes.ShouldBeGreaterThan(5 * 200 * PageBytes);
        foreach (Guid point in store.ListVolumes()[0].PointIds) store.DeletePoint(disk, point);
        store.DeleteHead(disk);
        store.FlushInBackground();
        store.FlushInBackground();
        store.GetUsage().UsedBytes.ShouldBe(0);
        directory.Files("segment-*").ShouldHaveSingleItem();
        store.GetUsage().SegmentBytes.ShouldBeLessThanOrEqualTo(2 * PageBytes);
    }

    [Fact]
    public void Long_free_runs_inside_a_segment_are_punched_out_and_the_rest_stays()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        Guid disk = Guid.NewGuid(), point = Guid.NewGuid();
        store.CreateVolume(disk, 15 * PageBytes);
        store.Write(disk, 0, Filled(15, 1));
        long before = store.GetUsage().SegmentBytes;
        store.Clear(disk, 3 * PageBytes, 8 * PageBytes);
        store.FlushInBackground();
        store.GetUsage().SegmentBytes.ShouldBeLessThanOrEqualTo(before - 8 * PageBytes);
        store.ShouldAccountForEverySlot();
        using VolumeView head = store.OpenHead(disk);
        byte[] bytes = new byte[15 * PageBytes];
        head.Read(0, bytes);
        bytes.Count(value => value == 1).ShouldBe(7 * PageBytes);
    }

    [Fact]
    public void A_written_page_of_zeros_is_allocated_and_takes_no_space()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        Guid disk = Guid.NewGuid();
        store.CreateVolume(disk, 8 * PageBytes);
        store.Write(disk, 0, new byte[4 * PageBytes]);
        store.Clear(disk, 6 * PageBytes, PageBytes);
        store.GetUsage().UsedBytes.ShouldBe(0);
        using VolumeView head = store.OpenHead(disk);
        head.GetPageRanges(0, 8 * PageBytes).ShouldBe([new PageRange(0, 4 * PageBytes, PageRangeKind.Allocated)]);
    }

    [Fact]
    public void A_fork_shares_all_slots_and_keeps_them_after_its_source_is_gone()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        Guid disk = Guid.NewGuid(), point = Guid.NewGuid(), fork = Guid.NewGuid();
        store.CreateVolume(disk, 8 * PageBytes);
        store.Write(disk, 0, Filled(8, 5));
        store.CreatePoint(point, [disk]);
        store.CreateVolumeFromPoint(fork, disk, point, 10 * PageBytes);
        store.GetUsage().UsedBytes.ShouldBe(8 * PageBytes);
        store.DeletePoint(disk, point);
        store.DeleteHead(disk);
        store.ListVolumes().ShouldHaveSingleItem().VolumeId.ShouldBe(fork);
        store.Write(fork, 0, Filled(1, 6));
        using (VolumeView head = store.OpenHead(fork))
        {
            byte[] bytes = new byte[10 * PageBytes];
            head.Read(0, bytes);
            bytes.ShouldBe([.. Filled(1, 6), .. Filled(7, 5), .. new byte[2 * PageBytes]]);
        }

        store.DeleteHead(fork);
        store.GetUsage().ShouldSatisfyAllConditions(usage => usage.UsedBytes.ShouldBe(0), usage => usage.Volumes.ShouldBe(0));
    }

    [Fact]
    public void The_journal_stays_short_because_checkpoints_cut_it()
    {
        using var directory = new TestDirectory();
        Guid disk = Guid.NewGuid();
        using (SnapshotStore store = Small.Open(directory))
        {
            store.CreateVolume(disk, 8 * PageBytes);
            for (int i = 0; i < 200; i++)
            {
                store.CreatePoint(Guid.NewGuid(), [disk]);
                store.Write(disk, 0, Filled(1, (byte)(i + 1)));
                if (i % 20 == 0) store.WriteCheckpoint();
            }

            directory.Files("journal-*").ShouldHaveSingleItem();
            new FileInfo(directory.Files("journal-*")[0]).Length.ShouldBeLessThan(4000);
        }

        using SnapshotStore reopened = Small.Open(directory);
        reopened.ListVolumes()[0].PointIds.Count.ShouldBe(200);
        reopened.ShouldAccountForEverySlot();
    }

    [Fact]
    public void After_a_failed_flush_changes_are_refused_and_reopening_recovers()
    {
        using var directory = new TestDirectory();
        Guid disk = Guid.NewGuid();
        using (SnapshotStore store = Small.Open(directory))
        {
            store.CreateVolume(disk, 8 * PageBytes);
            store.Write(disk, 0, Filled(8, 3));
            Should.Throw<StoreFailedException>(() => store.Journal.Guarded(() => throw new IOException("no space left")));
            Should.Throw<StoreFailedException>(() => store.Write(disk, 0, Filled(1, 4)));
            Should.Throw<StoreFailedException>(() => store.CreatePoint(Guid.NewGuid(), [disk])).Message.ShouldContain("no space left");
            store.FlushInBackground();
            using VolumeView head = store.OpenHead(disk);
            head.Read(0, new byte[PageBytes]);
        }

        using SnapshotStore reopened = Small.Open(directory);
        using VolumeView again = reopened.OpenHead(disk);
        byte[] bytes = new byte[8 * PageBytes];
        again.Read(0, bytes);
        bytes.ShouldBe(Filled(8, 3));
    }

    [Fact]
    public void A_freed_slot_waits_for_those_who_started_to_read_before_it_was_freed()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        Guid disk = Guid.NewGuid(), point = Guid.NewGuid();
        store.CreateVolume(disk, 40 * PageBytes);
        store.Write(disk, 0, Filled(1, 1));
        long slot = SlotOf(store, disk, 0);
        store.CreatePoint(point, [disk]);
        store.Write(disk, 0, Filled(1, 2));
        using (store.Epochs.Enter())
        {
            store.DeletePoint(disk, point);
            store.FlushInBackground();
            store.Write(disk, PageBytes, Filled(20, 3));
            Enumerable.Range(1, 20).Select(page => SlotOf(store, disk, page)).ShouldNotContain(slot);
        }

        store.Slots.IsFree(slot).ShouldBeFalse();
        store.FlushInBackground();
        store.Slots.IsFree(slot).ShouldBeTrue();
    }

    private static long SlotOf(SnapshotStore store, Guid disk, int page)
    {
        long[] places = new long[1];
        store.Volumes.Find(disk)!.Resolve(page / Small.Geometry.PagesPerRegion, page % Small.Geometry.PagesPerRegion, uint.MaxValue, places, []);
        return places[0];
    }

    private static byte[] Filled(int pages, byte value)
    {
        byte[] data = new byte[pages * PageBytes];
        data.AsSpan().Fill(value);
        return data;
    }
}
