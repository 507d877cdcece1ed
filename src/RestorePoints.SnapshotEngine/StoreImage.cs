namespace RestorePoints.SnapshotEngine;

/// <summary>
/// A store as it was at one instant, while it goes on: its index in a file, and the pages that the index names. A slow reader holds nobody up; what is freed
/// meanwhile keeps its space until the image is disposed.
/// </summary>
public sealed class StoreImage : IDisposable
{
    /// <summary>Name of the index's file in a directory that <see cref="Restore(string, Stream)"/> makes a store of.</summary>
    public const string IndexName = SnapshotStore.CheckpointName;

    private const int PieceBytes = 1 << 20;

    private readonly SnapshotStore _store;
    private readonly string _indexPath;
    private readonly int _epoch;
    private bool _disposed;

    private StoreImage(SnapshotStore store, string indexPath, int epoch)
    {
        _store = store;
        _indexPath = indexPath;
        _epoch = epoch;
    }

    /// <summary>
    /// Images of several stores, all of one instant: no change of any of them falls between two. Changes wait while the indexes are copied to the page cache.
    /// </summary>
    /// <param name="stores">Each with the path of the file that takes its index, a new one.</param>
    public static IReadOnlyList<StoreImage> Take(IReadOnlyList<(SnapshotStore Store, string IndexPath)> stores)
    {
        var pointId = Guid.NewGuid();
        List<StoreImage> images = [];
        int stopped = 0;
        try
        {
            try
            {
                for (; stopped < stores.Count; stopped++) stores[stopped].Store.EnterExclusive();
                foreach ((SnapshotStore store, string indexPath) in stores) images.Add(new StoreImage(store, indexPath, store.WriteImage(indexPath, pointId)));
            }
            finally
            {
                while (--stopped >= 0) stores[stopped].Store.ExitExclusive();
            }

            foreach (StoreImage image in images) image._store.DropImagePoint(pointId);
            return images;
        }
        catch
        {
            foreach (StoreImage image in images) image.Abandon(pointId);
            throw;
        }
    }

    /// <summary>The pages that the index names, 4,096 bytes each, by ascending slot. Can be read and positioned until the image is disposed.</summary>
    public Stream OpenPages()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using SlotAllocator owned = OwnedBy(_indexPath, _store.Geometry);
        return new ImagePages(_store.Slots, [.. owned.OwnedRuns()]);
    }

    /// <summary>Gives a directory another name in the same file system, so that the loss of power does not undo it.</summary>
    public static void MoveDirectory(string from, string to)
    {
        Directory.Move(from, to);
        LinuxFileSystem.FlushDirectory(Path.GetDirectoryName(to)!);
    }

    /// <summary>Makes a store of an image in a directory that contains the index and nothing else; all of it is flushed.</summary>
    /// <exception cref="StoreFormatException">The index is not of this version or damaged, or there are other pages than it names.</exception>
    public static void Restore(string directory, Stream pages) => Restore(directory, pages, Geometry.Default);

    internal static void Restore(string directory, Stream pages, Geometry geometry)
    {
        string indexPath = Path.Combine(directory, SnapshotStore.CheckpointName);
        using SlotAllocator owned = OwnedBy(indexPath, geometry);
        byte[] buffer = new byte[PieceBytes];
        Segment? segment = null;
        try
        {
            foreach (SlotRun run in owned.OwnedRuns())
            {
                int number = (int)(run.Slot / geometry.SlotsPerSegment);
                if (segment?.Number != number)
                {
                    Finish(segment);
                    segment = Segment.Create(directory, number, geometry);
                }

                long offset = run.Slot % geometry.SlotsPerSegment * Geometry.PageBytes;
                for (long left = (long)run.Count * Geometry.PageBytes; left > 0;)
                {
                    Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(left, buffer.Length));
                    if (pages.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false) < piece.Length) throw new StoreFormatException("pages", "ends before the last page that the index names.");
                    segment.Write(offset, piece);
                    offset += piece.Length;
                    left -= piece.Length;
                }
            }
        }
        finally
        {
            Finish(segment);
        }

        if (pages.ReadByte() >= 0) throw new StoreFormatException("pages", "goes on behind the last page that the index names.");
        using (StoreFile index = StoreFile.Open(indexPath)) index.Flush();
        LinuxFileSystem.FlushDirectory(directory);

        static void Finish(Segment? segment)
        {
            segment?.Flush();
            segment?.Dispose();
        }
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _store.ReleaseImage(_epoch);
    }

    private void Abandon(Guid pointId)
    {
        try
        {
            _store.DropImagePoint(pointId);
        }
        catch (Exception failure) when (failure is StoreFailedException or ObjectDisposedException)
        {
            // The store takes no change any more.
        }

        Dispose();
    }

    private static SlotAllocator OwnedBy(string indexPath, Geometry geometry)
    {
        var slots = new SlotAllocator("", geometry, new ReadEpochs());
        new CheckpointReader(geometry, slots, new VolumeSet(geometry, slots)).Read(indexPath);
        return slots;
    }

    private sealed class ImagePages : Stream
    {
        private readonly SlotAllocator _slots;
        private readonly SlotRun[] _runs;
        private readonly long[] _starts;
        private long _position;

        public ImagePages(SlotAllocator slots, SlotRun[] runs)
        {
            (_slots, _runs, _starts) = (slots, runs, new long[runs.Length]);
            for (int i = 0; i < runs.Length; i++)
            {
                _starts[i] = Length;
                Length += (long)runs[i].Count * Geometry.PageBytes;
            }
        }

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length { get; }

        public override long Position
        {
            get => _position;
            set
            {
                ArgumentOutOfRangeException.ThrowIfNegative(value);
                _position = value;
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (buffer.IsEmpty || _position >= Length) return 0;
            int at = Array.BinarySearch(_starts, _position);
            if (at < 0) at = ~at - 1;
            long inRun = _position - _starts[at];
            int count = (int)Math.Min(buffer.Length, (long)_runs[at].Count * Geometry.PageBytes - inRun);
            Segment segment = _slots.SegmentOf(_runs[at].Slot, out long offset);
            segment.Read(offset + inRun, buffer[..count]);
            _position += count;
            return count;
        }

        public override long Seek(long offset, SeekOrigin origin) => Position = offset + origin switch
        {
            SeekOrigin.Begin => 0,
            SeekOrigin.Current => _position,
            _ => Length,
        };

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() { }
    }
}
