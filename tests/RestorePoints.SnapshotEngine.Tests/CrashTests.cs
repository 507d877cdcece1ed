using CsCheck;
using Shouldly;
using Xunit;

namespace RestorePoints.SnapshotEngine.Tests;

public sealed class CrashTests
{
    private const int PageBytes = Geometry.PageBytes;

    [Fact]
    public void A_journal_cut_at_any_byte_leaves_a_prefix_of_the_history()
    {
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[1, 25], Gen.Int[0, 3]).Sample((seed, count, garbage) =>
        {
            using var directory = new TestDirectory();
            var random = new Random(seed);
            Guid disk = Guid.NewGuid();
            var states = new List<(long JournalBytes, StoreModel Model)>();
            var model = new StoreModel();
            using SnapshotStore store = Small.Open(directory);
            long journalBytes() => new FileInfo(directory.Files("journal-*")[^1]).Length;
            states.Add((journalBytes(), model.Clone()));
            store.CreateVolume(disk, 8 * PageBytes);
            model.Volumes.Add(new ModelVolume(disk, 8));
            states.Add((journalBytes(), model.Clone()));
            ModelVolume volume = model.Volumes[0];
            for (int i = 0; i < count; i++)
            {
                model.Now++;
                int page = random.Next(8);
                switch (random.Next(4))
                {
                    case 0:
                        Guid point = Guid.NewGuid();
                        store.CreatePoint(point, [disk]);
                        volume.Points.Add(new ModelPoint(point, volume.Head.Copy(8), model.Now));
                        break;
                    case 1 when volume.Points.Count > 0:
                        ModelPoint victim = volume.Points[random.Next(volume.Points.Count)];
                        store.DeletePoint(disk, victim.Id);
                        volume.Points.Remove(victim);
                        break;
                    case 2:
                        store.Clear(disk, page * PageBytes, PageBytes);
                        volume.Head.Clear(page * PageBytes, PageBytes, model.Now);
                        break;
                    default:
                        // In place would reach behind the cut; a point in front of each write makes it redirect.
                        Guid before = Guid.NewGuid();
                        store.CreatePoint(before, [disk]);
                        volume.Points.Add(new ModelPoint(before, volume.Head.Copy(8), model.Now));
                        states.Add((journalBytes(), model.Clone()));
                        model.Now++;
                        byte[] data = new byte[PageBytes];
                        data.AsSpan().Fill((byte)(i + 1));
                        store.Write(disk, page * PageBytes, data);
                        volume.Head.Write(page * PageBytes, data, model.Now);
                        break;
                }

                states.Add((journalBytes(), model.Clone()));
            }

            using TestDirectory crashed = directory.Copy();
            string journal = crashed.Files("journal-*")[^1];
            long cut = JournalFile.HeaderBytes + random.NextInt64(new FileInfo(journal).Length - JournalFile.HeaderBytes + 1);
            using (FileStream file = File.OpenWrite(journal))
            {
                file.SetLength(cut);
                file.Position = cut;
                if (garbage == 1) file.Write(new byte[100]);
                if (garbage == 2) file.Write([.. Enumerable.Repeat((byte)0xA5, 300)]);
            }

            StoreModel expected = states.Last(state => state.JournalBytes <= cut).Model;
            using (SnapshotStore recovered = Small.Open(crashed))
            {
                recovered.ShouldMatch(expected);
                recovered.ShouldAccountForEverySlot();
            }

            using SnapshotStore again = Small.Open(crashed);
            again.ShouldMatch(expected);
            again.ShouldAccountForEverySlot();
        }, iter: 300, threads: 2);
    }

    [Fact]
    public void After_a_reboot_replay_stops_at_the_last_marker()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory, Small.Options with { BootId = Guid.NewGuid() });
        Guid disk = Guid.NewGuid(), flushed = Guid.NewGuid(), lost = Guid.NewGuid();
        store.CreateVolume(disk, 8 * PageBytes);
        store.Write(disk, 0, Filled(1));
        store.CreatePoint(flushed, [disk]);
        store.FlushInBackground();
        store.Write(disk, 0, Filled(2));
        store.CreatePoint(lost, [disk]);

        using TestDirectory crashed = directory.Copy();
        using (SnapshotStore recovered = Small.Open(crashed))
        {
            recovered.ListVolumes().ShouldHaveSingleItem().PointIds.ShouldBe([flushed]);
            FirstByte(recovered, disk).ShouldBe((byte)1);
            recovered.ShouldAccountForEverySlot();
            recovered.Write(disk, 0, Filled(3));

            // What was given up must not come back when the next crash leaves both journal files.
            using TestDirectory crashedAgain = crashed.Copy();
            using SnapshotStore second = Small.Open(crashedAgain);
            second.ListVolumes().ShouldHaveSingleItem().PointIds.ShouldBe([flushed]);
            FirstByte(second, disk).ShouldBe((byte)3);
        }

        using SnapshotStore again = Small.Open(crashed);
        FirstByte(again, disk).ShouldBe((byte)3);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_written_takes_nothing_with_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There is no /dev/full.");
        using var directory = new TestDirectory();
        SnapshotStoreOptions thisKernel = Small.Options with { BootId = Guid.NewGuid() };
        using SnapshotStore store = Small.Open(directory, thisKernel);
        Guid disk = Guid.NewGuid(), before = Guid.NewGuid(), after = Guid.NewGuid();
        store.CreateVolume(disk, 8 * PageBytes);
        store.Write(disk, 0, Filled(1));
        store.CreatePoint(before, [disk]);
        string draft = Path.Combine(directory.Path, "checkpoint.new");
        File.CreateSymbolicLink(draft, "/dev/full");

        Should.Throw<IOException>(store.WriteCheckpoint).Message.ShouldContain("No space left");

        File.Delete(draft);
        directory.Files("journal-*").Length.ShouldBe(2);
        store.Write(disk, 0, Filled(2));
        store.CreatePoint(after, [disk]);
        store.FlushInBackground();
        using (TestDirectory lostPower = directory.Copy())
        {
            using SnapshotStore recovered = Small.Open(lostPower);
            recovered.ListVolumes().ShouldHaveSingleItem().PointIds.ShouldBe([before, after]);
            FirstByte(recovered, disk).ShouldBe((byte)2);
        }

        store.WriteCheckpoint();
        directory.Files("journal-*").Length.ShouldBe(1);
        store.Write(disk, 0, Filled(3));
        using TestDirectory killed = directory.Copy();
        using SnapshotStore again = Small.Open(killed, thisKernel);
        FirstByte(again, disk).ShouldBe((byte)3);
    }

    [Fact]
    public void A_slot_is_not_reused_before_a_power_loss_can_no_longer_bring_its_owner_back()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory, Small.Options with { BootId = Guid.NewGuid() });
        Guid disk = Guid.NewGuid(), point = Guid.NewGuid();
        store.CreateVolume(disk, 60 * PageBytes);
        store.Write(disk, 0, Filled(1));
        store.CreatePoint(point, [disk]);
        store.FlushInBackground();
        store.DeletePoint(disk, point);
        // More than the rest of the segment, so that the search for free slots comes round.
        for (int page = 0; page < 60; page++) store.Write(disk, page * PageBytes, Filled((byte)(10 + page)));

        using TestDirectory crashed = directory.Copy();
        using SnapshotStore recovered = Small.Open(crashed, Small.Options with { BootId = Guid.NewGuid() });
        using VolumeView view = recovered.OpenPoint(disk, point);
        byte[] bytes = new byte[PageBytes];
        view.Read(0, bytes);
        bytes.ShouldBe(Filled(1));
    }

    [Fact]
    public void Freed_slots_are_used_again_after_the_flush_so_that_overwriting_takes_no_more_space()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        Guid disk = Guid.NewGuid();
        store.CreateVolume(disk, 8 * PageBytes);
        for (int round = 1; round < 50; round++)
        {
            Guid point = Guid.NewGuid();
            store.Write(disk, 0, new byte[8 * PageBytes].Select(_ => (byte)round).ToArray());
            store.CreatePoint(point, [disk]);
            store.Write(disk, 0, new byte[8 * PageBytes].Select(_ => (byte)-round).ToArray());
            store.DeletePoint(disk, point);
            store.FlushInBackground();
        }

        directory.Files("segment-*").Length.ShouldBeLessThanOrEqualTo(3);
    }

    [Fact]
    public void A_checkpoint_that_was_not_finished_is_ignored()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        Guid disk = Guid.NewGuid();
        store.CreateVolume(disk, 8 * PageBytes);
        store.Write(disk, 0, Filled(9));
        using TestDirectory crashed = directory.Copy();
        File.WriteAllText(Path.Combine(crashed.Path, "checkpoint.new"), "half of it");
        using SnapshotStore recovered = Small.Open(crashed);
        FirstByte(recovered, disk).ShouldBe((byte)9);
    }

    [Fact]
    public void Journals_that_a_checkpoint_contains_and_a_crash_left_behind_are_not_replayed_again()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = Small.Open(directory);
        Guid disk = Guid.NewGuid(), point = Guid.NewGuid();
        store.CreateVolume(disk, 8 * PageBytes);
        store.Write(disk, 0, Filled(1));
        store.CreatePoint(point, [disk]);
        store.Write(disk, 0, Filled(2));
        using TestDirectory before = directory.Copy();
        store.WriteCheckpoint();
        store.Write(disk, 0, Filled(3));
        using TestDirectory crashed = directory.Copy();
        foreach (string journal in before.Files("journal-*")) File.Copy(journal, Path.Combine(crashed.Path, Path.GetFileName(journal)));
        using SnapshotStore recovered = Small.Open(crashed);
        FirstByte(recovered, disk).ShouldBe((byte)3);
        recovered.ListVolumes().ShouldHaveSingleItem().PointIds.ShouldBe([point]);
        recovered.ShouldAccountForEverySlot();
    }

    private static byte[] Filled(byte value)
    {
        byte[] page = new byte[PageBytes];
        page.AsSpan().Fill(value);
        return page;
    }

    private static byte FirstByte(SnapshotStore store, Guid disk)
    {
        using VolumeView head = store.OpenHead(disk);
        byte[] bytes = new byte[1];
        head.Read(0, bytes);
        return bytes[0];
    }
}
