using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using Shouldly;
using Xunit;

namespace RestorePoints.SnapshotEngine.Tests;

/// <summary>
/// A real process that is killed with SIGKILL at random instants. Parent and child derive the same step from its number;
/// the child counts acknowledged steps in shared memory, which survives it.
/// </summary>
public sealed class KillTests
{
    private const string ChildVariable = "RESTOREPOINTS_KILL_CHILD";
    private const string AnnouncedVariable = "RESTOREPOINTS_KILL_AFTER";
    private const string AcknowledgedName = "acknowledged";
    private const int Rounds = 30;
    private const int Disks = 2;
    private const int Pages = 32;
    private const int PageBytes = Geometry.PageBytes;

    [Fact]
    public async Task No_acknowledged_write_or_point_is_lost_by_kill_9()
    {
        using var directory = new TestDirectory();
        using var acknowledged = new Acknowledged(directory.Path);
        StoreModel model = NewModel();
        var random = new Random(2026);
        long applied = 0;
        for (int round = 0; round < Rounds; round++)
        {
            using Process child = StartChild(directory.Path, applied + random.Next(1, 700));
            await child.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
            child.Kill();
            await child.WaitForExitAsync(TestContext.Current.CancellationToken);
            child.ExitCode.ShouldBe(137, "the child was killed and did not fail");

            long steps = acknowledged.Steps;
            for (; applied < steps; applied++) Step.Of(applied).Apply(model);
            using TestDirectory copy = directory.Copy();
            copy.ShouldVerify(Small.Options);
            using SnapshotStore store = Small.Open(copy);
            ShouldHoldAllAcknowledged(store, model, Step.Of(applied));
            store.ShouldAccountForEverySlot();
        }
    }

#pragma warning disable CA2255 // The test program is its own child: this is the only place before its generated entry point.
    [ModuleInitializer]
    internal static void RunAsChild()
    {
        if (Environment.GetEnvironmentVariable(ChildVariable) is not { } path) return;
        using var acknowledged = new Acknowledged(path);
        using SnapshotStore store = SnapshotStore.Open(path, Small.Options with { TimeProvider = TimeProvider.System, JournalLimitBytes = 20_000 });
        for (int disk = 0; disk < Disks; disk++) store.CreateVolume(Step.Disk(disk), Pages * PageBytes);
        long announced = long.Parse(Environment.GetEnvironmentVariable(AnnouncedVariable)!);
        while (true)
        {
            if (acknowledged.Steps == announced) Console.WriteLine("Far enough; the kill comes a few steps from here.");
            Step.Of(acknowledged.Steps).Apply(store);
            acknowledged.Steps++;
            if (acknowledged.Steps % 100 == 0) store.FlushInBackground();
        }
    }
#pragma warning restore CA2255

    private static void ShouldHoldAllAcknowledged(SnapshotStore store, StoreModel model, Step next)
    {
        // The step that was running happened wholly, not at all or, for data, sector by sector.
        StoreModel after = model.Clone();
        next.Apply(after);
        for (int disk = 0; disk < Disks; disk++)
        {
            ModelVolume before = model.Volumes[disk], then = after.Volumes[disk];
            IReadOnlyList<Guid> points = store.ListVolumes().Single(volume => volume.VolumeId == before.Id).PointIds;
            bool isBefore = points.SequenceEqual(before.Points.Select(point => point.Id));
            bool isAfter = points.SequenceEqual(then.Points.Select(point => point.Id));
            (isBefore || isAfter).ShouldBeTrue();
            foreach (ModelPoint point in (isAfter ? then : before).Points)
            {
                using VolumeView view = store.OpenPoint(before.Id, point.Id);
                Read(view).AsSpan().SequenceEqual(point.Content.Bytes).ShouldBeTrue();
            }

            using VolumeView head = store.OpenHead(before.Id);
            byte[] bytes = Read(head);
            for (int sector = 0; sector < bytes.Length; sector += Geometry.SectorBytes)
            {
                ReadOnlySpan<byte> actual = bytes.AsSpan(sector, Geometry.SectorBytes);
                bool known = actual.SequenceEqual(before.Head.Bytes.AsSpan(sector, Geometry.SectorBytes)) || actual.SequenceEqual(then.Head.Bytes.AsSpan(sector, Geometry.SectorBytes));
                known.ShouldBeTrue($"sector {sector / Geometry.SectorBytes} of disk {disk} before step {next}");
            }
        }
    }

