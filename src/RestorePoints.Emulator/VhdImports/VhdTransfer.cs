using System.Buffers;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.VhdImports;

/// <summary>
/// Reads a fixed VHD into a volume of the engine, with one buffer. Zeros are not written and take no space. A few imports run at a time, the others wait.
/// </summary>
public sealed class VhdTransfer(ImportRoots roots, ILogger<VhdTransfer> log) : IDisposable
{
    private const int ChunkBytes = 1 << 20;
    private const int SideBySide = 4;
    private const int MiB = 1 << 20;

    /// <summary>Between two looks whether the import is still wanted.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _room = new(SideBySide, SideBySide);
    private readonly HttpClient _http = HttpSource.NewClient();

    internal ServerPatience Patience { get; init; } = ServerPatience.Default;

    /// <summary>Reads the VHD. What an interrupted run left in the volume is replaced.</summary>
    /// <param name="createVolume">Is told the bytes of the disk in the VHD, makes the volume and answers the bytes of it: as many or more.</param>
    /// <param name="requireWanted">Throws when there is no use any more.</param>
    /// <exception cref="ArmException">The source is not allowed, not readable or no fixed VHD.</exception>
    public async Task RunAsync(string sourceUri, SnapshotStore store, Guid volumeId, Func<long, Task<long>> createVolume, Func<Task> requireWanted, CancellationToken cancellationToken)
    {
        while (!await _room.WaitAsync(LookInterval, cancellationToken))
            await requireWanted();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            await using VhdSource source = await OpenAsync(sourceUri, cancellationToken);
            long diskBytes = source.LengthBytes - VhdFooter.LengthBytes;
            int read = (int)Math.Clamp(diskBytes, 0, ChunkBytes);
            await ReadAsync(source, 0, buffer.AsMemory(0, read), requireWanted, cancellationToken);
            RequireFixedVhd(source, buffer.AsSpan(0, read));
            long volumeBytes = await createVolume(diskBytes);

            long looked = TimeProvider.System.GetTimestamp();
            for (long at = 0; ;)
            {
                ImagePages.Write(store, volumeId, at, buffer.AsSpan(0, read));
                at += read;
                long data = Math.Min(source.SkipHole(at) / ChunkBytes * ChunkBytes, diskBytes);
                if (data > at)
                {
                    store.Clear(volumeId, at, data - at);
                    at = data;
                }
                if (at == diskBytes)
                    break;
                if (TimeProvider.System.GetElapsedTime(looked) > LookInterval)
                {
                    await requireWanted();
                    looked = TimeProvider.System.GetTimestamp();
                }
                read = (int)Math.Min(diskBytes - at, ChunkBytes);
                await ReadAsync(source, at, buffer.AsMemory(0, read), requireWanted, cancellationToken);
            }
            await ReadAsync(source, diskBytes, buffer.AsMemory(0, VhdFooter.LengthBytes), requireWanted, cancellationToken);
            RequireFooter(source, buffer.AsSpan(0, VhdFooter.LengthBytes));
            store.Clear(volumeId, diskBytes, volumeBytes - diskBytes);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _room.Release();
        }
    }

    public void Dispose()
    {
        _room.Dispose();
        _http.Dispose();
    }

    private async Task<VhdSource> OpenAsync(string sourceUri, CancellationToken cancellationToken)
    {
        ImportLocation location = roots.Require(sourceUri);
        return location.File is { } file
            ? FileSource.Open(location.Url, file, log)
            : await HttpSource.OpenAsync(_http, location.Url, location.Address!, Patience, cancellationToken);
    }

    /// <summary>Looks whether the import is still wanted also while the source is silent.</summary>
    private static async Task ReadAsync(VhdSource source, long offsetBytes, Memory<byte> buffer, Func<Task> requireWanted, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task reading = source.ReadAsync(offsetBytes, buffer, stop.Token);
        try
        {
            while (!reading.IsCompleted)
            {
                await reading.WaitAsync(LookInterval, TimeProvider.System, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!reading.IsCompleted)
                    await requireWanted();
            }
        }
        catch
        {
            // The buffer is the source's until it has stopped.
            await stop.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        await reading;
    }

    /// <summary>Everything that can be told from the beginning; of a file, from its end too.</summary>
    private static void RequireFixedVhd(VhdSource source, ReadOnlySpan<byte> beginning)
    {
        if (beginning.StartsWith("vhdxfile"u8))
            throw ArmErrors.InvalidVhd(VhdFooter.NotSupported(source.Url, "is a VHDX. Only a fixed VHD can be imported")).AsException();
        // A dynamic or differencing VHD begins with a copy of its footer.
        if (beginning.Length >= VhdFooter.LengthBytes && VhdFooter.IsFooterOfSparseDisk(beginning[..VhdFooter.LengthBytes]))
            throw ArmErrors.InvalidVhd(VhdFooter.NotSupported(source.Url, "is a dynamic or differencing VHD. Only a fixed VHD can be imported")).AsException();
        Span<byte> end = stackalloc byte[VhdFooter.LengthBytes];
        if (source.LengthBytes < VhdFooter.LengthBytes || (source.TryReadEnd(end) && !end.StartsWith("conectix"u8)))
            RequireFooter(source, []);
        long diskBytes = source.LengthBytes - VhdFooter.LengthBytes;
        if (diskBytes == 0 || diskBytes % MiB != 0)
            throw ArmErrors.InvalidVhd(VhdFooter.NotSupported(source.Url, $"has an unsupported virtual size of {diskBytes} bytes. The size must be a whole number (in MBs)")).AsException();
        if (diskBytes > DiskSize.LargestBytes)
            throw ArmErrors.InvalidVhd(VhdFooter.NotSupported(source.Url, $"has an unsupported virtual size of {diskBytes} bytes. The size must be at most {DiskSize.LargestBytes} bytes")).AsException();
        if (source.TryReadEnd(end))
            RequireFooter(source, end);
    }

    private static void RequireFooter(VhdSource source, ReadOnlySpan<byte> footer)
    {
        if (VhdFooter.FindFault(footer, source.LengthBytes - VhdFooter.LengthBytes, source.Url) is { } fault)
            throw ArmErrors.InvalidVhd(fault).AsException();
    }
}
