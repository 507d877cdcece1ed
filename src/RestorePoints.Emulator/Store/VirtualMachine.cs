using System.ComponentModel.DataAnnotations.Schema;
using RestorePoints.Emulator.Controllers;

namespace RestorePoints.Emulator.Store;

/// <summary>A virtual machine. <see cref="TrackedResource.Id"/> is its vmId.</summary>
public sealed class VirtualMachine : TrackedResource
{
    /// <summary>
    /// The resource body as the client sent it (JSON object with properties, zones, identity, plan …), with what the service fills in
    /// (disk names and ids); without name, id, type, location, tags and without secrets.
    /// </summary>
    public required string Body { get; set; }

    public PowerState PowerState { get; set; }

    /// <summary>When the power state was reached.</summary>
    public DateTimeOffset PowerStateTime { get; set; }

    /// <summary>Counts accepted changes; the body field etag shows it.</summary>
    public int Etag { get; set; } = 1;

    /// <summary>What the agent in the guest reports.</summary>
    public GuestAgent GuestAgent { get; set; }

    /// <summary>What the guest makes of an application-consistent restore point; null: what its OS gives.</summary>
    public GuestConsistency? GuestConsistency { get; set; }

    /// <summary>Restore points that settle for file-system consistency before VSS, which failed, is tried again.</summary>
    public int FileSystemAttemptsLeft { get; set; }

    /// <summary>The disks that are attached now.</summary>
    public List<Disk> Disks { get; } = [];

    /// <summary>Windows by its OS disk; loaded with its disks.</summary>
    [NotMapped]
    public bool IsWindows => Disks.Exists(disk => disk is { Lun: VirtualMachineDisks.OsDiskLun, OsType: "Windows" });

    /// <summary>VSS makes the applications of Windows consistent; Linux freezes its file systems.</summary>
    [NotMapped]
    public GuestConsistency DefaultGuestConsistency => IsWindows ? Store.GuestConsistency.ApplicationConsistent : Store.GuestConsistency.FileSystemConsistent;

    internal sealed class Configuration : TrackedResourceConfiguration<VirtualMachine>;
}

public enum GuestAgent
{
    Ready,
    NotReady,
    Missing,
}

public enum GuestConsistency
{
    /// <summary>VSS of Windows, or the scripts of Linux, succeed.</summary>
    ApplicationConsistent,

    /// <summary>The file systems are frozen and no more.</summary>
    FileSystemConsistent,

    /// <summary>VSS of Windows, or the snapshot extension of Linux, fails.</summary>
    Fails,
}

/// <summary>Names as in the status code <c>PowerState/running</c>, with a capital.</summary>
public enum PowerState
{
    Running,
    Stopped,
    Deallocated,
}
