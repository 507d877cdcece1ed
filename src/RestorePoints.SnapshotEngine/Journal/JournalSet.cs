namespace RestorePoints.SnapshotEngine;

/// <summary>The journal files of a store as a crash left them: which of their records count, and those records carried out. Changes no file.</summary>
internal sealed class JournalSet
{
    private readonly string[] _paths;
    private readonly Geometry _geometry;
    private readonly List<ReplayedFile> _files = [];

    public JournalSet(string directory, Geometry geometry)
    {
        _paths = [.. Directory.EnumerateFiles(directory, "journal-*").OrderBy(JournalFile.Ordinal)];
        _geometry = geometry;
    }

    /// <param name="CountedBytes">Header and records that were replayed or are in the checkpoint and followed by one that was replayed; 0: nothing of it is needed.</param>
    public sealed record ReplayedFile(string Path, int CountedBytes, long LengthBytes);

    /// <summary>0: there is no journal.</summary>
    public int LastOrdinal => _paths.Length > 0 ? JournalFile.Ordinal(_paths[^1]) : 0;

    /// <summary>Filled by <see cref="Replay"/>, oldest first.</summary>
    public IReadOnlyList<ReplayedFile> Files => _files;

    /// <summary>Carries out the records behind the checkpoint that can be believed; returns the number of the last one.</summary>
    public long Replay(Guid bootId, long checkpointSequence, JournalReplay replay)
    {
        long limit = BelievableSequence(bootId, checkpointSequence), sequence = checkpointSequence;
        foreach (string path in _paths)
        {
            byte[] bytes = File.ReadAllBytes(path);
            int end = JournalFile.HeaderBytes, next = end;
            bool any = false;
            if (JournalFile.ReadHeader(bytes, _geometry, Path.GetFileName(path)) is not null)
            {
                while (JournalFile.TryReadRecord(bytes, ref next, out JournalRecordType type, out long recordSequence, out ReadOnlySpan<byte> payload) && recordSequence <= limit)
                {
                    if (recordSequence > sequence)
                    {
                        replay.Apply(type, recordSequence, payload);
                        sequence = recordSequence;
                        any = true;
                    }

                    end = next;
                }
            }

            _files.Add(new ReplayedFile(path, any ? end : 0, bytes.Length));
        }

        return sequence;
    }

    /// <summary>The last record to replay.</summary>
    /// <exception cref="StoreFormatException">A record is damaged that no crash can have damaged.</exception>
    private long BelievableSequence(Guid bootId, long checkpointSequence)
    {
        long last = checkpointSequence, durable = checkpointSequence;
        bool allBelievable = true;
        string lastName = "journal";
        foreach (string path in _paths)
        {
            byte[] bytes = File.ReadAllBytes(path);
            string name = Path.GetFileName(path);
            if (JournalFile.ReadHeader(bytes, _geometry, name) is not { } header) break;
            if (header.FirstSequence > last + 1)
            {
                // The file before ends too early. Only a loss of power takes the end of a file that was not flushed.
                if (header.EarlierIsDurable || IsOfKernel(header, bootId))
                    throw new StoreFormatException(lastName, $"is damaged: the records {last + 1} to {header.FirstSequence - 1} are missing, which {name} continues.");
                break;
            }

            if (header.EarlierIsDurable) durable = Math.Max(durable, header.FirstSequence - 1);
            allBelievable = header.IsPowerDurable || header.BootId == bootId;
            int offset = JournalFile.HeaderBytes;
            long expected = header.FirstSequence;
            while (JournalFile.TryReadRecord(bytes, ref offset, out JournalRecordType type, out long sequence, out ReadOnlySpan<byte> payload) && sequence == expected)
            {
                expected++;
                last = Math.Max(last, sequence);
                if (type == JournalRecordType.Marker) durable = Math.Max(durable, new FieldReader(payload).Int64());
            }

            CheckRest(bytes, offset, expected, header, bootId, name);
            lastName = name;
        }

        return allBelievable ? last : durable;
    }

    /// <summary>Whether all that was written is in the page cache still. Where kernels have no identity, nobody knows: replay believes all, but damage is not concluded from it.</summary>
    private static bool IsOfKernel(JournalHeader header, Guid bootId) => bootId != Guid.Empty && header.BootId == bootId;

    /// <summary>
    /// What is behind the first record that is not whole: after a kill, nothing that is; after a loss of power, no marker that says the record was on disk.
    /// </summary>
    private static void CheckRest(ReadOnlySpan<byte> bytes, int offsetBytes, long expected, JournalHeader header, Guid bootId, string name)
    {
        for (int at = offsetBytes + 1; at <= bytes.Length - JournalFile.RecordOverheadBytes; at++)
        {
            int next = at;
            if (!JournalFile.CouldStartRecord(bytes[at..], expected) || !JournalFile.TryReadRecord(bytes, ref next, out JournalRecordType type, out long sequence, out ReadOnlySpan<byte> payload)) continue;
            bool wasOnDisk = type == JournalRecordType.Marker && new FieldReader(payload).Int64() >= expected;
            if (IsOfKernel(header, bootId) || wasOnDisk)
                throw new StoreFormatException(name, $"is damaged at offset {offsetBytes}: record {expected} is not whole, but record {sequence} behind it is.");
            at = next - 1;
        }
    }
}
