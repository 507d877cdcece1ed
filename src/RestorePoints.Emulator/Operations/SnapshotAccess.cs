using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// How far the bytes of snapshots and disk restore points are, and what can be done with them. The bytes of an Ultra or Premium SSD v2 disk are copied to standard storage in the
/// background; before that has ended a disk can be restored from them while instant access lasts, and nothing else. It all follows from the times in the row and
/// the fault rules: nothing has to run for it.
/// </summary>
public sealed class SnapshotAccess(Replications replications, Faults faults, TimeProvider time, IOptions<EmulatorOptions> options)
{
    /// <summary>Of <c>instantAccessDurationMinutes</c>.</summary>
    public const int DefaultMinutes = 300;

    /// <summary>Least value of <c>instantAccessDurationMinutes</c>: what PowerShell sends. The documentation says 60.</summary>
    public const int LeastMinutes = 1;

    /// <summary>Largest value of <c>instantAccessDurationMinutes</c>.</summary>
    public const int MostMinutes = 300;

    /// <summary>How long the background copy takes with <c>OperationTime=Recorded</c>. Ours: Azure's depends on what has changed, and none was recorded.</summary>
    private static readonly TimeSpan RecordedCopyTime = TimeSpan.FromMinutes(30);

    /// <summary>The SKUs of the disks whose points are copied in the background.</summary>
    public static readonly string[] CopiedSkus = ["UltraSSD_LRS", "PremiumV2_LRS"];

    private static readonly SnapshotStatus s_failed = new(SnapshotAccessState.Unknown, ReplicationState.Failed, 0);

    private static readonly SnapshotStatus s_notFrozen = new(SnapshotAccessState.Pending, ReplicationState.Replicating, 0);

    /// <summary>The restore points and snapshots whose background copy a fault rule holds.</summary>
    public Guid[] Held => faults.StalledReplications();

    /// <summary>Whether points of a disk are copied in the background.</summary>
    public static bool IsCopied(Disk disk) => CopiedSkus.Contains(disk.SkuName);

    /// <summary>The background copy of a restore point or snapshot begins. The fault rules that are there now can hold it.</summary>
    /// <param name="id">Its row.</param>
    /// <param name="operation">That makes it: <c>RestorePoints_Create</c>, <c>Snapshots_CreateOrUpdate</c>.</param>
    /// <param name="resourceId">Its ARM id.</param>
    /// <returns>When it ends, unless it is held.</returns>
    public DateTimeOffset Begin(Guid id, string operation, string resourceId, DateTimeOffset now)
    {
        faults.StallPercent(id, operation, resourceId);
        return options.Value.OperationTime == OperationTimeMode.Recorded ? now + RecordedCopyTime : now;
    }

    /// <summary>The state at this moment.</summary>
    public SnapshotStatus Of(DiskRestorePoint disk)
    {
        if (disk.CopyEndTime is not { } end)
            return disk.ReplicationState switch
            {
                null or ReplicationState.Succeeded => SnapshotStatus.Complete,
                ReplicationState.Replicating => new SnapshotStatus(SnapshotAccessState.Pending, ReplicationState.Replicating, replications.PercentOf(disk)),
                _ => s_failed,
            };
        return disk.CopyFailed ? s_failed : Of(disk.RestorePointId, disk.TimeCreated, end, disk.InstantAccessEndTime);
    }

    /// <summary>The state at this moment.</summary>
    public SnapshotStatus Of(Snapshot snapshot) => snapshot switch
    {
        { ProvisioningState: ProvisioningState.Failed } or { ReplicationState: ReplicationState.Failed } or { CopyFailed: true } => s_failed,
        { ReplicationState: ReplicationState.Replicating } => new SnapshotStatus(SnapshotAccessState.Pending, ReplicationState.Replicating, replications.PercentOf(snapshot)),
        { SnapshotTime: null } => s_notFrozen,
        { CopyEndTime: null } => SnapshotStatus.Complete,
        { SnapshotTime: { } start, CopyEndTime: { } end } => Of(snapshot.Id, start, end, snapshot.InstantAccessEndTime),
    };

    private SnapshotStatus Of(Guid id, DateTimeOffset start, DateTimeOffset end, DateTimeOffset? instantAccessEnd)
    {
        DateTimeOffset now = time.GetUtcNow();
        int percent = now >= end ? 100 : (int)Math.Clamp((now - start) / (end - start) * 100, 0, 99);
        if (faults.StallPercent(id) is { } held)
            percent = Math.Min(percent, Math.Min(held, 99));
        bool isInstant = instantAccessEnd > now;
        SnapshotAccessState access = percent == 100
            ? isInstant ? SnapshotAccessState.AvailableWithInstantAccess : SnapshotAccessState.Available
            : isInstant ? SnapshotAccessState.InstantAccess : SnapshotAccessState.Pending;
        return new SnapshotStatus(access, percent == 100 ? ReplicationState.Succeeded : ReplicationState.Replicating, percent);
    }
}

/// <param name="CompletionPercent">100 only when all bytes are there.</param>
public sealed record SnapshotStatus(SnapshotAccessState Access, ReplicationState Replication, int CompletionPercent)
{
    /// <summary>All bytes are there, and nothing is copied any more.</summary>
    public static SnapshotStatus Complete { get; } = new(SnapshotAccessState.Available, ReplicationState.Succeeded, 100);

    /// <summary>Whether it can be read through a SAS and copied to another region.</summary>
    public bool IsComplete => Access is SnapshotAccessState.Available or SnapshotAccessState.AvailableWithInstantAccess;
}

/// <summary>The published states of a snapshot, the weakest first.</summary>
public enum SnapshotAccessState
{
    /// <summary>The copy failed.</summary>
    Unknown,

    /// <summary>Nothing can be done with it yet.</summary>
    Pending,

    /// <summary>A disk can be restored from it; no SAS and no copy to another region.</summary>
    InstantAccess,

    /// <summary>Everything can be done with it.</summary>
    Available,

    /// <summary>Everything, and disks are restored from it with full performance.</summary>
    AvailableWithInstantAccess,
}
