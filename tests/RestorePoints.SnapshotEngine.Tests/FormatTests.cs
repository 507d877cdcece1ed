using Shouldly;
using Xunit;

namespace RestorePoints.SnapshotEngine.Tests;

/// <summary>
/// Every later version opens what a format version wrote: <c>Formats/{version}</c> is a store with every kind of record and with all that a checkpoint can have.
/// <c>RESTOREPOINTS_REWRITE=1</c> makes the folder of the current version, which is done once for each.
/// </summary>
public sealed class FormatTests
{
    private const int PageBytes = Geometry.PageBytes;

    private static string Sources { get; } = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "Formats"));

    public static TheoryData<string> Versions() => [.. Directory.EnumerateDirectories(Path.Combine(AppContext.BaseDirectory, "Formats")).Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_store_of_any_format_version_is_opened_with_all_that_was_in_it(string version)
    {
        using var directory = new TestDirectory();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Formats", version)))
            File.Copy(file, Path.Combine(directory.Path, Path.GetFileName(file)));
        var written = new FormatHistory(null);
        written.Run();

        directory.ShouldVerify(Small.Options);
        for (int opening = 0; opening < 2; opening++)
        {
            using SnapshotStore store = Small.Open(directory);
            store.ShouldMatch(written.Model);
            store.ShouldAccountForEverySlot();
            Should.Throw<InvalidOperationException>(() => store.CreateVolume(FormatHistory.Ended, PageBytes)).Message.ShouldContain("has ended");
        }
    }

    [Fact]
    public void The_current_version_has_its_folder()
    {
        string folder = Path.Combine(Sources, FileHeader.FormatVersion.ToString());
        if (Environment.GetEnvironmentVariable("RESTOREPOINTS_REWRITE") == "1" && !Directory.Exists(folder))
        {
            using var directory = new TestDirectory();
            using SnapshotStore store = Small.Open(directory, Small.Options with { BootId = FormatHistory.Kernel });
            new FormatHistory(store).Run();
            using TestDirectory copy = directory.Copy();
            Directory.CreateDirectory(folder);
            foreach (string file in copy.Files("*")) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        Directory.Exists(folder).ShouldBeTrue();
    }

    /// <summary>What is in the folders, told to a store or only to the model. Never changed: a format version that has more gets a history of its own.</summary>
    private sealed class FormatHistory(SnapshotStore? store)
    {
        public static Guid Kernel { get; } = Id(99);

        /// <summary>A volume that has come and gone.</summary>
        public static Guid Ended { get; } = Id(4);

        public StoreModel Model { get; } = new();

        public void Run()
        {
            ModelVolume first = Create(1, 12), second = Create(2, 6);
            for (int page = 0; page < 9; page++) Write(first, page * PageBytes, 1, (byte)(page + 1));
            Write(second, 0, 6, 40);
            Write(first, 10 * PageBytes, 1, 0);
            Point(11, first, second);
            Write(first, 2 * PageBytes, 3, 50);
            Clear(first, 6 * PageBytes, 2);
            Model.Now++;
            store?.Write(first.Id, 8 * PageBytes + 512, new byte[1024]);
            first.Head.Write(8 * PageBytes + 512, new byte[1024], Model.Now);
            Resize(first, 14);
            Point(12, first);
            ModelVolume clone = Fork(3, first, 11, 16);
            Write(clone, 0, 2, 60);
            Write(clone, 14 * PageBytes, 1, 61);
            Point(13, clone);
            Create(4, 3);
            DeleteHead(Id(4));
            store?.WriteCheckpoint();

            Write(first, 13 * PageBytes, 1, 70);
            Write(second, 2 * PageBytes, 1, 71);
            Point(14, first, second);
            DeletePoint(first, 12);
            DeletePoint(first, 11);
            ResizePoint(second, 11, 8);
            Fork(5, second, 14, 6);
            Write(clone, 5 * PageBytes, 2, 80);
            Write(first, 0, 1, 81);
            DeleteHead(second.Id);
            store?.FlushInBackground();
        }

        private static Guid Id(int number) => new(number, 0, 0, new byte[8]);

        private ModelVolume Create(int id, int pages)
        {
            store?.CreateVolume(Id(id), (long)pages * PageBytes);
            var volume = new ModelVolume(Id(id), pages);
            Model.Volumes.Add(volume);
            return volume;
        }

        private void Write(ModelVolume volume, int offset, int pages, byte value)
        {
            Model.Now++;
            byte[] data = new byte[pages * PageBytes];
            for (int i = 0; i < data.Length && value != 0; i++) data[i] = (byte)(value + i / PageBytes + i % 7);
            store?.Write(volume.Id, offset, data);
            volume.Head.Write(offset, data, Model.Now);
        }

        private void Clear(ModelVolume volume, int offset, int pages)
        {
            Model.Now++;
            store?.Clear(volume.Id, offset, pages * PageBytes);
            volume.Head.Clear(offset, pages * PageBytes, Model.Now);
        }

        private void Point(int id, params ModelVolume[] volumes)
        {
            store?.CreatePoint(Id(id), [.. volumes.Select(volume => volume.Id)]);
            foreach (ModelVolume volume in volumes) volume.Points.Add(new ModelPoint(Id(id), volume.Head.Copy(volume.Head.Pages), Model.Now));
            Model.Now++;
        }

        private void DeletePoint(ModelVolume volume, int id)
        {
            store?.DeletePoint(volume.Id, Id(id));
            volume.Points.RemoveAll(point => point.Id == Id(id));
        }

        private void ResizePoint(ModelVolume volume, int id, int pages)
        {
            store?.ResizePoint(volume.Id, Id(id), (long)pages * PageBytes);
            int at = volume.Points.FindIndex(point => point.Id == Id(id));
            volume.Points[at] = volume.Points[at] with { Content = volume.Points[at].Content.Copy(pages) };
        }

        private void Resize(ModelVolume volume, int pages)
        {
            store?.Resize(volume.Id, (long)pages * PageBytes);
            volume.Head = volume.Head.Copy(pages);
        }

        private ModelVolume Fork(int id, ModelVolume parent, int point, int pages)
        {
            ModelContent content = parent.Points.Single(known => known.Id == Id(point)).Content;
            store?.CreateVolumeFromPoint(Id(id), parent.Id, Id(point), (long)pages * PageBytes);
            var child = new ModelVolume(Id(id), 1) { Head = content.Inherit(pages) };
            Model.Volumes.Add(child);
            return child;
        }

        private void DeleteHead(Guid id)
        {
            store?.DeleteHead(id);
            Model.Volumes.Single(volume => volume.Id == id).HasHead = false;
        }
    }
}
