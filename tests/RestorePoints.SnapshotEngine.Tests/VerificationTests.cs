using System.Security.Cryptography;
using Shouldly;
using Xunit;

namespace RestorePoints.SnapshotEngine.Tests;

/// <summary>Damage is found and named, by a verification and by whoever opens the store; what a crash leaves is none.</summary>
public sealed class VerificationTests : IDisposable
{
    private const int PageBytes = Geometry.PageBytes;

    private readonly TestDirectory _directory = new();
    private readonly Guid _disk = Guid.NewGuid(), _point = Guid.NewGuid(), _clone = Guid.NewGuid();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_whole_store_has_no_findings_and_is_not_changed()
    {
        Fill();
        string[] before = Contents();

        StoreVerification verification = StoreVerification.Run(_directory.Path, Small.Options);

        verification.Findings.ShouldBeEmpty();
        verification.Volumes.Select(volume => volume.VolumeId).Order().ShouldBe(new[] { _disk, _clone }.Order());
        verification.UsedBytes.ShouldBe(14 * PageBytes);
        Contents().ShouldBe(before);
    }

    [Fact]
    public void A_store_that_is_open_is_not_verified()
    {
        using SnapshotStore store = Small.Open(_directory);
        Should.Throw<IOException>(() => StoreVerification.Run(_directory.Path, Small.Options));
    }

    [Fact]
    public void Every_byte_of_a_checkpoint_counts()
    {
        Fill();
        string path = Path.Combine(_directory.Path, "checkpoint");
        byte[] whole = File.ReadAllBytes(path);
        for (int i = 0; i < whole.Length; i++)
        {
            WriteChanged(path, whole, i);
            ShouldBeRefused("checkpoint", $"byte {i}");
        }
    }

    [Fact]
    public void Every_byte_of_a_journal_counts_but_those_of_its_last_record_and_of_the_boot_id()
    {
        string path = FillAndCrash();
        byte[] whole = File.ReadAllBytes(path);
        int last = OffsetOfLastRecord(whole);
        // The boot id, the flags and what is reserved in the header have no second copy.
        foreach (int i in Enumerable.Range(0, 24).Concat(Enumerable.Range(JournalFile.HeaderBytes, last - JournalFile.HeaderBytes)))
        {
            WriteChanged(path, whole, i);
            ShouldBeRefused(Path.GetFileName(path), $"byte {i}");
        }
        for (int i = last; i < whole.Length; i++)
        {
            WriteChanged(path, whole, i);
            StoreVerification torn = StoreVerification.Run(_directory.Path, Small.Options);
            torn.IsDamaged.ShouldBeFalse();
            torn.Findings.ShouldHaveSingleItem().Where.ShouldBe(Path.GetFileName(path));
        }
    }

    [Fact]
    public void A_journal_file_that_is_missing_or_ends_too_early_is_damage()
    {
        string first = FillAndCrash();
        byte[] whole = File.ReadAllBytes(first);
        using (SnapshotStore store = Small.Open(_directory))
        {
            store.Write(_disk, 0, Filled(9));
            using TestDirectory copy = _directory.Copy();
            string[] files = copy.Files("journal-*");
            files.Length.ShouldBe(2);
            using (FileStream file = File.OpenWrite(files[0]))
                file.SetLength(OffsetOfLastRecord(whole));
            StoreVerification.Run(copy.Path, Small.Options).Findings.ShouldHaveSingleItem().What.ShouldContain("are missing, which journal-");
            Should.Throw<StoreFormatException>(() => Small.Open(copy)).File.ShouldBe(Path.GetFileName(files[0]));
            File.Delete(files[0]);
            Should.Throw<StoreFormatException>(() => Small.Open(copy));
        }
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("short")]
    [InlineData("header")]
    public void A_segment_that_pages_are_in_must_be_whole(string damage)
    {
        Fill();
        string path = _directory.Files("segment-*")[0];
        if (damage == "missing")
            File.Delete(path);
        else
            WriteChanged(path, damage == "short" ? File.ReadAllBytes(path)[..^PageBytes] : File.ReadAllBytes(path), 3);
        StoreFinding finding = StoreVerification.Run(_directory.Path, Small.Options).Findings.ShouldHaveSingleItem();
        (finding.IsDamage, finding.Where).ShouldBe((true, Path.GetFileName(path)));
    }

