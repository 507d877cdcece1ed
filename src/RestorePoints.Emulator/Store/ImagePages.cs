using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Store;

/// <summary>Writes a part of a disk image so that its zeros take no space.</summary>
internal static class ImagePages
{
    public const int PageBytes = 4096;

    /// <summary>Runs of pages that have data are written, runs of zeros cleared.</summary>
    /// <param name="pages">Whole pages.</param>
    public static void Write(SnapshotStore store, Guid volumeId, long offsetBytes, ReadOnlySpan<byte> pages)
    {
        for (int start = 0; start < pages.Length;)
        {
            bool zeros = IsZero(pages[start..]);
            int end = start + PageBytes;
            while (end < pages.Length && IsZero(pages[end..]) == zeros)
                end += PageBytes;
            if (zeros)
                store.Clear(volumeId, offsetBytes + start, end - start);
            else
                store.Write(volumeId, offsetBytes + start, pages[start..end]);
            start = end;
        }
    }

    private static bool IsZero(ReadOnlySpan<byte> page) => !page[..PageBytes].ContainsAnyExcept((byte)0);
}
