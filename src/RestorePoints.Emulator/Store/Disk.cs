using System.ComponentModel.DataAnnotations.Schema;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace RestorePoints.Emulator.Store;

/// <summary>A managed disk. <see cref="TrackedResource.Id"/> is its uniqueId and the id of its volume in the engine.</summary>
public sealed class Disk : TrackedResource
{
    public required string SkuName { get; set; }
    public required DiskCreateOption CreateOption { get; init; }

    /// <summary>ARM id of the source (Copy, Restore), as sent.</summary>
    public string? SourceResourceId { get; init; }

    /// <summary>uniqueId of the source disk or snapshot (Copy).</summary>
    public Guid? SourceUniqueId { get; init; }

    /// <summary>Upload only: size of the VHD with its 512-byte footer.</summary>
    public long? UploadSizeBytes { get; init; }

    /// <summary>Bytes of the disk, without a VHD footer. A multiple of 1 MiB; 0 until an import has ended.</summary>
    public long SizeBytes { get; set; }

    /// <summary>What ARM shows.</summary>
    [NotMapped]
    public long SizeGB => DiskSize.WholeGB(SizeBytes);

    /// <summary>Windows, Linux, or null for a data disk.</summary>
    public string? OsType { get; set; }
    public string? HyperVGeneration { get; init; }
    public string? NetworkAccessPolicy { get; set; }
    public string? PublicNetworkAccess { get; set; }
    public long? IopsReadWrite { get; set; }
    public long? MBpsReadWrite { get; set; }
    public string? Zones { get; init; }

    /// <summary>The disk's properties without behaviour: JSON of the wire model, of which the columns win. null when no request had any.</summary>
    public string? Settings { get; set; }
    public DiskState DiskState { get; set; } = DiskState.Unattached;

    /// <summary>The virtual machine that the disk is attached to.</summary>
    public Guid? VirtualMachineId { get; set; }
    public VirtualMachine? VirtualMachine { get; set; }

    /// <summary>LUN of a data disk; -1 for the OS disk of <see cref="VirtualMachine"/>; null when not attached.</summary>
    public int? Lun { get; set; }

    /// <summary>Last 512 bytes of an upload, once written: the VHD footer that the client sent. The volume holds only the disk's own bytes.</summary>
    public byte[]? UploadFooter { get; set; }

    internal sealed class Configuration : TrackedResourceConfiguration<Disk>
    {
        public override void Configure(EntityTypeBuilder<Disk> builder)
        {
            base.Configure(builder);
            builder.HasOne(disk => disk.VirtualMachine).WithMany(vm => vm.Disks).HasForeignKey(disk => disk.VirtualMachineId).OnDelete(DeleteBehavior.SetNull);
        }
    }
}

/// <summary>Values of <c>creationData.createOption</c> that the emulator serves.</summary>
public enum DiskCreateOption
{
    Empty,
    Upload,
    Copy,
    Restore,
    FromImage,
    Import,

    /// <summary>Of a snapshot: from one in another region, by a copy in the background.</summary>
    CopyStart,
}

/// <summary>Values of <c>properties.diskState</c>.</summary>
public enum DiskState
{
    Unattached,
    Attached,
    Reserved,
    ActiveSAS,
    ReadyToUpload,
    ActiveUpload,
}
