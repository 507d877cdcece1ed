using Microsoft.Win32.SafeHandles;

namespace RestorePoints.SnapshotEngine;

/// <summary>A file read and written by position; every file of the store goes through here.</summary>
internal sealed class StoreFile : IDisposable
{
    private readonly SafeFileHandle _handle;

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

    public void Write(long offsetBytes, ReadOnlySpan<byte> source) => RandomAccess.Write(_handle, source, offsetBytes);

    public void SetLength(long lengthBytes) => RandomAccess.SetLength(_handle, lengthBytes);

    public void Flush() => LinuxFileSystem.FlushData(_handle);

    public void PunchHole(long offsetBytes, long lengthBytes) => LinuxFileSystem.PunchHole(_handle, offsetBytes, lengthBytes);

    public void Dispose() => _handle.Dispose();
}
