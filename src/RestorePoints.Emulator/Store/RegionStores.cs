using System.Collections.Concurrent;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Store;

/// <summary>One snapshot store per Azure region, in <c>{DataDirectory}/regions/{region}</c>; opened on first use. Regions share nothing.</summary>
public sealed class RegionStores(string dataDirectory, SnapshotStoreOptions options) : IDisposable
{
    private readonly string _directory = Path.Combine(dataDirectory, "regions");
    private readonly ConcurrentDictionary<string, SnapshotStore> _stores = new(StringComparer.Ordinal);
    private readonly Lock _opening = new();

    /// <param name="location">Region name in lower case without spaces.</param>
    public SnapshotStore Get(string location) =>
        _stores.TryGetValue(location, out SnapshotStore? open) ? open : Open(location);

    /// <summary>Every region that has data, open or not.</summary>
    public IReadOnlyList<string> Existing() =>
        Directory.Exists(_directory)
            ? [.. Directory.EnumerateDirectories(_directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
            : [];

    public string DirectoryOf(string region) => Path.Combine(_directory, region);

    /// <summary>Puts other stores, one directory for each region, in the place of all that there are. Who still uses one of those fails.</summary>
    /// <param name="directory">Becomes <c>regions</c>.</param>
    /// <param name="replaced">Takes what was there; in the same file system and absent.</param>
    public void Replace(string directory, string replaced)
    {
        lock (_opening)
        {
            Dispose();
            _stores.Clear();
            if (Directory.Exists(_directory))
                StoreImage.MoveDirectory(_directory, replaced);
            StoreImage.MoveDirectory(directory, _directory);
        }
    }

    public void Dispose()
    {
        foreach (SnapshotStore store in _stores.Values)
            store.Dispose();
    }

    /// <summary>One at a time: two would lock each other out of the directory.</summary>
    private SnapshotStore Open(string location)
    {
        lock (_opening)
            return _stores.GetOrAdd(location, region => SnapshotStore.Open(DirectoryOf(region), options));
    }
}
