namespace RestorePoints.SnapshotEngine;

// Writes and clears, cut into requests.
public sealed partial class SnapshotStore
{
    /// <summary>Writes to the head. Offset and length are multiples of 512. When it returns, the write survives a kill of the process.</summary>
    /// <exception cref="VolumeNotFoundException">There is no such volume, or its head was deleted.</exception>
    public void Write(Guid volumeId, long offsetBytes, ReadOnlySpan<byte> data)
    {
        CheckSectors(offsetBytes, data.Length);
        Volume volume = FindVolume(volumeId);
        while (data.Length > 0)
        {
            int length = RequestLength(offsetBytes, data.Length);
            EnterWrite(volume, offsetBytes, data.Length);
            long group;
            try
            {
                group = _writer.Write(volume, offsetBytes, data[..length]);
            }
            finally
            {
                ExitWrite(volume);
            }

            offsetBytes += length;
            data = data[length..];
            // Several requests of one call share the commit of the last.
            if (data.IsEmpty) _journal.Commit(group);
        }

        CheckpointIfLong();
    }

    /// <summary>Clears a range of the head: whole pages of 4,096 bytes become unallocated, parts of pages become zeros. Multiples of 512.</summary>
    /// <exception cref="VolumeNotFoundException">There is no such volume, or its head was deleted.</exception>
    public void Clear(Guid volumeId, long offsetBytes, long lengthBytes)
    {
        CheckSectors(offsetBytes, lengthBytes);
        Volume volume = FindVolume(volumeId);
        while (lengthBytes > 0)
        {
            EnterWrite(volume, offsetBytes, lengthBytes);
            long group;
            int length;
            try
            {
                long skip = Math.Min(lengthBytes, Math.Max(0, NextTouchedBytes(volume, offsetBytes) - offsetBytes));
                offsetBytes += skip;
                lengthBytes -= skip;
                length = RequestLength(offsetBytes, lengthBytes);
                group = length == 0 ? _journal.OpenGroup : _writer.Clear(volume, offsetBytes, length);
            }
            finally
            {
                ExitWrite(volume);
            }

            offsetBytes += length;
            lengthBytes -= length;
            if (lengthBytes == 0) _journal.Commit(group);
        }

        CheckpointIfLong();
    }
}
