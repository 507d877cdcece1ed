namespace RestorePoints.SnapshotEngine;

/// <summary>
/// The block store of one Azure region: volumes (the content of managed disks), points (what restore points froze)
/// and the bytes behind both, in one directory. All members are safe to call from any thread; all offsets and
/// lengths are bytes.
/// </summary>
public sealed class SnapshotStore : IDisposable
{
    private SnapshotStore() { }

    /// <summary>Opens the store in <paramref name="directory"/>, creating it when absent, and recovers it from whatever state a crash left.</summary>
    public static SnapshotStore Open(string directory, SnapshotStoreOptions? options = null) => throw new NotImplementedException();

    /// <summary>Creates an empty volume. A repeat with the same id and size does nothing.</summary>
    /// <param name="volumeId">Chosen by the caller; never used again after the volume ended.</param>
    /// <param name="sizeBytes">A multiple of 4,096.</param>
    public void CreateVolume(Guid volumeId, long sizeBytes) => throw new NotImplementedException();

    /// <summary>Creates a volume that starts with the content of a point, without copying data. A repeat does nothing.</summary>
    /// <param name="sizeBytes">At least the size of the point.</param>
    /// <exception cref="PointNotFoundException">The source volume has no such point.</exception>
    public void CreateVolumeFromPoint(Guid volumeId, Guid sourceVolumeId, Guid pointId, long sizeBytes) => throw new NotImplementedException();

    /// <summary>Deletes the head of a volume (its disk). Points of it stay readable; the volume ends with its last viewer. Absent: does nothing.</summary>
    public void DeleteHead(Guid volumeId) => throw new NotImplementedException();

    /// <summary>Grows the head. The new space is clear.</summary>
    public void Resize(Guid volumeId, long sizeBytes) => throw new NotImplementedException();

    /// <summary>Freezes the heads of all given volumes at one instant. A repeat with the same id and volumes does nothing.</summary>
    public void CreatePoint(Guid pointId, IReadOnlyCollection<Guid> volumeIds) => throw new NotImplementedException();

    /// <summary>Deletes the point of one volume and frees what only it could see. Absent: does nothing.</summary>
    public void DeletePoint(Guid volumeId, Guid pointId) => throw new NotImplementedException();

    /// <summary>Writes to the head. Offset and length are multiples of 512. When it returns, the write survives a kill of the process.</summary>
    /// <exception cref="VolumeNotFoundException">There is no such volume, or its head was deleted.</exception>
    public void Write(Guid volumeId, long offsetBytes, ReadOnlySpan<byte> data) => throw new NotImplementedException();

    /// <summary>Clears a range of the head: whole pages of 4,096 bytes become unallocated, parts of pages become zeros. Multiples of 512.</summary>
    public void Clear(Guid volumeId, long offsetBytes, long lengthBytes) => throw new NotImplementedException();

    /// <summary>Opens the head of a volume for reading; each read sees the bytes of its own moment.</summary>
    public VolumeView OpenHead(Guid volumeId) => throw new NotImplementedException();

    /// <summary>Opens a point for reading. What the view shows stays readable until it is disposed, also when the point is deleted meanwhile.</summary>
    public VolumeView OpenPoint(Guid volumeId, Guid pointId) => throw new NotImplementedException();

    /// <summary>The volumes of the store with their points, oldest first: what start-up compares with the catalog.</summary>
    public IReadOnlyList<VolumeDescription> ListVolumes() => throw new NotImplementedException();

    /// <summary>What the store holds and what it takes on disk.</summary>
    public StoreUsage GetUsage() => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}

/// <summary>A read view of the head or of a point of a volume. Holds space that is freed meanwhile: dispose it soon.</summary>
public sealed class VolumeView : IDisposable
{
    private VolumeView() { }

    /// <summary>Size of what is viewed, in bytes.</summary>
    public long SizeBytes => throw new NotImplementedException();

    /// <summary>Fills <paramref name="destination"/> from <paramref name="offsetBytes"/>, any alignment, within the size.</summary>
    public void Read(long offsetBytes, Span<byte> destination) => throw new NotImplementedException();

    /// <summary>The allocated ranges (data and written zeros) in [offset, offset + length), ascending, adjacent ones merged, cut to the range. Lazily computed.</summary>
    public IEnumerable<PageRange> GetPageRanges(long offsetBytes, long lengthBytes) => throw new NotImplementedException();

    /// <summary>
    /// What was written (<see cref="PageRangeKind.Allocated"/>) or cleared (<see cref="PageRangeKind.Cleared"/>) after the older point
    /// and up to this view, ascending, interleaved, adjacent ones of a kind merged, cut to the range. Lazily computed.
    /// </summary>
    /// <exception cref="PointNotFoundException">The volume has no such point, or it is newer than this view.</exception>
    public IEnumerable<PageRange> GetChangesSince(Guid olderPointId, long offsetBytes, long lengthBytes) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}

public enum PageRangeKind : byte
{
    /// <summary>Written, possibly with zeros.</summary>
    Allocated,

    /// <summary>Cleared: reads as zeros and takes no space.</summary>
    Cleared,
}

/// <summary>A run of pages; offset and length in bytes.</summary>
public readonly record struct PageRange(long OffsetBytes, long LengthBytes, PageRangeKind Kind);

/// <summary>One volume as start-up reconciliation sees it.</summary>
public sealed record VolumeDescription(Guid VolumeId, long SizeBytes, bool HasHead, IReadOnlyList<Guid> PointIds);

/// <param name="Volumes">Volumes that have not ended.</param>
/// <param name="Points">Points over all volumes.</param>
/// <param name="UsedBytes">Bytes of slots that some viewer can see.</param>
/// <param name="SegmentBytes">Bytes that the segment files take on disk.</param>
/// <param name="MetadataBytes">Bytes of journal and checkpoint files.</param>
public sealed record StoreUsage(int Volumes, int Points, long UsedBytes, long SegmentBytes, long MetadataBytes);

public sealed record SnapshotStoreOptions
{
    public Durability Durability { get; init; } = Durability.Process;
}

public enum Durability
{
    /// <summary>An acknowledged write survives the end of the process at any instant (kill -9).</summary>
    Process,

    /// <summary>An acknowledged write survives the loss of power.</summary>
    Power,
}

public sealed class VolumeNotFoundException(Guid volumeId) : Exception($"Volume {volumeId} is not in this store, or its head was deleted.")
{
    public Guid VolumeId { get; } = volumeId;
}

public sealed class PointNotFoundException(Guid volumeId, Guid pointId) : Exception($"Volume {volumeId} has no point {pointId} that can serve here.")
{
    public Guid VolumeId { get; } = volumeId;
    public Guid PointId { get; } = pointId;
}
