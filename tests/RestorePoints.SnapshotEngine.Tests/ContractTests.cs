using System.Buffers.Binary;
using Shouldly;
using Xunit;

namespace RestorePoints.SnapshotEngine.Tests;

public sealed class ContractTests : IDisposable
{
    private const int PageBytes = Geometry.PageBytes;

    private readonly TestDirectory _directory = new();
    private readonly Guid _disk = Guid.NewGuid();
    private SnapshotStore _store;

    public ContractTests()
    {
        _store = Small.Open(_directory);
        _store.CreateVolume(_disk, 8 * PageBytes);
    }

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(1, 512)]
    [InlineData(0, 100)]
    [InlineData(-512, 512)]
    [InlineData(8 * PageBytes, 512)]
    [InlineData(8 * PageBytes - 512, 1024)]
    [InlineData(long.MaxValue - 511, 512)]
    public void A_write_or_clear_outside_of_the_volume_or_of_sectors_changes_nothing(long offset, int length)
    {
        _store.Write(_disk, 0, Data(8 * PageBytes, 3));
        Should.Throw<ArgumentOutOfRangeException>(() => _store.Write(_disk, offset, new byte[length]));
        Should.Throw<ArgumentOutOfRangeException>(() => _store.Clear(_disk, offset, length));
        using VolumeView head = _store.OpenHead(_disk);
        byte[] bytes = new byte[8 * PageBytes];
        head.Read(0, bytes);
        bytes.ShouldAllBe(value => value == 3);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(8 * PageBytes, 1)]
    [InlineData(1, 8 * PageBytes)]
    public void A_read_outside_of_the_view_is_refused(long offset, int length)
    {
        using VolumeView head = _store.OpenHead(_disk);
        Should.Throw<ArgumentOutOfRangeException>(() => head.Read(offset, new byte[length]));
        Should.Throw<ArgumentOutOfRangeException>(() => head.GetPageRanges(offset, length));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-4096)]
    [InlineData(512)]
    [InlineData(long.MaxValue)]
    public void A_size_that_is_no_number_of_pages_is_refused(long sizeBytes)
    {
        Should.Throw<ArgumentOutOfRangeException>(() => _store.CreateVolume(Guid.NewGuid(), sizeBytes));
        Should.Throw<ArgumentOutOfRangeException>(() => _store.Resize(_disk, sizeBytes));
    }

    [Fact]
    public void A_point_grows_into_clear_space_and_never_shrinks()
    {
        Guid point = Guid.NewGuid(), later = Guid.NewGuid();
        _store.Write(_disk, 7 * PageBytes, Data(PageBytes, 1));
        _store.CreatePoint(point, [_disk]);
        _store.Resize(_disk, 16 * PageBytes);
        _store.Write(_disk, 8 * PageBytes, Data(PageBytes, 2));
        _store.CreatePoint(later, [_disk]);
        _store.ResizePoint(_disk, point, 8 * PageBytes);
        _store.WasPointResized(_disk, point).ShouldBeFalse("it has that size");
        _store.ResizePoint(_disk, point, 16 * PageBytes);
        Should.Throw<ArgumentOutOfRangeException>(() => _store.ResizePoint(_disk, point, 8 * PageBytes));
        Should.Throw<PointNotFoundException>(() => _store.ResizePoint(_disk, Guid.NewGuid(), 16 * PageBytes));
        Should.Throw<PointNotFoundException>(() => _store.ResizePoint(Guid.NewGuid(), point, 16 * PageBytes));
        for (int pass = 0; pass < 3; pass++, Reopen())
        {
            if (pass == 1) _store.WriteCheckpoint();
            _store.WasPointResized(_disk, point).ShouldBeTrue();
            _store.WasPointResized(_disk, later).ShouldBeFalse();
            _store.WasPointResized(_disk, Guid.NewGuid()).ShouldBeFalse();
            _store.FindPointSize(_disk, point).ShouldBe(16 * PageBytes);
            _store.FindPointSize(_disk, Guid.NewGuid()).ShouldBeNull();
            using VolumeView view = _store.OpenPoint(_disk, point);
            byte[] bytes = new byte[16 * PageBytes];
            view.Read(0, bytes);
            bytes.AsSpan(8 * PageBytes).ContainsAnyExcept((byte)0).ShouldBeFalse("the space behind the old end is clear, whatever the disk has there now");
            view.GetPageRanges(0, 16 * PageBytes).ShouldBe([new(7 * PageBytes, PageBytes, PageRangeKind.Allocated)]);
            using VolumeView newer = _store.OpenPoint(_disk, later);
            newer.GetChangesSince(point, 0, 16 * PageBytes).ShouldBe([new(8 * PageBytes, PageBytes, PageRangeKind.Allocated)]);
        }
    }

    [Fact]
    public void A_volume_never_shrinks() => Should.Throw<ArgumentOutOfRangeException>(() => _store.Resize(_disk, 4 * PageBytes));

    [Fact]
    public void An_absent_volume_is_refused_by_name_and_ignored_by_deletions()
    {
        Guid absent = Guid.NewGuid();
        Should.Throw<VolumeNotFoundException>(() => _store.Write(absent, 0, new byte[512])).VolumeId.ShouldBe(absent);
        Should.Throw<VolumeNotFoundException>(() => _store.Clear(absent, 0, 512));
        Should.Throw<VolumeNotFoundException>(() => _store.Resize(absent, PageBytes));
        Should.Throw<VolumeNotFoundException>(() => _store.OpenHead(absent));
        Should.Throw<VolumeNotFoundException>(() => _store.CreatePoint(Guid.NewGuid(), [_disk, absent]));
        Should.Throw<PointNotFoundException>(() => _store.OpenPoint(absent, Guid.NewGuid()));
        Should.Throw<PointNotFoundException>(() => _store.OpenPoint(_disk, Guid.NewGuid()));
        _store.DeleteHead(absent);
        _store.DeletePoint(absent, Guid.NewGuid());
        _store.DeletePoint(_disk, Guid.NewGuid());
        _store.ListVolumes().ShouldHaveSingleItem().PointIds.ShouldBeEmpty();
    }

    [Fact]
    public void Ids_are_idempotent_and_never_reused()
    {
        _store.CreateVolume(_disk, 8 * PageBytes);
        Should.Throw<InvalidOperationException>(() => _store.CreateVolume(_disk, 4 * PageBytes));
        _store.DeleteHead(_disk);
        _store.DeleteHead(_disk);
        Should.Throw<InvalidOperationException>(() => _store.CreateVolume(_disk, 8 * PageBytes));
        Reopen();
        Should.Throw<InvalidOperationException>(() => _store.CreateVolume(_disk, 8 * PageBytes));
        _store.ListVolumes().ShouldBeEmpty();
    }

    [Fact]
    public void A_repeated_point_freezes_nothing_anew_even_after_a_crash()
    {
        Guid point = Guid.NewGuid();
        _store.Write(_disk, 0, Data(PageBytes, 1));
        _store.CreatePoint(point, [_disk]);
        _store.Write(_disk, 0, Data(PageBytes, 2));
        using TestDirectory crashed = _directory.Copy();
        using SnapshotStore recovered = Small.Open(crashed);
        recovered.CreatePoint(point, [_disk, _disk]);
        using VolumeView view = recovered.OpenPoint(_disk, point);
        byte[] bytes = new byte[PageBytes];
        view.Read(0, bytes);
        bytes.ShouldBe(Data(PageBytes, 1));
    }

    [Fact]
    public void A_difference_against_a_newer_or_absent_point_is_refused()
    {
        Guid first = Guid.NewGuid(), second = Guid.NewGuid();
        _store.CreatePoint(first, [_disk]);
        _store.CreatePoint(second, [_disk]);
        using VolumeView view = _store.OpenPoint(_disk, first);
        Should.Throw<PointNotFoundException>(() => view.GetChangesSince(second, 0, PageBytes));
        Should.Throw<PointNotFoundException>(() => view.GetChangesSince(Guid.NewGuid(), 0, PageBytes));
        view.GetChangesSince(first, 0, 8 * PageBytes).ShouldBeEmpty();
    }

    [Fact]
    public void Ranges_are_cut_to_what_was_asked_for()
    {
        Guid point = Guid.NewGuid();
        _store.CreatePoint(point, [_disk]);
        _store.Write(_disk, 0, Data(6 * PageBytes, 1));
        _store.Clear(_disk, 2 * PageBytes, 2 * PageBytes);
        using VolumeView head = _store.OpenHead(_disk);
        head.GetPageRanges(512, 5 * PageBytes).ShouldBe([new(512, 2 * PageBytes - 512, PageRangeKind.Allocated), new(4 * PageBytes, PageBytes + 512, PageRangeKind.Allocated)]);
        head.GetChangesSince(point, PageBytes, 2 * PageBytes).ShouldBe([new(PageBytes, PageBytes, PageRangeKind.Allocated), new(2 * PageBytes, PageBytes, PageRangeKind.Cleared)]);
        head.GetPageRanges(0, 0).ShouldBeEmpty();
    }

    [Fact]
    public void A_fork_smaller_than_its_point_or_of_an_absent_point_is_refused()
    {
        Guid point = Guid.NewGuid(), fork = Guid.NewGuid();
        _store.CreatePoint(point, [_disk]);
        Should.Throw<ArgumentOutOfRangeException>(() => _store.CreateVolumeFromPoint(fork, _disk, point, 4 * PageBytes));
        Should.Throw<PointNotFoundException>(() => _store.CreateVolumeFromPoint(fork, _disk, Guid.NewGuid(), 8 * PageBytes));
        _store.CreateVolumeFromPoint(fork, _disk, point, 8 * PageBytes);
        _store.CreateVolumeFromPoint(fork, _disk, point, 8 * PageBytes);
        _store.ListVolumes().Count.ShouldBe(2);
    }

    [Fact]
    public void An_empty_volume_of_32_TiB_costs_next_to_nothing()
    {
        using var directory = new TestDirectory();
        using SnapshotStore store = SnapshotStore.Open(directory.Path);
        Guid disk = Guid.NewGuid(), point = Guid.NewGuid();
        long size = 32L << 40;
        store.CreateVolume(disk, size);
        store.Write(disk, size - 512, Data(512, 1));
        store.CreatePoint(point, [disk]);
        store.Clear(disk, 0, size);
        using VolumeView head = store.OpenHead(disk);
        head.GetChangesSince(point, 0, size).ShouldBe([new PageRange(size - PageBytes, PageBytes, PageRangeKind.Cleared)]);
        using VolumeView view = store.OpenPoint(disk, point);
        view.GetPageRanges(0, size).ShouldBe([new PageRange(size - PageBytes, PageBytes, PageRangeKind.Allocated)]);
        store.GetUsage().MetadataBytes.ShouldBeLessThan(4096);
        store.GetUsage().SegmentBytes.ShouldBeLessThan(64 * 1024);
    }

    [Fact]
    public void A_directory_is_open_once_only() => Should.Throw<IOException>(() => Small.Open(_directory));

    [Theory]
    [InlineData("segment-*")]
    [InlineData("journal-*")]
    [InlineData("checkpoint")]
    public void An_unknown_format_version_is_refused_by_number(string pattern)
    {
        _store.Write(_disk, 0, Data(PageBytes, 1));
        _store.WriteCheckpoint();
        _store.Write(_disk, 0, Data(PageBytes, 2));
        using TestDirectory copy = _directory.Copy();
        string file = copy.Files(pattern)[^1];
        byte[] bytes = File.ReadAllBytes(file);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 2);
        File.WriteAllBytes(file, bytes);
        StoreFormatException refusal = Should.Throw<StoreFormatException>(() => Small.Open(copy));
        refusal.Message.ShouldContain("version 2");
        refusal.File.ShouldBe(Path.GetFileName(file));
    }

    [Fact]
    public void Another_geometry_is_refused()
    {
        _store.Dispose();
        Should.Throw<StoreFormatException>(() => SnapshotStore.Open(_directory.Path)).Message.ShouldContain("pages per region");
    }

    [Fact]
    public void A_damaged_checkpoint_is_refused()
    {
        _store.Dispose();
        string file = _directory.Files("checkpoint")[0];
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^20] ^= 1;
        File.WriteAllBytes(file, bytes);
        Should.Throw<StoreFormatException>(() => Small.Open(_directory)).Message.ShouldContain("damaged");
    }

    private static byte[] Data(int length, byte value)
    {
        byte[] data = new byte[length];
        data.AsSpan().Fill(value);
        return data;
    }

    private void Reopen()
    {
        _store.Dispose();
        _store = Small.Open(_directory);
    }
}
