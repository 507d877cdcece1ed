using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace RestorePoints.Emulator.Store;

/// <summary>A restore point of a virtual machine. Immutable once it is final.</summary>
public sealed class RestorePoint
{
    /// <summary>Also the id of the point in the engine, the same for all its disks.</summary>
    public Guid Id { get; init; } = Guid.NewGuid();
    public required Guid CollectionId { get; init; }
    public RestorePointCollection? Collection { get; init; }
    public required string Name { get; init; }

    /// <summary>When the PUT was accepted; of a copy, when that of its source was.</summary>
    public required DateTimeOffset TimeCreated { get; init; }
    public ProvisioningState ProvisioningState { get; set; }

    /// <summary>vmId of the protected machine.</summary>
    public required Guid VirtualMachineId { get; init; }

    /// <summary>The request's properties in canonical form: what a repeated PUT is compared with.</summary>
    public required string Model { get; init; }

    /// <summary><c>sourceMetadata</c> as JSON, complete when the PUT is accepted; of the diskRestorePoint members only the encryption that the request asks for.</summary>
    public required string SourceMetadata { get; init; }

    /// <summary>ARM ids of the excluded disks, as sent; JSON array, null when the request had none.</summary>
    public string? ExcludeDisks { get; init; }

    /// <summary>CrashConsistent, FileSystemConsistent or ApplicationConsistent; null until known.</summary>
    public string? ConsistencyMode { get; set; }

    /// <summary>Of a point with instant access: how long it lasts, in minutes.</summary>
    public int? InstantAccessDurationMinutes { get; init; }

    /// <summary>Of a copy: ARM id of the restore point that it is a copy of, as sent.</summary>
    public string? SourceRestorePointId { get; init; }

    /// <summary>Of a copy: <see cref="Id"/> of the restore point that it is a copy of, which may be gone.</summary>
    public Guid? SourcePointId { get; init; }

    public List<DiskRestorePoint> DiskRestorePoints { get; } = [];

    internal sealed class Configuration : IEntityTypeConfiguration<RestorePoint>
    {
        public void Configure(EntityTypeBuilder<RestorePoint> builder)
        {
            builder.Property(point => point.Name).UseCollation("NOCASE");
            builder.HasIndex(point => new { point.CollectionId, point.Name }).IsUnique();
            builder.HasIndex(point => new { point.VirtualMachineId, point.ProvisioningState });
            builder.HasIndex(point => point.SourcePointId);
            builder.HasOne(point => point.Collection).WithMany(collection => collection.RestorePoints).HasForeignKey(point => point.CollectionId);
        }
    }
}
