using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;
using RestorePoints.Emulator.Tests.PageBlobs;
using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Crash;

/// <summary>The creation of a snapshot or restore point, ended at each step between its first byte and its row, and what the next start makes of it.</summary>
public sealed class InterruptedSnapshotTests : IAsyncLifetime
{
    private const string Location = "westeurope";
    private const int Size = 1 << 20;

    private readonly TemporaryDirectory _directory = new();
    private readonly ManualClock _clock = new();
    private ServiceProvider _services = null!;
    private Disk _disk = null!;

    private SnapshotStore Engine => _services.GetRequiredService<RegionStores>().Get(Location);

    public async ValueTask InitializeAsync()
    {
        await StartAsync();
        _disk = new Disk
        {
            SubscriptionId = Guid.NewGuid(),
            ResourceGroupName = "rg",
            Name = "disk",
            Location = Location,
            TimeCreated = _clock.GetUtcNow(),
            ProvisioningState = ProvisioningState.Succeeded,
            SkuName = "Standard_LRS",
            CreateOption = DiskCreateOption.Empty,
            SizeBytes = Size,
        };
        Engine.CreateVolume(_disk.Id, Size);
        await ChangeAsync(db => db.Disks.Add(_disk));
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Bytes_without_a_row_leave_nothing()
    {
        Guid copy = Guid.NewGuid(), empty = Guid.NewGuid(), point = Guid.NewGuid();
        Engine.CreatePoint(point, [_disk.Id]);
        Engine.CreateVolumeFromPoint(copy, _disk.Id, point, Size);
        Engine.CreatePoint(copy, [copy]);
        Engine.CreateVolume(empty, Size);
        Engine.CreatePoint(empty, [empty]);
        Engine.DeleteHead(empty);
        await RestartAsync();
        VolumeDescription left = Engine.ListVolumes().ShouldHaveSingleItem();
        (left.VolumeId, left.HasHead, left.PointIds.Count).ShouldBe((_disk.Id, true, 0));
    }

    [Fact]
    public async Task A_snapshot_of_a_disk_that_was_interrupted_leaves_no_point_and_is_taken_anew_after_those_taken_since()
    {
        Engine.Write(_disk.Id, 0, Page(1));
        Snapshot interrupted = await AddAsync("interrupted", _disk.Id, _disk.Id, DiskCreateOption.Copy), later = await AddAsync("later", _disk.Id, _disk.Id, DiskCreateOption.Copy);
        await RunAsync(interrupted, commits: false);
        Engine.ListVolumes().ShouldHaveSingleItem().PointIds.ShouldBe([interrupted.Id]);
        await RestartAsync();
        Engine.ListVolumes().ShouldHaveSingleItem().PointIds.ShouldBeEmpty();

        Engine.Write(_disk.Id, 0, Page(2));
        await RunAsync(later);
        Engine.Write(_disk.Id, 4096, Page(3));
        await RunAsync(interrupted);
        (await ReadAsync(interrupted)).AsSpan(0, 8192).ToArray().ShouldBe([.. Page(2), .. Page(3)]);
        await RestartAsync();
        await ShouldBeNewerAsync(interrupted, later);
        using VolumeView view = Engine.OpenPoint(_disk.Id, interrupted.Id);
        view.GetChangesSince(later.Id, 0, Size).ShouldBe([new PageRange(4096, 4096, PageRangeKind.Allocated)], "the order in the engine is that of the times");
    }

    [Fact]
    public async Task A_restore_point_that_was_interrupted_leaves_no_point_and_is_taken_anew_after_a_snapshot_taken_since()
    {
        Engine.Write(_disk.Id, 0, Page(1));
        RestorePoint interrupted = await AddPointAsync();
        Snapshot later = await AddAsync("later", _disk.Id, _disk.Id, DiskCreateOption.Copy);
        await RunAsync(interrupted, commits: false);
        Engine.ListVolumes().ShouldHaveSingleItem().PointIds.ShouldBe([interrupted.Id]);
        await RestartAsync();
        Engine.ListVolumes().ShouldHaveSingleItem().PointIds.ShouldBeEmpty();

        Engine.Write(_disk.Id, 0, Page(2));
        await RunAsync(later);
        Engine.Write(_disk.Id, 4096, Page(3));
        await RunAsync(interrupted);
        await RestartAsync();
        await ShouldFollowAsync(interrupted, later, [.. Page(2), .. Page(3)], new PageRange(4096, 4096, PageRangeKind.Allocated));
    }

    [Fact]
    public async Task A_restore_point_whose_run_failed_after_it_froze_the_disk_is_taken_anew_after_a_snapshot_taken_since()
    {
        Engine.Write(_disk.Id, 0, Page(1));
        RestorePoint point = await AddPointAsync();
        Snapshot later = await AddAsync("later", _disk.Id, _disk.Id, DiskCreateOption.Copy);
        await RunAsync(point, commits: false);
        Engine.Write(_disk.Id, 0, Page(2));
        await RunAsync(later);
        Engine.Write(_disk.Id, 4096, Page(3));
        await RunAsync(point);
        await ShouldFollowAsync(point, later, [.. Page(2), .. Page(3)], new PageRange(4096, 4096, PageRangeKind.Allocated));
    }

    [Fact]
    public async Task A_run_that_failed_after_it_froze_the_disk_does_not_decide_what_the_next_one_freezes()
    {
        Engine.Write(_disk.Id, 0, Page(1));
        Snapshot snapshot = await AddAsync("s", _disk.Id, _disk.Id, DiskCreateOption.Copy);
        await RunAsync(snapshot, commits: false);
        Engine.Write(_disk.Id, 0, Page(2));
        await RunAsync(snapshot);
        (await ReadAsync(snapshot)).AsSpan(0, 4096).ToArray().ShouldBe(Page(2));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_copy_or_empty_snapshot_goes_on_from_any_step_and_leaves_no_disk_behind(int stepsDone)
    {
        Engine.Write(_disk.Id, 0, Page(1));
        Snapshot source = await AddAsync("source", _disk.Id, _disk.Id, DiskCreateOption.Copy);
        await RunAsync(source);
        Guid copyId = Guid.NewGuid(), emptyId = Guid.NewGuid();
        Snapshot copy = await AddAsync("copy", copyId, source.Id, DiskCreateOption.Copy, copyId), empty = await AddAsync("empty", emptyId, null, DiskCreateOption.Empty, emptyId);
        if (stepsDone > 0)
        {
            Engine.CreateVolumeFromPoint(copy.Id, _disk.Id, source.Id, Size);
            Engine.CreateVolume(empty.Id, Size);
        }
        foreach (Snapshot snapshot in new[] { copy, empty })
        {
            if (stepsDone > 1)
                Engine.CreatePoint(snapshot.Id, [snapshot.Id]);
            if (stepsDone > 2)
                Engine.DeleteHead(snapshot.Id);
        }
        await RestartAsync();
        await RunAsync(copy);
        await RunAsync(empty);
        await RestartAsync();
        (await ReadAsync(copy)).ShouldBe([.. Page(1), .. new byte[Size - 4096]]);
        (await ReadAsync(empty)).ShouldBe(new byte[Size]);
        foreach (VolumeDescription volume in Engine.ListVolumes())
            volume.HasHead.ShouldBe(volume.VolumeId == _disk.Id);

        await ChangeAsync(db => db.Snapshots.RemoveRange(db.Snapshots));
        await RestartAsync();
        VolumeDescription left = Engine.ListVolumes().ShouldHaveSingleItem();
        (left.VolumeId, left.PointIds.Count).ShouldBe((_disk.Id, 0), "deleted rows whose bytes a crash left");
    }

    private async Task<Snapshot> AddAsync(string name, Guid volumeId, Guid? sourceUniqueId, DiskCreateOption option, Guid? id = null)
    {
        Snapshot snapshot = new()
        {
            Id = id ?? Guid.NewGuid(),
            SubscriptionId = _disk.SubscriptionId,
            ResourceGroupName = "rg",
            Name = name,
            Location = Location,
            TimeCreated = _clock.GetUtcNow(),
            ProvisioningState = ProvisioningState.Updating,
            SkuName = "Standard_LRS",
            CreateOption = option,
            SourceResourceId = sourceUniqueId is null ? null : $"/subscriptions/{_disk.SubscriptionId}/resourceGroups/rg/providers/Microsoft.Compute/disks/disk",
            SourceUniqueId = sourceUniqueId,
            Incremental = true,
            VolumeId = volumeId,
            SerialKey = _disk.Id,
            SizeBytes = Size,
        };
        await ChangeAsync(db => db.Snapshots.Add(snapshot));
        return snapshot;
    }

    /// <summary>A restore point, accepted and not yet taken, of a machine that has the disk.</summary>
    private async Task<RestorePoint> AddPointAsync()
    {
        VirtualMachine vm = new()
        {
            SubscriptionId = _disk.SubscriptionId,
            ResourceGroupName = "rg",
            Name = "vm",
            Location = Location,
            TimeCreated = _clock.GetUtcNow(),
            ProvisioningState = ProvisioningState.Succeeded,
            Body = "{}",
        };
        RestorePointCollection collection = new()
        {
            SubscriptionId = _disk.SubscriptionId,
            ResourceGroupName = "rg",
            Name = "collection",
            Location = Location,
            TimeCreated = _clock.GetUtcNow(),
            ProvisioningState = ProvisioningState.Succeeded,
            SourceId = $"/subscriptions/{_disk.SubscriptionId}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm",
            SourceLocation = Location,
        };
        RestorePoint point = new()
        {
            CollectionId = collection.Id,
            Name = "point",
            TimeCreated = _clock.GetUtcNow(),
            ProvisioningState = ProvisioningState.Creating,
            VirtualMachineId = vm.Id,
            Model = "{}",
            SourceMetadata = "{}",
        };
        await ChangeAsync(db =>
        {
            db.AddRange(vm, collection, point);
            Disk disk = db.Disks.Single();
            (disk.VirtualMachineId, disk.Lun, disk.DiskState) = (vm.Id, -1, DiskState.Attached);
        });
        return point;
    }

    /// <summary>In the machine's own region: nothing is copied.</summary>
    private Task RunAsync(RestorePoint point, bool commits = true) => RunAsync(
        new CreateRestorePoint(_services.GetRequiredService<RegionStores>(), new RegionStates(), starts: null!, _services.GetRequiredService<SnapshotAccess>()), point.Id, point.VirtualMachineId,
        JsonSerializer.Serialize(new CreateRestorePoint.Arguments([_disk.Id], Concurrent: false, CrashConsistent: false)), commits);

    private Task RunAsync(Snapshot snapshot, bool commits = true) =>
        RunAsync(new CreateSnapshot(_services.GetRequiredService<RegionStores>(), _services.GetRequiredService<SnapshotAccess>()), snapshot.Id, snapshot.SerialKey, arguments: null, commits);

    /// <summary>Runs the operation as the runner does.</summary>
    /// <param name="commits">False: the process ends before the rows are durable.</param>
    private async Task RunAsync(ArmOperation work, Guid resourceRowId, Guid serialKey, string? arguments, bool commits)
    {
        await using AsyncServiceScope scope = _services.CreateAsyncScope();
        EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
        await using CatalogWrite write = await _services.GetRequiredService<CatalogWriter>().BeginAsync(db, default);
        var operation = new Operation
        {
            Kind = work.GetType().Name,
            SerialKey = serialKey,
            ResourceRowId = resourceRowId,
            Arguments = arguments,
            SubscriptionId = _disk.SubscriptionId,
            Location = Location,
            ApiVersion = work is CreateSnapshot ? RawArm.DiskVersion : RawArm.ComputeVersion,
            StartTime = _clock.GetUtcNow(),
        };
        await work.RunAsync(new OperationContext(operation, db, _clock.GetUtcNow()), TestContext.Current.CancellationToken);
        if (commits)
            await write.CommitAsync();
    }

    private async Task<byte[]> ReadAsync(Snapshot snapshot)
    {
        await using AsyncServiceScope scope = _services.CreateAsyncScope();
        Snapshot row = await scope.ServiceProvider.GetRequiredService<EmulatorDbContext>().Snapshots.SingleAsync(row => row.Id == snapshot.Id, TestContext.Current.CancellationToken);
        row.ProvisioningState.ShouldBe(ProvisioningState.Succeeded);
        using VolumeView view = Engine.OpenPoint(row.VolumeId, row.Id);
        byte[] bytes = new byte[view.SizeBytes];
        view.Read(0, bytes);
        return bytes;
    }

    private async Task ShouldBeNewerAsync(Snapshot newer, Snapshot older)
    {
        await using AsyncServiceScope scope = _services.CreateAsyncScope();
        Dictionary<Guid, DateTimeOffset?> times = await scope.ServiceProvider.GetRequiredService<EmulatorDbContext>().Snapshots
            .ToDictionaryAsync(row => row.Id, row => row.SnapshotTime, TestContext.Current.CancellationToken);
        times[newer.Id]!.Value.ShouldBeGreaterThan(times[older.Id]!.Value);
    }

    /// <summary>The restore point is the newer one in the rows and in the engine.</summary>
    private async Task ShouldFollowAsync(RestorePoint point, Snapshot older, byte[] start, PageRange changed)
    {
        await using AsyncServiceScope scope = _services.CreateAsyncScope();
        EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
        (await db.RestorePoints.SingleAsync(TestContext.Current.CancellationToken)).ProvisioningState.ShouldBe(ProvisioningState.Succeeded);
        DateTimeOffset pointTime = (await db.DiskRestorePoints.SingleAsync(TestContext.Current.CancellationToken)).SnapshotTime;
        DateTimeOffset olderTime = (await db.Snapshots.SingleAsync(row => row.Id == older.Id, TestContext.Current.CancellationToken)).SnapshotTime!.Value;
        pointTime.ShouldBeGreaterThan(olderTime);
        using VolumeView view = Engine.OpenPoint(_disk.Id, point.Id);
        byte[] bytes = new byte[start.Length];
        view.Read(0, bytes);
        bytes.ShouldBe(start);
        view.GetChangesSince(older.Id, 0, Size).ShouldBe([changed], "the order in the engine is that of the times");
    }

    private async Task ChangeAsync(Action<EmulatorDbContext> change)
    {
        await using AsyncServiceScope scope = _services.CreateAsyncScope();
        EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
        change(db);
        await db.SaveChangesAsync();
    }

    /// <summary>The engine replays its journal, and what no row knows is removed, as at every start.</summary>
    private async Task RestartAsync()
    {
        await _services.DisposeAsync();
        await StartAsync();
    }

    private async Task StartAsync()
    {
        _services = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(_clock).AddSingleton(Options.Create(new EmulatorOptions { DataDirectory = _directory.Path }))
            .AddSingleton(_ => new EmulatorClock(TimeProvider.System)).AddSingleton<IHostApplicationLifetime, ApplicationLifetime>()
            .AddStore().AddPageBlobs().AddTestControl().AddArmOperations().BuildServiceProvider();
        await using AsyncServiceScope scope = _services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<EmulatorDbContext>().Database.MigrateAsync();
        await scope.ServiceProvider.GetRequiredService<Reconciliation>().RunAsync();
    }

    private static byte[] Page(byte value)
    {
        byte[] page = new byte[4096];
        page.AsSpan().Fill(value);
        return page;
    }
}
