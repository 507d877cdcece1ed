using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.VhdImports;

/// <summary>A file, whose holes are not read.</summary>
internal sealed partial class FileSource : VhdSource
{
    // Linux on x86-64 and ARM64.
    private const int SeekData = 3, NoSuchData = 6, NoSuchFile = 2, IsFileInPath = 20, NotPermitted = 13, NonBlocking = 0x800, CloseOnExec = 0x80000;

    private readonly SafeFileHandle _file;
    private readonly ILogger _log;

    private FileSource(string url, SafeFileHandle file, ILogger log) : base(url, RandomAccess.GetLength(file)) => (_file, _log) = (file, log);

    /// <exception cref="ArmException">There is no such file, or it is no longer where it was found.</exception>
    public static FileSource Open(string url, ImportFile file, ILogger log)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = OpenHandle(file.Path);
            if (FaultOf(handle, file) is { } fault)
                throw ArmErrors.ImportSourceUnreadable(url, fault).AsException();
            var source = new FileSource(url, handle, log);
            handle = null;
            return source;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw ArmErrors.ImportSourceUnreadable(url, "there is no such file").AsException();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnreadable(log, exception, url);
            throw ArmErrors.ImportSourceUnreadable(url, "the file cannot be opened").AsException();
        }
        finally
        {
            handle?.Dispose();
        }
    }

    public override Task ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Fill(offsetBytes, buffer.Span);
        return Task.CompletedTask;
    }

    public override bool TryReadEnd(Span<byte> buffer)
    {
        Fill(LengthBytes - buffer.Length, buffer);
        return true;
    }

    public override long SkipHole(long offsetBytes)
    {
        if (!OperatingSystem.IsLinux())
            return offsetBytes;
        long data = lseek(_file, offsetBytes, SeekData);
        if (data >= 0)
            return data;
        // No data up to the end, or a file system that does not tell.
        return Marshal.GetLastPInvokeError() == NoSuchData ? LengthBytes : offsetBytes;
    }

    public override ValueTask DisposeAsync()
    {
        _file.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Fill(long offsetBytes, Span<byte> buffer)
    {
        try
        {
            while (buffer.Length > 0)
            {
                int read = RandomAccess.Read(_file, buffer, offsetBytes);
                if (read == 0)
                    throw EndedEarly(offsetBytes);
                offsetBytes += read;
                buffer = buffer[read..];
            }
        }
        catch (IOException exception)
        {
            LogUnreadable(_log, exception, Url);
            throw Unreadable("the file cannot be read");
        }
    }

    /// <summary>Does not wait for the other end of a pipe.</summary>
    private static SafeFileHandle OpenHandle(string path)
    {
        if (!OperatingSystem.IsLinux())
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        int descriptor = open(path, NonBlocking | CloseOnExec);
        if (descriptor >= 0)
            return new SafeFileHandle(descriptor, ownsHandle: true);
        throw Marshal.GetLastPInvokeError() switch
        {
            NoSuchFile or IsFileInPath => new FileNotFoundException(),
            NotPermitted => new UnauthorizedAccessException(),
            int error => new IOException($"open: error {error}"),
        };
    }

    /// <summary>What is wrong with what was opened, whatever was found under its name before.</summary>
    private static string? FaultOf(SafeFileHandle handle, ImportFile file)
    {
        if (OperatingSystem.IsLinux())
        {
            string opened = $"/proc/self/fd/{handle.DangerousGetHandle()}";
            if (new FileInfo(opened).LinkTarget is not { } path || !ImportFile.IsBelow(path, file.Folder))
                return "it is outside of the folders of the emulator's setting Emulator:ImportRoots";
            if (Directory.Exists(opened))
                return "it is not a file";
        }
        try
        {
            // Pipes and devices have no length.
            return RandomAccess.GetLength(handle) == 0 ? "it is empty or not a file" : null;
        }
        catch (NotSupportedException)
        {
            return "it is empty or not a file";
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The import source {Url} cannot be read")]
    private static partial void LogUnreadable(ILogger log, Exception exception, string url);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(SafeFileHandle file, long offset, int whence);
}
