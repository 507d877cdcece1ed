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

    /// <summary>The disks that are attached now.</summary>
    public List<Disk> Disks { get; } = [];

    internal sealed class Configuration : TrackedResourceConfiguration<VirtualMachine>;
}

/// <summary>Names as in the status code <c>PowerState/running</c>, with a capital.</summary>
public enum PowerState
{
    Running,
    Stopped,
    Deallocated,
}
