using System.Text.RegularExpressions;

namespace RestorePoints.Emulator.Arm;

/// <summary>The two families of api-versions of Microsoft.Compute, and the other providers', whose versions are not checked beyond their form.</summary>
public enum ApiVersionFamily
{
    /// <summary>Virtual machines, restore point collections, restore points, and their operations.</summary>
    Compute,

    /// <summary>Disks, snapshots, disk restore points (although they live below restore points), and DiskOperations.</summary>
    Disk,

    /// <summary>The other providers: subscriptions, tenants, resource groups, locks, features, provider metadata.</summary>
    Resources,
}

/// <summary>Marks a controller with the family of its api-versions and the type that errors name.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ArmResourceTypeAttribute(string type, ApiVersionFamily family) : Attribute
{
    private IReadOnlyList<string>? _versions;

    /// <summary>Type without the namespace: <c>restorePointCollections/restorePoints</c>.</summary>
    public string Type { get; } = type;
    public ApiVersionFamily Family { get; } = family;

    /// <summary>The version that introduced the type; <c>""</c>: it is as old as its family.</summary>
    public string First { get; init; } = "";

    /// <summary>The oldest version that the emulator serves; <c>""</c>: all of them.</summary>
    public string ServedSince { get; init; } = "";

    /// <summary>Published versions of the type, oldest first; empty where any well-formed version is served.</summary>
    public IReadOnlyList<string> Versions => _versions ??= [.. ApiVersions.Of(Family).Where(version => string.CompareOrdinal(version, First) >= 0)];
}

/// <summary>Published api-versions. Source: the api-version folders of the public specifications.</summary>
public static partial class ApiVersions
{
    private static readonly string[] Compute =
    [
        "2015-06-15", "2016-03-30", "2016-04-30-preview", "2017-03-30", "2017-12-01", "2018-04-01", "2018-06-01", "2018-10-01", "2019-03-01", "2019-07-01",
        "2019-12-01", "2020-06-01", "2020-12-01", "2021-03-01", "2021-04-01", "2021-07-01", "2021-11-01", "2022-03-01", "2022-08-01", "2022-11-01",
        "2023-03-01", "2023-07-01", "2023-09-01", "2024-03-01", "2024-07-01", "2024-11-01", "2025-04-01", "2025-11-01", "2026-03-01", "2026-04-01",
    ];

    private static readonly string[] Disk =
    [
        "2016-04-30-preview", "2017-03-30", "2018-04-01", "2018-06-01", "2018-09-30", "2019-03-01", "2019-07-01", "2019-11-01", "2020-05-01", "2020-06-30",
        "2020-09-30", "2020-12-01", "2021-04-01", "2021-08-01", "2021-12-01", "2022-03-02", "2022-07-02", "2023-01-02", "2023-04-02", "2023-10-02",
        "2024-03-02", "2025-01-02", "2026-03-02",
    ];

    /// <summary>Published versions of a family, oldest first; empty where any well-formed version is served.</summary>
    public static IReadOnlyList<string> Of(ApiVersionFamily family) => family switch
    {
        ApiVersionFamily.Compute => Compute,
        ApiVersionFamily.Disk => Disk,
        _ => [],
    };

    /// <summary>True for a version of either family.</summary>
    public static bool IsPublished(string version) => Compute.Contains(version) || Disk.Contains(version);

    public static bool IsBefore(string version, string introduced) => string.CompareOrdinal(version, introduced) < 0;

    [GeneratedRegex(@"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(-preview|-privatepreview|-alpha|-beta)?$", RegexOptions.CultureInvariant)]
    public static partial Regex WellFormed { get; }

    /// <summary>The api-version by which this request is read and answered; <c>""</c> outside ARM.</summary>
    public static string ApiVersion(this HttpContext context) => context.Items.TryGetValue(typeof(ApiVersions), out object? version) ? (string)version! : "";

    public static void SetApiVersion(this HttpContext context, string version) => context.Items[typeof(ApiVersions)] = version;
}
