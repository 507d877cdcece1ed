using System.Reflection;
using System.Text.RegularExpressions;

namespace RestorePoints.Emulator.StateArchives;

/// <summary>
/// The format of a state archive, docs/state-archives.md: a gzip of a tar with these members, in this order.
/// <code>
///   manifest.json            <see cref="StateManifest"/>
///   catalog.db               the catalog, SQLite
///   regions/{region}/index   index of the region's store, on-disk-format.md (checkpoint)
///   regions/{region}/pages   the pages that the index names, by ascending slot
///   checksums.json           a list of <see cref="MemberChecksum"/>, one for each member before it
/// </code>
/// </summary>
internal static partial class StateArchive
{
    public const int Format = 1;
    public const string Manifest = "manifest.json";
    public const string Catalog = "catalog.db";
    public const string Checksums = "checksums.json";

    /// <summary>Of this program, as the manifest shows it.</summary>
    public static string ProgramVersion { get; } =
        typeof(StateArchive).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    public static string IndexOf(string region) => $"regions/{region}/index";

    public static string PagesOf(string region) => $"regions/{region}/pages";

    /// <summary>What a region may be called in an archive: the name becomes one of a directory.</summary>
    public static bool IsRegion(string name) => Region().IsMatch(name);

    [GeneratedRegex("^[a-z0-9]{1,64}$")]
    private static partial Regex Region();
}

/// <summary>The first member of an archive.</summary>
/// <param name="Format">The program reads its own format only.</param>
/// <param name="Program">Version of the program that wrote it; for messages.</param>
/// <param name="Created">Real time.</param>
/// <param name="Regions">Those that have data, in the order of their members.</param>
internal sealed record StateManifest(int Format, string Program, DateTimeOffset Created, IReadOnlyList<string> Regions);

/// <param name="Sha256">Lower-case hexadecimal.</param>
internal sealed record MemberChecksum(string Name, long Bytes, string Sha256);

/// <summary>An archive cannot be taken in; the message says why, for whoever gave it. Nothing was changed.</summary>
public sealed class StateArchiveException(string message, Exception? innerException = null) : Exception(message, innerException);
