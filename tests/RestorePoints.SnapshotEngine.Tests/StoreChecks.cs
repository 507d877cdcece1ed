using Shouldly;

namespace RestorePoints.SnapshotEngine.Tests;

/// <summary>Compares a store with the model and checks the engine's invariants on the way.</summary>
internal static class StoreChecks
{
    /// <param name="comparesHeads">False after a loss of power, which may keep or lose what was written in place since the last flush.</param>
    public static void ShouldMatch(this SnapshotStore store, StoreModel model, bool comparesHeads = true)
    {
        store.ListVolumes().Select(volume => volume.VolumeId).Order()
            .ShouldBe(model.Volumes.Where(volume => volume.HasHead || volume.Points.Count > 0).Select(volume => volume.Id).Order());
        foreach (ModelVolume volume in model.Volumes)
        {
            VolumeDescription? description = store.ListVolumes().SingleOrDefault(listed => listed.VolumeId == volume.Id);
            if (description is null) continue;
            description.HasHead.ShouldBe(volume.HasHead);
            description.PointIds.ShouldBe(volume.Points.Select(point => point.Id));
            foreach (ModelPoint point in volume.Points)
            {
                using VolumeView view = store.OpenPoint(volume.Id, point.Id);
                Compare(view, volume, point.Content, point.TakenAt);
            }

            if (!volume.HasHead || !comparesHeads) continue;
            using VolumeView head = store.OpenHead(volume.Id);
            Compare(head, volume, volume.Head, int.MaxValue);
        }
    }

    /// <summary>Invariant 5: used slots are exactly those that surviving viewers reach, each with one owner.</summary>
    public static void ShouldAccountForEverySlot(this SnapshotStore store)
    {
        var owners = new Dictionary<long, string>();
        foreach (Volume volume in store.Volumes.All)
        {
            for (int number = volume.Regions.NextTouched(0); number < RegionDirectory.MaxRegions; number = volume.Regions.NextTouched(number + 1))
            {
                Region region = volume.Regions.Find(number)!;
                for (int i = 0; i < region.Count; i++)
                {
                    bool superseded = i + 1 < region.Count && region.Pages[i + 1] == region.Pages[i];
                    if (superseded) region.Births[i + 1].ShouldBeGreaterThan(region.Births[i]);
                    // What a fork inherited owns nothing and may linger until its region is pruned for another reason.
                    if (region.Births[i] == 0) continue;
                    bool seen = superseded ? volume.Viewers.AnyIn(region.Births[i], region.Births[i + 1]) : region.Births[i] <= volume.Viewers.NewestGeneration;
                    seen.ShouldBeTrue($"{volume.Id} region {number} page {region.Pages[i]} born {region.Births[i]} has no viewer");
                    if (!Place.IsData(region.Places[i])) continue;
                    string owner = $"{volume.Id} region {number} page {region.Pages[i]} born {region.Births[i]}";
                    owners.TryAdd(region.Places[i], owner).ShouldBeTrue($"slot {region.Places[i]} belongs to {owners[region.Places[i]]} and {owner}");
                }
            }
        }

        store.Slots.UsedSlots.ShouldBe(owners.Count);
    }

    /// <summary>What a crash leaves is no damage.</summary>
    public static void ShouldVerify(this TestDirectory directory, SnapshotStoreOptions options) =>
        StoreVerification.Run(directory.Path, options).Findings.Where(finding => finding.IsDamage).ShouldBeEmpty();

    private static void Compare(VolumeView view, ModelVolume volume, ModelContent expected, int takenAt)
    {
        view.SizeBytes.ShouldBe(expected.Bytes.Length);
        byte[] actual = new byte[view.SizeBytes];
        view.Read(0, actual);
        actual.AsSpan().SequenceEqual(expected.Bytes).ShouldBeTrue($"bytes of {volume.Id} taken at {takenAt}, first difference at {actual.AsSpan().CommonPrefixLength(expected.Bytes)}");

        bool[] allocated = new bool[expected.Pages];
        foreach (PageRange range in Ascending(view.GetPageRanges(0, view.SizeBytes), view.SizeBytes)) Mark(allocated, range);
        allocated.ShouldBe(expected.Allocated);

        foreach (ModelPoint older in volume.Points.Where(point => point.TakenAt <= takenAt))
        {
            byte[] applied = new byte[view.SizeBytes];
            older.Content.Bytes.AsSpan(0, Math.Min(older.Content.Bytes.Length, applied.Length)).CopyTo(applied);
            bool[] changed = new bool[expected.Pages];
            foreach (PageRange range in Ascending(view.GetChangesSince(older.Id, 0, view.SizeBytes), view.SizeBytes))
            {
                Mark(changed, range);
                Span<byte> target = applied.AsSpan((int)range.OffsetBytes, (int)range.LengthBytes);
                if (range.Kind == PageRangeKind.Allocated) view.Read(range.OffsetBytes, target);
                else target.Clear();
                for (long page = range.OffsetBytes / StoreModel.PageBytes; page * StoreModel.PageBytes < range.OffsetBytes + range.LengthBytes; page++)
                    expected.Allocated[page].ShouldBe(range.Kind == PageRangeKind.Allocated);
            }

            applied.AsSpan().SequenceEqual(expected.Bytes).ShouldBeTrue("the older point with the difference applied is the newer one");
            changed.ShouldBe(expected.ChangedAt.Select(time => time > older.TakenAt), $"the difference of {older.TakenAt} and {takenAt} lists what changed and nothing else");
        }
    }

    private static IEnumerable<PageRange> Ascending(IEnumerable<PageRange> ranges, long sizeBytes)
    {
        PageRange last = default;
        foreach (PageRange range in ranges)
        {
            range.LengthBytes.ShouldBePositive();
            (range.OffsetBytes + range.LengthBytes).ShouldBeLessThanOrEqualTo(sizeBytes);
            range.OffsetBytes.ShouldBeGreaterThanOrEqualTo(last.OffsetBytes + last.LengthBytes);
            bool mergeable = last.LengthBytes > 0 && range.Kind == last.Kind && range.OffsetBytes == last.OffsetBytes + last.LengthBytes;
            mergeable.ShouldBeFalse("adjacent ranges of a kind are merged");
            yield return last = range;
        }
    }

    private static void Mark(bool[] pages, PageRange range)
    {
        for (long page = range.OffsetBytes / StoreModel.PageBytes; page * StoreModel.PageBytes < range.OffsetBytes + range.LengthBytes; page++)
        {
            pages[page].ShouldBeFalse();
            pages[page] = true;
        }
    }
}
