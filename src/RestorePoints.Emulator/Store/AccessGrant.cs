using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// The stored access policy behind a SAS: the URL names it by <c>si</c>, so expiry, extension and revocation live here.
/// Deleted when the access ends; the next request with its URL fails.
/// </summary>
public sealed class AccessGrant
{
    /// <summary>Value of <c>si</c>: a GUID for disks and full snapshots, 64 hex digits for disk restore points and incremental snapshots.</summary>
    public required string SignedIdentifier { get; init; }

    /// <summary>Scheme and authority of the request that created the grant (<c>http://127.0.0.1:11000</c>): an extension returns the identical URL. Empty in an imported world.</summary>
    public required string BaseUrl { get; init; }

    /// <summary>Storage account of the URL: <c>md-</c> and 12 characters of base 36.</summary>
    public required string Account { get; init; }

    /// <summary>12 characters of base 36.</summary>
    public required string Container { get; init; }

    /// <summary>Blob snapshot time in the URL of a disk restore point or incremental snapshot; null for a live disk and a full snapshot.</summary>
    public DateTimeOffset? SnapshotTime { get; init; }

    public required AccessKind Kind { get; init; }

    /// <summary>Region whose store holds the bytes.</summary>
    public required string Location { get; init; }

    /// <summary>The volume in the engine: the disk's uniqueId.</summary>
    public required Guid VolumeId { get; init; }

    /// <summary>The point in the engine; null for a live disk.</summary>
    public Guid? PointId { get; init; }

    /// <summary>When the point was taken; null for a live disk.</summary>
    public DateTimeOffset? PointTime { get; init; }

    /// <summary>The <see cref="Disk"/>, <see cref="Snapshot"/> or <see cref="DiskRestorePoint"/> row that the access was granted on.</summary>
    public required Guid ResourceRowId { get; init; }

    /// <summary>For <c>reset?subscription=</c>.</summary>
    public required Guid SubscriptionId { get; init; }

    /// <summary>null: does not expire (guest access).</summary>
    public DateTimeOffset? ExpiresOn { get; set; }

    public required DateTimeOffset CreatedOn { get; init; }

    internal sealed class Configuration : IEntityTypeConfiguration<AccessGrant>
    {
        public void Configure(EntityTypeBuilder<AccessGrant> builder)
        {
            builder.HasKey(grant => grant.SignedIdentifier);
            builder.HasIndex(grant => grant.ResourceRowId);
        }
    }
}

public enum AccessKind
{
    /// <summary>Read SAS of a disk, snapshot or disk restore point: a VHD, the bytes of the disk and a footer of 512 bytes.</summary>
    Read,

    /// <summary>Write SAS of an upload disk: as long as uploadSizeBytes.</summary>
    Upload,

    /// <summary>The emulator's guest access: reads and writes the live disk, no footer.</summary>
    Guest,
}

/// <summary>A point that access is granted on.</summary>
/// <param name="Id">In the engine.</param>
/// <param name="Time">When it was taken: its blob snapshot time.</param>
/// <param name="IsIncremental">A disk restore point or incremental snapshot: a snapshot of the base blob of its volume. Else a full snapshot, a blob of its own.</param>
public sealed record GrantedPoint(Guid Id, DateTimeOffset Time, bool IsIncremental);
