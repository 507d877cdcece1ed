using System.Diagnostics;
using RestorePoints.SnapshotEngine;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>What the process holds: descriptors, managed memory, bytes of the engine that some reader still needs.</summary>
internal readonly record struct HeldResources(int Descriptors, long ManagedBytes, long UsedBytes)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Connections that clients pool, and the like.</summary>
    private const int DescriptorSlack = 40;

    /// <summary>Buffers that pools keep.</summary>
    private const long ManagedSlack = 80L << 20;

    public static HeldResources Of(SnapshotStore engine)
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return new(CountDescriptors(), GC.GetTotalMemory(forceFullCollection: true), engine.GetUsage().UsedBytes);
    }

    /// <summary>Waits until everything that clients held is given back.</summary>
    public async Task ShouldReturnAsync(SnapshotStore engine)
    {
        var watch = Stopwatch.StartNew();
        while (!HasReturned(engine))
        {
            if (watch.Elapsed > Patience)
                throw new ShouldAssertException($"held before: {this}; still held: {Of(engine)}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    // The collection of garbage comes last: it takes longest.
    private bool HasReturned(SnapshotStore engine) =>
        CountDescriptors() <= Descriptors + DescriptorSlack && engine.GetUsage().UsedBytes <= UsedBytes && Of(engine).ManagedBytes <= ManagedBytes + ManagedSlack;

    private static int CountDescriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    public override string ToString() => $"{Descriptors} descriptors, {ManagedBytes >> 20} MiB managed, {UsedBytes >> 10} KiB used";
}
