using System.Collections.Concurrent;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Store;

/// <summary>One snapshot store per Azure region, in <c>{DataDirectory}/regions/{region}</c>; opened on first use. Regions share nothing.</summary>
public sealed class RegionStores(string dataDirectory, SnapshotStoreOptions options) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<SnapshotStore>> _stores = new(StringComparer.Ordinal);

    /// <param name="location">Region name in lower case without spaces.</param>
    public SnapshotStore Get(string location) =>
        _stores.TryGetValue(location, out Lazy<SnapshotStore>? open) ? open.Value : _stores.GetOrAdd(location, region => new Lazy<SnapshotStore>(() => SnapshotStore.Open(DirectoryOf(region), options))).Value;

    /// <summary>Every region that has data, open or not.</summary>
    public IReadOnlyList<string> Existing() =>
        Directory.Exists(Path.Combine(dataDirectory, "regions"))
            ? [.. Directory.EnumerateDirectories(Path.Combine(dataDirectory, "regions")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
            : [];

    public string DirectoryOf(string region) => Path.Combine(dataDirectory, "regions", region);

    public void Dispose()
    {
        foreach (Lazy<SnapshotStore> store in _stores.Values)
            if (store.IsValueCreated)
                store.Value.Dispose();
    }
}