    private static byte[] Read(VolumeView view)
    {
        byte[] bytes = new byte[view.SizeBytes];
        view.Read(0, bytes);
        return bytes;
    }

    private static StoreModel NewModel()
    {
        var model = new StoreModel();
        for (int disk = 0; disk < Disks; disk++) model.Volumes.Add(new ModelVolume(Step.Disk(disk), Pages));
        return model;
    }

    private static Process StartChild(string path, long announced)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet") start.ArgumentList.Add(typeof(KillTests).Assembly.Location);
        start.Environment[ChildVariable] = path;
        start.Environment[AnnouncedVariable] = announced.ToString();
        return Process.Start(start)!;
    }

    /// <summary>What step number n does; repeating an interrupted one is harmless.</summary>
    private readonly record struct Step(long Number, int Kind, int DiskNumber, int Sector, int Sectors)
    {
        public static Step Of(long number)
        {
            var random = new Random((int)number);
            return new Step(number, random.Next(20), random.Next(Disks), random.Next(Pages * 8 - 64), random.Next(1, 64));
        }

        public static Guid Disk(int number) => new(number, 1, 0, new byte[8]);

        public void Apply(SnapshotStore store)
        {
            Guid disk = Disk(DiskNumber);
            switch (Kind)
            {
                case 0:
                    store.CreatePoint(PointId(), [disk]);
                    break;
                case 1:
                    store.CreatePoint(PointId(), [Disk(0), Disk(1)]);
                    break;
                case 2 or 3 or 5:
                    Step victim = EarlierPoint();
                    store.DeletePoint(Disk(victim.Kind == 0 ? victim.DiskNumber : DiskNumber), victim.PointId());
                    break;
                case 4:
                    store.Clear(disk, Sector * 512L, Sectors * 512);
                    break;
                default:
                    store.Write(disk, Sector * 512L, Content());
                    break;
            }
        }

        public void Apply(StoreModel model)
        {
            model.Now++;
            ModelVolume volume = model.Volumes[DiskNumber];
            switch (Kind)
            {
                case 0:
                    volume.Points.Add(new ModelPoint(PointId(), volume.Head.Copy(Pages), model.Now));
                    break;
                case 1:
                    foreach (ModelVolume each in model.Volumes) each.Points.Add(new ModelPoint(PointId(), each.Head.Copy(Pages), model.Now));
                    break;
                case 2 or 3 or 5:
                    Step victim = EarlierPoint();
                    model.Volumes[victim.Kind == 0 ? victim.DiskNumber : DiskNumber].Points.RemoveAll(point => point.Id == victim.PointId());
                    break;
                case 4:
                    volume.Head.Clear(Sector * 512, Sectors * 512, model.Now);
                    break;
                default:
                    volume.Head.Write(Sector * 512, Content(), model.Now);
                    break;
            }
        }

        /// <summary>One of the points taken some time ago: a function of the number alone, so that a repeat deletes nothing else.</summary>
        private Step EarlierPoint()
        {
            int skip = Sectors % 6;
            for (long number = Number - 40; ; number--)
            {
                Step earlier = Of(Math.Abs(number));
                if (earlier.Kind <= 1 && skip-- == 0) return earlier;
            }
        }

        private Guid PointId() => new((int)Number, 2, 0, new byte[8]);

        private byte[] Content()
        {
            byte[] data = new byte[Sectors * 512];
            for (int i = 0; i < data.Length; i += 8) BitConverter.TryWriteBytes(data.AsSpan(i), Number * 1000 + i / 512 + 1);
            return data;
        }
    }

    private sealed class Acknowledged : IDisposable
    {
        private readonly MemoryMappedFile _file;
        private readonly MemoryMappedViewAccessor _view;

        public Acknowledged(string directory)
        {
            _file = MemoryMappedFile.CreateFromFile(Path.Combine(directory, AcknowledgedName), FileMode.OpenOrCreate, null, 8);
            _view = _file.CreateViewAccessor();
        }

        public long Steps
        {
            get => _view.ReadInt64(0);
            set => _view.Write(0, value);
        }

        public void Dispose()
        {
            _view.Dispose();
            _file.Dispose();
        }
    }
}
