using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>A disk restore point on the wire; all of it is read-only.</summary>
public sealed record DiskRestorePointModel
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public string Type { get; init; } = "Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints";
    public required DiskRestorePointPropertiesModel Properties { get; init; }

    public static DiskRestorePointModel From(DiskRestorePoint disk, string restorePointId, SnapshotAccess access)
    {
        SnapshotStatus status = access.Of(disk);
        DiskPropertiesModel source = DiskModel.Kept(disk.DiskSettings).Properties ?? new DiskPropertiesModel();
        return new DiskRestorePointModel
        {
            Id = $"{restorePointId}/diskRestorePoints/{disk.Name}",
            Name = disk.Name,
            Properties = new DiskRestorePointPropertiesModel
            {
                TimeCreated = disk.TimeCreated,
                SourceResourceId = disk.SourceResourceId,
                OsType = disk.OsType,
                HyperVGeneration = disk.HyperVGeneration,
                PurchasePlan = source.PurchasePlan,
                SupportedCapabilities = source.SupportedCapabilities,
                FamilyId = SnapshotFamily.IdOf(disk.VolumeId),
                SourceUniqueId = disk.SourceUniqueId,
                Encryption = DiskEncryptionModel.Of(source.Encryption),
                SupportsHibernation = source.SupportsHibernation,
                NetworkAccessPolicy = disk.NetworkAccessPolicy ?? "AllowAll",
                PublicNetworkAccess = disk.PublicNetworkAccess ?? "Enabled",
                DiskAccessId = disk.NetworkAccessPolicy == "AllowPrivate" ? source.DiskAccessId : null,
                CompletionPercent = status.CompletionPercent,
                ReplicationState = status.Replication.ToString(),
                SourceResourceLocation = disk.SourceLocation ?? disk.Location,
                SecurityProfile = source.SecurityProfile,
                LogicalSectorSize = 512,
                SnapshotAccessState = status.Access.ToString(),
            },
        };
    }
}

public sealed record DiskRestorePointPropertiesModel
{
    public DateTimeOffset TimeCreated { get; init; }
    public required string SourceResourceId { get; init; }
    public string? OsType { get; init; }
    public string? HyperVGeneration { get; init; }
    public PurchasePlanModel? PurchasePlan { get; init; }

    [Since("2021-08-01")]
    public SupportedCapabilitiesModel? SupportedCapabilities { get; init; }
    public Guid FamilyId { get; init; }
    public Guid SourceUniqueId { get; init; }
    public DiskEncryptionModel? Encryption { get; init; }

    [Since("2020-12-01")]
    public bool? SupportsHibernation { get; init; }

    [Since("2021-04-01")]
    public string? NetworkAccessPolicy { get; init; }

    [Since("2021-04-01")]
    public string? PublicNetworkAccess { get; init; }

    [Since("2021-04-01")]
    public string? DiskAccessId { get; init; }

    [Since("2021-04-01")]
    public double? CompletionPercent { get; init; }

    [Since("2021-12-01")]
    public string? ReplicationState { get; init; }

    [Since("2021-12-01")]
    public string? SourceResourceLocation { get; init; }

    [Since("2022-03-02")]
    public DiskSecurityProfileModel? SecurityProfile { get; init; }

    [Since("2024-03-02")]
    public int? LogicalSectorSize { get; init; }

    [Since("2026-03-02")]
    public string? SnapshotAccessState { get; init; }
}
