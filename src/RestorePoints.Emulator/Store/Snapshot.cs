using System.ComponentModel.DataAnnotations.Schema;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// A managed snapshot: one frozen instant. <see cref="TrackedResource.Id"/> is its uniqueId and the id of its point in the engine.
/// A snapshot of a disk is a point of the disk's own volume; one that was copied by CopyStart is a point of the volume that takes the copies of one disk to a region; any
/// other is the only point of a volume of its own.
/// </summary>
public sealed class Snapshot : TrackedResource
{
    public required string SkuName { get; set; }

    /// <summary>Empty, Copy, CopyStart or Import.</summary>
    public required DiskCreateOption CreateOption { get; init; }

    /// <summary>ARM id of the source (Copy, CopyStart), as sent.</summary>
    public string? SourceResourceId { get; init; }

    /// <summary>uniqueId of the source disk or snapshot (Copy, CopyStart).</summary>
    public Guid? SourceUniqueId { get; init; }

    /// <summary>Whether it is a blob snapshot in the family of its volume. A full one is a blob of its own that no difference reaches.</summary>
    public required bool Incremental { get; init; }

    /// <summary>The volume in the engine that has the point: the source disk's uniqueId, that of the copies of a disk, or <see cref="TrackedResource.Id"/>.</summary>
    public required Guid VolumeId { get; init; }

    /// <summary>
    /// Operations on a disk, on its snapshots and on copies of these run one after the other: the id of what they all come from.
    /// </summary>
    public required Guid SerialKey { get; init; }

    /// <summary>Bytes of the disk, without a VHD footer.</summary>
    public long SizeBytes { get; set; }

    /// <summary>What ARM shows.</summary>
    [NotMapped]
    public long SizeGB => DiskSize.WholeGB(SizeBytes);

    public string? OsType { get; set; }
    public string? HyperVGeneration { get; init; }
    public string? NetworkAccessPolicy { get; set; }
    public string? PublicNetworkAccess { get; set; }

    /// <summary>The properties without behaviour: JSON of the wire model, of which the columns win.</summary>
    public string? Settings { get; set; }

    /// <summary>Blob snapshot time, unique and ascending within the volume; null until the bytes are frozen.</summary>
    public DateTimeOffset? SnapshotTime { get; set; }

    /// <summary>How far the bytes of a copy by CopyStart are; null: it is none.</summary>
    public ReplicationState? ReplicationState { get; set; }

    /// <summary>Of such a copy: region, volume and time of the snapshot that it is a copy of, which may be gone.</summary>
    public string? SourceLocation { get; init; }
    public Guid? SourceVolumeId { get; init; }
    public DateTimeOffset? SourceSnapshotTime { get; init; }

    /// <summary>Of such a copy that failed: the published code of <c>copyCompletionError</c>; null: it has none.</summary>
    public string? CopyErrorCode { get; set; }

    /// <summary>Of an Ultra or Premium SSD v2 disk: when the copy to standard storage in the background is over, which begins with <see cref="SnapshotTime"/>; null: there is none.</summary>
    public DateTimeOffset? CopyEndTime { get; set; }

    /// <summary>Whether the copy in the background was ended by a change of the disk. The snapshot keeps its bytes until it is deleted.</summary>
    public bool CopyFailed { get; set; }

    /// <summary>When instant access ends; null: there is none.</summary>
    public DateTimeOffset? InstantAccessEndTime { get; set; }

    /// <summary>Whether its creation succeeded: the bytes are frozen, or their copy is on its way; and no copy of them has failed.</summary>
    [NotMapped]
    public bool IsCreated => !CopyFailed && (SnapshotTime is not null || ReplicationState == Store.ReplicationState.Replicating);

    internal sealed class Configuration : TrackedResourceConfiguration<Snapshot>
    {
        public override void Configure(EntityTypeBuilder<Snapshot> builder)
        {
            base.Configure(builder);
            builder.HasIndex(snapshot => new { snapshot.VolumeId, snapshot.SnapshotTime }).IsUnique();
            builder.HasIndex(snapshot => snapshot.SourceVolumeId);
        }
    }
}
