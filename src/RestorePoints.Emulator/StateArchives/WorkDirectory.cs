namespace RestorePoints.Emulator.StateArchives;

/// <summary>A directory inside the data directory for one export or import, for this user alone. What a crash leaves of it, the next start removes.</summary>
internal sealed class WorkDirectory : IDisposable
{
    private const string Prefix = "archive-";

    public WorkDirectory(string dataDirectory)
    {
        Path = System.IO.Path.Combine(dataDirectory, $"{Prefix}{Guid.NewGuid():N}");
        Create(Path);
    }

    public string Path { get; }

    /// <summary>The path of a file or directory in it.</summary>
    public string Of(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Path, .. parts]);

    public string CreateDirectory(params ReadOnlySpan<string> parts)
    {
        string path = Of(parts);
        Create(path);
        return path;
    }

    /// <summary>At start.</summary>
    public static void RemoveLeftovers(string dataDirectory)
    {
        foreach (string path in Directory.EnumerateDirectories(dataDirectory, $"{Prefix}*"))
            if (Guid.TryParseExact(System.IO.Path.GetFileName(path)[Prefix.Length..], "N", out _))
                Directory.Delete(path, recursive: true);
    }

    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }

    private static void Create(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
