using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// Which regions are lost. What is in such a region cannot be asked or changed, and operations that were accepted there wait; back online, everything is
/// as it was. Kept in the catalog: it is a state of the world. Asked on every request, so from memory.
/// </summary>
public sealed class RegionStates
{
    private const string SettingPrefix = "region.";

    private volatile Known _known = new([]);

    /// <summary>Whether any region is offline.</summary>
    public bool AnyOffline => _known.Offline.Count > 0;

    /// <summary>The regions whose state was ever set.</summary>
    public IReadOnlyDictionary<string, RegionState> All => _known.States;

    /// <param name="location">Region name in lower case without spaces.</param>
    public bool IsOffline(string location) => _known.Offline.Contains(location);

    /// <exception cref="ArmException">ServiceUnavailable: the region is offline.</exception>
    /// <param name="location">Region name in lower case without spaces.</param>
    public void RequireOnline(string location)
    {
        if (IsOffline(location))
            throw ArmErrors.RegionUnavailable(location).AsException();
    }

    /// <summary>Returns once the region is online; at once when it is.</summary>
    public async Task WhenOnlineAsync(string location, CancellationToken cancellationToken)
    {
        while (_known is var known && known.Offline.Contains(location))
            await known.Replaced.Task.WaitAsync(cancellationToken);
    }

    /// <summary>At start, and after the catalog was replaced.</summary>
    public async Task LoadAsync(EmulatorDbContext db)
    {
        Dictionary<string, RegionState> states = await db.Settings.AsNoTracking().Where(setting => setting.Name.StartsWith(SettingPrefix))
            .ToDictionaryAsync(setting => setting.Name.Substring(SettingPrefix.Length), setting => Enum.Parse<RegionState>(setting.Value));
        Become(states);
    }

    /// <summary>Inside a write of the catalog, which the caller commits and then calls <see cref="LoadAsync"/>.</summary>
    /// <param name="location">Region name in lower case without spaces.</param>
    public static async Task SetAsync(EmulatorDbContext db, string location, RegionState state)
    {
        string name = SettingPrefix + location;
        if (await db.Settings.SingleOrDefaultAsync(setting => setting.Name == name) is { } setting)
            setting.Value = state.ToString();
        else
            db.Settings.Add(new StoreSetting { Name = name, Value = state.ToString() });
    }

    /// <summary>Inside a write of the catalog, as <see cref="SetAsync"/>: all regions are online, and none was ever set.</summary>
    public static Task ClearAsync(EmulatorDbContext db) => db.Settings.Where(setting => setting.Name.StartsWith(SettingPrefix)).ExecuteDeleteAsync();

    private void Become(Dictionary<string, RegionState> states)
    {
        Known before = _known;
        _known = new Known(states);
        before.Replaced.SetResult();
    }

    /// <summary>The states of one moment; <see cref="Replaced"/> ends with it.</summary>
    private sealed class Known(Dictionary<string, RegionState> states)
    {
        public Dictionary<string, RegionState> States { get; } = states;

        public HashSet<string> Offline { get; } = [.. states.Where(region => region.Value == RegionState.Offline).Select(region => region.Key)];

        public TaskCompletionSource Replaced { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

public enum RegionState
{
    Online,
    Offline,
}
