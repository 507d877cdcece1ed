using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// Limits on time, size and number of what clients may hold. They are for clients that are gone, stuck or hostile; nothing that a tool does in earnest
/// comes near them:
/// <code>
///   request line            32 KiB    Azure's operation URLs have 4 KB and more; what is longer gets no ARM body
///   headers                 32 KiB in at most 100, within 30 s              (Kestrel's defaults)
///   idle connection         130 s                                           (Kestrel's default)
///   request body            30 MB     (Kestrel's default) Put Page and ARM have smaller limits of their own and are refused by their headers.
///                                     Of a refused body up to this size Kestrel reads and drops what comes within 5 s, so that its sender sees the answer
///   request body, speed     4 KiB/s on average after the first minute
///   response, no progress   10 minutes
///   connections             as many as the process may open files, less a quarter or 512; more wait, see <see cref="ConnectionQueue"/>
/// </code>
/// </summary>
public static class ConnectionLimits
{
    /// <summary>
    /// How long a client may leave an answer unread. A backup tool whose own target is slow pauses its downloads for minutes; but the bytes of a deleted point
    /// stay on disk as long as somebody reads them.
    /// </summary>
    public static readonly TimeSpan LongestStall = TimeSpan.FromMinutes(10);

    /// <summary>The program itself has some 300 files open: its libraries above all.</summary>
    private const int ReservedFiles = 512;

    private const int FewestConnections = 16;

    /// <summary>Where the system does not tell how many files a process may open: all but Linux.</summary>
    private const int ConnectionsElsewhere = 1024;

    private const string LimitsFile = "/proc/self/limits";

    // An upload that stalls holds a buffer of 4 MiB, so even one that sent nearly all of it is dropped after a quarter of an hour.
    private static readonly MinDataRate s_requestBody = new(bytesPerSecond: 4096, gracePeriod: TimeSpan.FromMinutes(1));

    public static void Set(KestrelServerLimits limits, TimeSpan longestStall)
    {
        limits.MaxRequestLineSize = 32 * 1024;
        limits.MinRequestBodyDataRate = s_requestBody;

        // Kestrel gives each write its bytes divided by the rate, at least the grace period, and adds what earlier writes did not use. At a true minimum
        // rate a client that read 256 MiB could then stop for days; at an endless one each write has the grace period, from when it was made.
        limits.MinResponseDataRate = new MinDataRate(double.MaxValue, longestStall);
    }

    /// <summary>Over all endpoints. The rest of the files is for the store and the runtime, which fail without.</summary>
    public static int MaxConnections() => MaxConnections(File.Exists(LimitsFile) ? File.ReadLines(LimitsFile) : []);

    /// <param name="limits">Lines of <c>/proc/self/limits</c>; empty where there is none.</param>
    internal static int MaxConnections(IEnumerable<string> limits)
    {
        const string name = "Max open files";
        if (limits.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is not { } line)
            return ConnectionsElsewhere;
        string soft = line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        // "unlimited", or more than there can be.
        int files = int.TryParse(soft, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
        return Math.Max(FewestConnections, files - Math.Max(ReservedFiles, files / 4));
    }
}
