using System.Buffers;
using System.IO.Pipelines;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.TestControl;

/// <summary>A raw disk image on its way between a stream and the engine.</summary>
internal static class DiskContentImage
{
    private const int ChunkBytes = 1 << 20;

    public static async Task WriteToAsync(PipeWriter writer, VolumeView view, CancellationToken cancellationToken)
    {
        const int spanBytes = 256 * 1024;
        long sizeBytes = view.SizeBytes;
        for (long at = 0; at < sizeBytes;)
        {
            int length = (int)Math.Min(spanBytes, sizeBytes - at);
            view.Read(at, writer.GetSpan(length)[..length]);
            writer.Advance(length);
            at += length;
            if ((await writer.FlushAsync(cancellationToken)).IsCompleted)
                return;
        }
    }

    /// <summary>
    /// Replaces the content of a disk. Pages of zeros are cleared instead of written and so take no space; so is what lies behind the end of the image.
    /// </summary>
    /// <returns>False: the image is longer than the disk.</returns>
    public static async Task<bool> ReadFromAsync(Stream image, SnapshotStore store, Guid volumeId, long sizeBytes, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            for (long at = 0; ;)
            {
                int length = await image.ReadAtLeastAsync(buffer.AsMemory(0, ChunkBytes), ChunkBytes, throwOnEndOfStream: false, cancellationToken);
                if (at + length > sizeBytes)
                    return false;
                int padded = (length + ImagePages.PageBytes - 1) / ImagePages.PageBytes * ImagePages.PageBytes;
                buffer.AsSpan(length, padded - length).Clear();
                ImagePages.Write(store, volumeId, at, buffer.AsSpan(0, padded));
                at += padded;
                if (length < ChunkBytes)
                {
                    if (at < sizeBytes)
                        store.Clear(volumeId, at, sizeBytes - at);
                    return true;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
