namespace RestorePoints.Emulator.VhdImports;

/// <summary>How slow the server of an import may be: a slower one would keep others waiting.</summary>
/// <param name="Silence">At most until it answers, and then for each MiB.</param>
/// <param name="BytesPerSecond">At least, on average, after as long a silence; the time that the import itself takes does not count.</param>
internal sealed record ServerPatience(TimeSpan Silence, long BytesPerSecond)
{
    /// <summary>The slowest server needs twelve days for a TiB.</summary>
    public static ServerPatience Default { get; } = new(TimeSpan.FromSeconds(30), 1 << 20);
}
