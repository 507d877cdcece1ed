using System.Buffers.Text;
using System.IO.Pipelines;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Writes a page list as XML straight into the response, so that a list of millions of ranges takes no memory.</summary>
internal static class PageListWriter
{
    private const int FlushBytes = 32 * 1024;

    /// <summary>Longer than any range with its elements.</summary>
    private const int RangeBytes = 128;

    /// <param name="ranges">Standing on the first range when <paramref name="hasRange"/>.</param>
    public static async Task WriteAsync(PipeWriter writer, IEnumerator<PageRange> ranges, bool hasRange, int? maxResults, CancellationToken cancellationToken)
    {
        Put(writer, """<?xml version="1.0" encoding="utf-8"?><PageList>"""u8);
        int written = 0;
        for (; hasRange && written != maxResults; hasRange = ranges.MoveNext(), written++)
        {
            PutRange(writer, ranges.Current);
            if (writer.UnflushedBytes >= FlushBytes && (await writer.FlushAsync(cancellationToken)).IsCompleted)
                return;
        }
        if (hasRange)
        {
            Put(writer, "<NextMarker>"u8);
            Put(writer, System.Text.Encoding.ASCII.GetBytes(PageListPaging.MarkerOf(ranges.Current.OffsetBytes)));
            Put(writer, "</NextMarker>"u8);
        }
        else if (maxResults is not null)
        {
            Put(writer, "<NextMarker />"u8);
        }
        Put(writer, "</PageList>"u8);
        await writer.FlushAsync(cancellationToken);
    }

    private static void PutRange(PipeWriter writer, PageRange range)
    {
        Span<byte> buffer = writer.GetSpan(RangeBytes);
        int length = 0;
        bool cleared = range.Kind == PageRangeKind.Cleared;
        Append(cleared ? "<ClearRange><Start>"u8 : "<PageRange><Start>"u8, buffer, ref length);
        Append(range.OffsetBytes, buffer, ref length);
        Append("</Start><End>"u8, buffer, ref length);
        Append(range.OffsetBytes + range.LengthBytes - 1, buffer, ref length);
        Append(cleared ? "</End></ClearRange>"u8 : "</End></PageRange>"u8, buffer, ref length);
        writer.Advance(length);
    }

    private static void Append(ReadOnlySpan<byte> text, Span<byte> buffer, ref int length)
    {
        text.CopyTo(buffer[length..]);
        length += text.Length;
    }

    private static void Append(long number, Span<byte> buffer, ref int length)
    {
        Utf8Formatter.TryFormat(number, buffer[length..], out int written);
        length += written;
    }

    private static void Put(PipeWriter writer, ReadOnlySpan<byte> text)
    {
        text.CopyTo(writer.GetSpan(text.Length));
        writer.Advance(text.Length);
    }
}
