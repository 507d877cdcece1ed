using System.Buffers;

namespace RestorePoints.SnapshotEngine;

/// <summary>
/// Brings what a point shows into the head of a volume of another store: only what changed since a base that both stores have, else everything.
/// Written zeros stay allocated, clears become clears, the head gets the size of the point. The caller then freezes the head.
/// </summary>
/// <remarks>
/// A run that was interrupted, by a kill too, is simply begun again: what the head took since the base is part of the work, so nothing that
/// an earlier run wrote, also one for another point, stays behind.
/// </remarks>
public sealed class PointCopy : IDisposable
{
    private const int MaxChunkBytes = 1 << 20;

    private readonly SnapshotStore _sourceStore, _targetStore;
    private readonly Guid _sourceVolumeId, _sourcePointId, _targetVolumeId;
    private readonly VolumeView _source, _target;

    // Both null: without a base.
    private readonly IEnumerable<PageRange>? _sinceBase, _inHeadSinceBase;
    private long _copiedBytes;

    /// <summary>Opens both ends, grows the head to the size of the point, and measures. What the point shows stays readable until this is disposed.</summary>
    /// <param name="bases">Points that show the same in both stores, best first. The first that both still have and that is older than the point serves.</param>
    /// <exception cref="PointNotFoundException">The source has no such point.</exception>
    /// <exception cref="VolumeNotFoundException">The target has no such volume, or its head was deleted.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The head is larger than the point.</exception>
    public PointCopy(SnapshotStore source, Guid sourceVolumeId, Guid sourcePointId, SnapshotStore target, Guid targetVolumeId, IEnumerable<PointPair> bases)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(bases);
        (_sourceStore, _sourceVolumeId, _sourcePointId, _targetStore, _targetVolumeId) = (source, sourceVolumeId, sourcePointId, target, targetVolumeId);
        _source = source.OpenPoint(sourceVolumeId, sourcePointId);
        try
        {
            target.Resize(targetVolumeId, _source.SizeBytes);
            _target = target.OpenHead(targetVolumeId);
        }
        catch
        {
            _source.Dispose();
            throw;
        }

        foreach (PointPair pair in bases)
        {
            if (ChangesSince(_source, pair.SourcePointId) is not { } inSource || ChangesSince(_target, pair.TargetPointId) is not { } inHead) continue;
            (_sinceBase, _inHeadSinceBase) = (inSource, inHead);
            break;
        }

        foreach (PageRange range in Work())
        {
            if (range.Kind == PageRangeKind.Allocated) TotalBytes += range.LengthBytes;
        }
    }

    /// <summary>Bytes that the whole copy moves. Clears move none.</summary>
    public long TotalBytes { get; }

    /// <summary>Bytes moved so far.</summary>
    public long CopiedBytes => Volatile.Read(ref _copiedBytes);

    /// <summary>Whole percent of the bytes; 100 when there are none.</summary>
    public int Percent => TotalBytes == 0 ? 100 : (int)(100 * (Int128)CopiedBytes / TotalBytes);

    /// <summary>Does the work, in pieces of at most one percent and 1 MiB.</summary>
    /// <param name="beforePiece">Is awaited before each piece and at the end.</param>
    /// <exception cref="PointNotFoundException">The point was deleted meanwhile.</exception>
    /// <exception cref="VolumeNotFoundException">The head was deleted meanwhile.</exception>
    public async Task RunAsync(Func<ValueTask> beforePiece, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(beforePiece);
        long pages = Math.Max(1, TotalBytes / 100 / Geometry.PageBytes);
        int pieceBytes = (int)Math.Min(pages * Geometry.PageBytes, MaxChunkBytes), leftOfPiece = 0;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(pieceBytes);
        try
        {
            foreach (PageRange range in Work())
            {
                for (long offset = range.OffsetBytes, end = offset + range.LengthBytes; offset < end;)
                {
                    if (leftOfPiece <= 0)
                    {
                        await NextPieceAsync(beforePiece, cancellationToken).ConfigureAwait(false);
                        leftOfPiece = pieceBytes;
                    }

                    if (range.Kind == PageRangeKind.Cleared)
                    {
                        _targetStore.Clear(_targetVolumeId, offset, end - offset);
                        leftOfPiece -= Geometry.PageBytes;
                        break;
                    }

                    int length = (int)Math.Min(end - offset, leftOfPiece);
                    _source.Read(offset, buffer.AsSpan(0, length));
                    _targetStore.Write(_targetVolumeId, offset, buffer.AsSpan(0, length));
                    Volatile.Write(ref _copiedBytes, _copiedBytes + length);
                    leftOfPiece -= length;
                    offset += length;
                }
            }

            await NextPieceAsync(beforePiece, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public void Dispose()
    {
        _source.Dispose();
        _target.Dispose();
    }

    private static IEnumerable<PageRange>? ChangesSince(VolumeView view, Guid olderPointId)
    {
        try
        {
            return view.GetChangesSince(olderPointId, 0, view.SizeBytes);
        }
        catch (PointNotFoundException)
        {
            return null;
        }
    }

    private async ValueTask NextPieceAsync(Func<ValueTask> beforePiece, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await beforePiece().ConfigureAwait(false);
        // The view would go on showing a point that is deleted.
        if (_sourceStore.FindPointSize(_sourceVolumeId, _sourcePointId) is null) throw new PointNotFoundException(_sourceVolumeId, _sourcePointId);
    }

    /// <summary>What to make of the head, ascending: read lazily, always ahead of what is written.</summary>
    private IEnumerable<PageRange> Work()
    {
        if (_sinceBase is null) return AsInSource([(0, _source.SizeBytes)]);
        // An untouched head shows the base: the difference is all there is to do.
        return _inHeadSinceBase!.Any() ? AsInSource(Union(_sinceBase, _inHeadSinceBase!)) : _sinceBase;
    }

    /// <summary>The ranges as the source has them, what is not allocated there as cleared.</summary>
    private IEnumerable<PageRange> AsInSource(IEnumerable<(long Start, long End)> ranges)
    {
        foreach ((long start, long end) in ranges)
        {
            long at = start;
            foreach (PageRange allocated in _source.GetPageRanges(start, end - start))
            {
                if (allocated.OffsetBytes > at) yield return new PageRange(at, allocated.OffsetBytes - at, PageRangeKind.Cleared);
                yield return allocated;
                at = allocated.OffsetBytes + allocated.LengthBytes;
            }

            if (at < end) yield return new PageRange(at, end - at, PageRangeKind.Cleared);
        }
    }

    /// <summary>What is in one or both, once; both are ascending.</summary>
    private static IEnumerable<(long Start, long End)> Union(IEnumerable<PageRange> first, IEnumerable<PageRange> second)
    {
        using IEnumerator<PageRange> a = first.GetEnumerator(), b = second.GetEnumerator();
        bool hasA = a.MoveNext(), hasB = b.MoveNext();
        long done = 0;
        while (hasA || hasB)
        {
            PageRange next;
            if (!hasB || (hasA && a.Current.OffsetBytes <= b.Current.OffsetBytes))
            {
                next = a.Current;
                hasA = a.MoveNext();
            }
            else
            {
                next = b.Current;
                hasB = b.MoveNext();
            }

            long start = Math.Max(done, next.OffsetBytes), end = next.OffsetBytes + next.LengthBytes;
            if (start >= end) continue;
            yield return (start, end);
            done = end;
        }
    }
}

/// <summary>Two points of two stores that show the same.</summary>
public readonly record struct PointPair(Guid SourcePointId, Guid TargetPointId);
