using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace RestorePoints.SnapshotEngine;

/// <summary>What the engine needs from the kernel and .NET does not offer. Elsewhere than on Linux the nearest .NET call stands in.</summary>
internal static partial class LinuxFileSystem
{
    private const int PunchHoleKeepSize = 0x02 | 0x01;
    private const int EmptyPath = 0x1000;
    private const uint BlocksWanted = 0x400;
    private const int StatxBytes = 256;
    private const int StatxBlocksOffset = 48;
    private const int NotSupported = 95;

    /// <summary>The identity of the running kernel; empty where there is none.</summary>
    public static Guid BootId() =>
        OperatingSystem.IsLinux() && Guid.TryParse(File.ReadAllText("/proc/sys/kernel/random/boot_id"), out Guid id) ? id : Guid.Empty;

    /// <summary>Flushes the data of a file. RandomAccess.FlushToDisk would also flush time stamps.</summary>
    public static void FlushData(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }

        if (fdatasync(file) != 0) throw Failure("fdatasync");
    }

    /// <summary>Makes creations, renames and deletions in a directory durable.</summary>
    public static void FlushDirectory(string path)
    {
        if (!OperatingSystem.IsLinux()) return;
        using SafeFileHandle directory = open(path, 0);
        if (directory.IsInvalid) throw Failure("open");
        if (fsync(directory) != 0) throw Failure("fsync");
    }

    /// <summary>Gives the blocks of a range back to the file system. Where that is not supported, the space stays with the file.</summary>
    public static void PunchHole(SafeFileHandle file, long offsetBytes, long lengthBytes)
    {
        if (!OperatingSystem.IsLinux()) return;
        if (fallocate(file, PunchHoleKeepSize, offsetBytes, lengthBytes) != 0 && Marshal.GetLastPInvokeError() != NotSupported)
            throw Failure("fallocate");
    }

    /// <summary>What a sparse file takes on disk.</summary>
    public static unsafe long AllocatedBytes(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux()) return RandomAccess.GetLength(file);
        byte* result = stackalloc byte[StatxBytes];
        if (statx(file, "", EmptyPath, BlocksWanted, result) != 0) throw Failure("statx");
        return *(long*)(result + StatxBlocksOffset) * 512;
    }

    private static IOException Failure(string call) => new($"{call}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int statx(SafeFileHandle directory, string path, int flags, uint mask, byte* result);
}
