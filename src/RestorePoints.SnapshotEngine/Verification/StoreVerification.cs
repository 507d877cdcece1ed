namespace RestorePoints.SnapshotEngine;

/// <summary>
/// Reads a store that nobody has open as <see cref="SnapshotStore.Open"/> would, changes nothing, and checks what must hold: every file can be read, each slot
/// has one owner, every version has a viewer, and no difference can miss a page.
/// </summary>
public sealed class StoreVerification
{
    private readonly string _directory;
    private readonly Geometry _geometry;
    private readonly List<StoreFinding> _findings = [];

    private StoreVerification(string directory, Geometry geometry, Guid bootId)
    {
        _directory = directory;
        _geometry = geometry;
        // It opens no file: every segment that has an owner is one that is missing, and is looked for afterwards.
        using var slots = new SlotAllocator(directory, geometry, new ReadEpochs());
        var volumes = new VolumeSet(geometry, slots);
        if (!ReadIndex(slots, volumes, bootId)) return;
        CheckSegments(slots);
        var index = new IndexVerification(geometry, volumes, _findings);
        index.Run();
        Volumes = volumes.Describe();
        VersionCount = index.VersionCount;
        UsedBytes = slots.UsedSlots * Geometry.PageBytes;
    }

    /// <summary>What was found, damage and notes, in the order of the checks.</summary>
    public IReadOnlyList<StoreFinding> Findings => _findings;

    public bool IsDamaged => _findings.Exists(finding => finding.IsDamage);

    /// <summary>The volumes that the next opening would have; empty when the index cannot be read.</summary>
    public IReadOnlyList<VolumeDescription> Volumes { get; } = [];

    /// <summary>Versions of pages that were checked.</summary>
    public long VersionCount { get; }

    /// <summary>Bytes that the versions take in segments.</summary>
    public long UsedBytes { get; }

    /// <exception cref="IOException">Somebody has the store open, or the directory cannot be read.</exception>
    public static StoreVerification Run(string directory, SnapshotStoreOptions? options = null)
    {
        using FileStream? held = File.Exists(Path.Combine(directory, "lock")) ? new FileStream(Path.Combine(directory, "lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None) : null;
        options ??= new SnapshotStoreOptions();
        return new StoreVerification(directory, options.Geometry, options.BootId ?? LinuxFileSystem.BootId());
    }

    private bool ReadIndex(SlotAllocator slots, VolumeSet volumes, Guid bootId)
    {
        string file = "checkpoint";
        try
        {
            string checkpoint = Path.Combine(_directory, file);
            long sequence = File.Exists(checkpoint) ? new CheckpointReader(_geometry, slots, volumes).Read(checkpoint) : 0;
            file = "journal";
            var journals = new JournalSet(_directory, _geometry);
            journals.Replay(bootId, sequence, new JournalReplay(_geometry, slots, volumes));
            foreach (JournalSet.ReplayedFile replayed in journals.Files.Where(replayed => replayed.CountedBytes > 0 && replayed.CountedBytes < replayed.LengthBytes))
                Note(Path.GetFileName(replayed.Path), $"the last {replayed.LengthBytes - replayed.CountedBytes} bytes are no whole record, or records that a loss of power made worthless; the next start cuts them off.");
        }
        catch (StoreFormatException damage)
        {
            Damage(damage.File, damage.Reason);
            return false;
        }
        catch (Exception damage) when (damage is IOException or InvalidOperationException or ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            Damage(file, $"cannot be read: {damage.Message}");
            return false;
        }

        if (File.Exists(Path.Combine(_directory, "checkpoint.new"))) Note("checkpoint.new", "is a checkpoint that was being written; the next start deletes it.");
        return true;
    }

    private void CheckSegments(SlotAllocator slots)
    {
        foreach ((int number, int usedSlots) in slots.UsedBySegment())
        {
            string name = Segment.FileName(number), path = Path.Combine(_directory, name);
            if (usedSlots == 0) continue;
            if (!File.Exists(path))
            {
                Damage(name, $"is missing, but {usedSlots} pages are in it.");
                continue;
            }

            using FileStream file = File.OpenRead(path);
            if (file.Length != _geometry.SegmentBytes)
            {
                Damage(name, $"has {file.Length} bytes instead of {_geometry.SegmentBytes}; {usedSlots} pages are in it.");
                continue;
            }

            byte[] header = new byte[FileHeader.LengthBytes];
            file.ReadExactly(header);
            try
            {
                FileHeader.Check(header, FileHeader.Segment, _geometry, name);
            }
            catch (StoreFormatException damage)
            {
                Damage(name, damage.Reason);
            }
        }
    }

    private void Damage(string where, string what) => _findings.Add(new StoreFinding(true, where, what));

    private void Note(string where, string what) => _findings.Add(new StoreFinding(false, where, what));
}

/// <param name="IsDamage">false: a trace of a crash that the next opening clears away.</param>
/// <param name="Where">The file, or the volume, region and page.</param>
public sealed record StoreFinding(bool IsDamage, string Where, string What)
{
    public override string ToString() => $"{Where}: {What}";
}
