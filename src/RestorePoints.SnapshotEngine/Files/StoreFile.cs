using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace RestorePoints.SnapshotEngine;

/// <summary>A file read and written by position; every file of the store goes through here.</summary>
internal sealed class StoreFile : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly Lock _mapping = new();
    private MemoryMappedViewAccessor? _view;
    private bool _cannotMap;

    private StoreFile(string path, SafeFileHandle handle)
    {
        Path = path;
        _handle = handle;
    }

    public string Path { get; }

    public string Name => System.IO.Path.GetFileName(Path);

    public long LengthBytes => RandomAccess.GetLength(_handle);

    public long AllocatedBytes => LinuxFileSystem.AllocatedBytes(_handle);

    public static StoreFile Create(string path) => new(path, File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));

    public static StoreFile Open(string path) => new(path, File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));

    /// <summary>Fills the destination; the end of the file before that is damage.</summary>
    public void Read(long offsetBytes, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(_handle, destination, offsetBytes);
            if (read == 0) throw new StoreFormatException(Name, $"ends before offset {offsetBytes + destination.Length}.");
            offsetBytes += read;
            destination = destination[read..];
        }
    }

    /// <summary>
    /// Fills the destination by copying from a mapping, which for a few pages is several times faster than a system call.
    /// The length of the file must not change any more. Falls back to reading where the kernel maps no more files.
    /// </summary>
    public unsafe void ReadMapped(long offsetBytes, Span<byte> destination)
    {
        if ((_view ?? Map()) is not { } view)
        {
            Read(offsetBytes, destination);
            return;
        }

        byte* start = null;
        // Counts as a use of the mapping: closing the file meanwhile waits with unmapping until it is released.
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            new ReadOnlySpan<byte>(start + offsetBytes, destination.Length).CopyTo(destination);
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    public void Write(long offsetBytes, ReadOnlySpan<byte> source) => RandomAccess.Write(_handle, source, offsetBytes);

    public void SetLength(long lengthBytes) => RandomAccess.SetLength(_handle, lengthBytes);

    public void Flush() => LinuxFileSystem.FlushData(_handle);

    public void PunchHole(long offsetBytes, long lengthBytes) => LinuxFileSystem.PunchHole(_handle, offsetBytes, lengthBytes);

    public void Dispose()
    {
        lock (_mapping)
        {
            _cannotMap = true;
            _view?.Dispose();
            _handle.Dispose();
        }
    }

    private MemoryMappedViewAccessor? Map()
    {
        lock (_mapping)
        {
            if (_view is not null || _cannotMap) return _view;
            try
            {
                using var file = MemoryMappedFile.CreateFromFile(_handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
                return _view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            }
            catch (Exception failure) when (failure is IOException or OutOfMemoryException)
            {
                _cannotMap = true;
                return null;
            }
        }
    }
}
