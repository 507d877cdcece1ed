namespace RestorePoints.SnapshotEngine.Tests;

/// <summary>A directory of its own, in memory where the system offers that: most tests kill processes, not power.</summary>
internal sealed class TestDirectory : IDisposable
{
    public TestDirectory()
    {
        string parent = Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath();
        Path = System.IO.Path.Combine(parent, $"restorepoints-{Guid.NewGuid():n}");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    /// <summary>What a crash at this instant would leave behind.</summary>
    public TestDirectory Copy()
    {
        var copy = new TestDirectory();
        foreach (string file in Directory.EnumerateFiles(Path))
        {
            string name = System.IO.Path.GetFileName(file);
            if (name != "lock") File.Copy(file, System.IO.Path.Combine(copy.Path, name));
        }

        return copy;
    }

    public string[] Files(string pattern) => [.. Directory.EnumerateFiles(Path, pattern).Order()];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
