namespace RestorePoints.Emulator.Store;

/// <summary>A collection of restore points. <see cref="TrackedResource.Id"/> is its restorePointCollectionId.</summary>
public sealed class RestorePointCollection : TrackedResource
{
    /// <summary>ARM id of the source, as sent: a virtual machine, or the collection in another region whose points are copied here.</summary>
    public required string SourceId { get; init; }

    /// <summary>Region of the source, which can be another one than the collection's.</summary>
    public required string SourceLocation { get; init; }

    /// <summary>Whether points to come have instant access; null: nobody has said so, which means no and is not shown.</summary>
    public bool? InstantAccess { get; set; }

    public List<RestorePoint> RestorePoints { get; } = [];

    internal sealed class Configuration : TrackedResourceConfiguration<RestorePointCollection>;
}
