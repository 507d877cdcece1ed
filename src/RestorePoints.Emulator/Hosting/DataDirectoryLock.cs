namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// One running emulator per data directory: an exclusive lock on <c>{DataDirectory}/lock</c>, held until disposed. The operating system
/// holds it for the process (flock), so a killed process leaves the file but no lock. Nothing in the directory may be opened before.
/// </summary>
public sealed class DataDirectoryLock : IDisposable
{
    public const string FileName = "lock";

    /// <summary>EWOULDBLOCK of flock, and a sharing violation.</summary>
    private const int LockedOnLinux = 11;
    private const int LockedOnMac = 35;
    private const int LockedOnWindows = unchecked((int)0x80070020);

    private readonly FileStream _file;

    private DataDirectoryLock(string path, FileStream file)
    {
        Path = path;
        _file = file;
    }

    /// <summary>The data directory, absolute. It exists.</summary>
    public string Path { get; }

    /// <summary>Makes the directory when absent, for this user alone: it holds the bytes of disks and the keys that sign SAS and tokens.</summary>
    /// <exception cref="StartException">Another emulator runs on the directory, or it cannot be made or written.</exception>
    public static DataDirectoryLock Acquire(string dataDirectory)
    {
        string path = System.IO.Path.GetFullPath(dataDirectory);
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(path);
            else
                Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"the data directory {path} cannot be made: {e.Message}", e);
        }

        string lockFile = System.IO.Path.Combine(path, FileName);
        try
        {
            return new DataDirectoryLock(path, new FileStream(lockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StartException($"the data directory {path} cannot be written: {e.Message}", e);
        }
        catch (IOException e) when (e.HResult is not (LockedOnLinux or LockedOnMac or LockedOnWindows))
        {
            throw new StartException($"the data directory {path} cannot be locked: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new StartException($"the data directory {path} is in use by another emulator. Stop that one, or give this one a directory of its own: --Emulator:DataDirectory=<path>.", e);
        }
    }

    public void Dispose() => _file.Dispose();
}