    [Theory]
    [InlineData("unlisted", "a difference would not show it")]
    [InlineData("owned twice", "have two owners")]
    [InlineData("unseen", "is seen by nobody and takes space")]
    [InlineData("too young", "is younger than the volume")]
    [InlineData("nowhere", "is at the place")]
    [InlineData("behind the end", "is behind the end of the volume")]
    [InlineData("inherited", "was inherited, but the volume was made from nothing")]
    public void A_wrong_index_is_told_by_what_it_breaks(string damage, string told)
    {
        using (SnapshotStore store = Small.Open(_directory))
        {
            Fill(store);
            Volume volume = store.Volumes.Find(_disk)!;
            Region region = volume.Regions.Find(0)!;
            var freed = new SlotRunList();
            long taken = region.Places[0];
            Guid second = Guid.NewGuid(), third = Guid.NewGuid();
            switch (damage)
            {
                case "unlisted":
                    volume.Regions.Add(3, Region.FromVersions([0], [1], [Place.Zero]));
                    break;
                case "owned twice":
                    volume.Put(3, [0], [taken], freed);
                    break;
                case "unseen":
                    store.CreatePoint(second, [_disk]);
                    store.CreatePoint(third, [_disk]);
                    store.DeletePoint(_disk, second);
                    // Born in the generation that was deleted and superseded before the next point.
                    volume.Regions.Add(3, Region.FromVersions([0, 0], [2, 3], [Place.Zero, Place.Zero]));
                    break;
                case "too young":
                    volume.Regions.Add(3, Region.FromVersions([0], [77], [Place.Zero]));
                    break;
                case "nowhere":
                    volume.Put(3, [0], [-5], freed);
                    break;
                case "behind the end":
                    volume.Put(30, [0], [Place.Zero], freed);
                    break;
                case "inherited":
                    volume.Regions.Add(3, Region.FromVersions([0], [0], [Place.Zero]));
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(damage));
            }
        }

        StoreVerification verification = StoreVerification.Run(_directory.Path, Small.Options);
        verification.Findings.Where(finding => finding.IsDamage).ShouldContain(finding => finding.What.Contains(told), string.Join('\n', verification.Findings));
    }

    private void ShouldBeRefused(string file, string what)
    {
        StoreFinding finding = StoreVerification.Run(_directory.Path, Small.Options).Findings.ShouldHaveSingleItem(what);
        (finding.IsDamage, finding.Where).ShouldBe((true, file), what);
        Should.Throw<StoreFormatException>(() => Small.Open(_directory).Dispose(), what).File.ShouldBe(file);
    }

    private static void WriteChanged(string path, byte[] whole, int index)
    {
        byte[] changed = [.. whole];
        changed[index] ^= 0x10;
        File.WriteAllBytes(path, changed);
    }

    private static int OffsetOfLastRecord(byte[] journal)
    {
        int last = JournalFile.HeaderBytes, next = last;
        while (next < journal.Length)
        {
            last = next;
            JournalFile.TryReadRecord(journal, ref next, out _, out _, out _).ShouldBeTrue();
        }

        return last;
    }

    /// <summary>A disk with a point, and a disk made from it.</summary>
    /// <returns>The journal, with everything in it: the store was not closed.</returns>
    private string FillAndCrash()
    {
        using var origin = new TestDirectory();
        using SnapshotStore store = Small.Open(origin);
        Fill(store);
        foreach (string file in origin.Files("*").Where(file => Path.GetFileName(file) != "lock"))
            File.Copy(file, Path.Combine(_directory.Path, Path.GetFileName(file)));
        return _directory.Files("journal-*")[0];
    }

    private void Fill()
    {
        using SnapshotStore store = Small.Open(_directory);
        Fill(store);
    }

    private void Fill(SnapshotStore store)
    {
        store.CreateVolume(_disk, 20 * PageBytes);
        for (int page = 0; page < 8; page++) store.Write(_disk, page * PageBytes, Filled(1));
        store.CreatePoint(_point, [_disk]);
        for (int page = 2; page < 6; page++) store.Write(_disk, page * PageBytes, Filled(2));
        store.Clear(_disk, 6 * PageBytes, PageBytes);
        store.CreateVolumeFromPoint(_clone, _disk, _point, 20 * PageBytes);
        store.Write(_clone, 0, Filled(3));
        store.Write(_clone, 9 * PageBytes, Filled(3));
    }

    private string[] Contents() => [.. _directory.Files("*").Select(file => $"{Path.GetFileName(file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}")];

    private static byte[] Filled(byte value)
    {
        byte[] bytes = new byte[PageBytes];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}
