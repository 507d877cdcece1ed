using System.ComponentModel.DataAnnotations.Schema;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace RestorePoints.Emulator.Store;

/// <summary>What a restore point froze of one disk.</summary>
public sealed class DiskRestorePoint
{
    public Guid Id { get; init; } = Guid.NewGuid();
    public required Guid RestorePointId { get; init; }
    public RestorePoint? RestorePoint { get; init; }

    /// <summary><c>{disk name}_{guid}</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Region whose store holds the bytes.</summary>
    public required string Location { get; init; }

    /// <summary>The volume in the engine: the source disk's, or that of the copies. The point in it is <see cref="RestorePointId"/>.</summary>
    public required Guid VolumeId { get; init; }

    /// <summary>uniqueId of the source disk.</summary>
    public required Guid SourceUniqueId { get; init; }
    public required string SourceResourceId { get; init; }

    /// <summary>Of a copy: ARM id of the disk restore point that it is a copy of.</summary>
    public string? SourceDiskRestorePointId { get; init; }

    /// <summary>Of a copy, and of a point that was created in another region than its machine's: the region that the bytes come from.</summary>
    public string? SourceLocation { get; init; }

    /// <summary>How far the bytes of such a one are; null: they were frozen where they are.</summary>
    public ReplicationState? ReplicationState { get; set; }

    /// <summary>Whether the point is in the engine.</summary>
    [NotMapped]
    public bool IsComplete => ReplicationState is null or Store.ReplicationState.Succeeded;

    /// <summary>Of an Ultra or Premium SSD v2 disk: when the copy to standard storage in the background is over, which begins with <see cref="TimeCreated"/>; null: there is none.</summary>
    public DateTimeOffset? CopyEndTime { get; init; }

    /// <summary>Whether the copy in the background was ended by a change of the disk.</summary>
    public bool CopyFailed { get; set; }

    /// <summary>When instant access ends; null: there is none.</summary>
    public DateTimeOffset? InstantAccessEndTime { get; init; }
    public required long SizeBytes { get; init; }

    /// <summary>LUN of the data disk, -1 for the OS disk.</summary>
    public required int Lun { get; init; }
    public string? OsType { get; init; }
    public string? HyperVGeneration { get; init; }
    public string? SkuName { get; init; }
    public string? NetworkAccessPolicy { get; init; }
    public string? PublicNetworkAccess { get; init; }

    /// <summary><see cref="Disk.Settings"/> of the source when the point was taken.</summary>
    public string? DiskSettings { get; init; }
    public required DateTimeOffset TimeCreated { get; init; }

    /// <summary>
    /// Blob snapshot time, unique and ascending within the disk's lineage; on the wire <c>yyyy-MM-ddTHH:mm:ss.fffffffZ</c>.
    /// </summary>
    public required DateTimeOffset SnapshotTime { get; init; }

    internal sealed class Configuration : IEntityTypeConfiguration<DiskRestorePoint>
    {
        public void Configure(EntityTypeBuilder<DiskRestorePoint> builder)
        {
            builder.Property(point => point.Name).UseCollation("NOCASE");
            builder.HasIndex(point => new { point.RestorePointId, point.Name }).IsUnique();
            builder.HasIndex(point => new { point.VolumeId, point.SnapshotTime }).IsUnique();
            builder.HasOne(point => point.RestorePoint).WithMany(restorePoint => restorePoint.DiskRestorePoints).HasForeignKey(point => point.RestorePointId);
        }
    }
}

/// <summary>How far the copy of a disk restore point to another region is.</summary>
public enum ReplicationState
{
    Replicating,
    Succeeded,
    Failed,
}
