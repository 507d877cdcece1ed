namespace RestorePoints.Emulator.Arm;

/// <summary>A region of Azure's public cloud.</summary>
/// <param name="Name"><c>westeurope</c>.</param>
/// <param name="DisplayName"><c>West Europe</c>.</param>
/// <param name="GeographyGroup">US, Europe, Asia Pacific …</param>
public sealed record Region(string Name, string DisplayName, string GeographyGroup);

/// <summary>Azure region names as ARM compares them.</summary>
public static class Regions
{
    /// <summary>The regions that lists show. Any other well-formed name is a region too.</summary>
    public static IReadOnlyList<Region> Known { get; } =
    [
        .. Of("US", "East US", "East US 2", "Central US", "North Central US", "South Central US", "West Central US", "West US", "West US 2", "West US 3"),
        .. Of("Canada", "Canada Central", "Canada East"),
        .. Of("South America", "Brazil South", "Chile Central"),
        .. Of("Mexico", "Mexico Central"),
        .. Of("Europe", "North Europe", "West Europe", "UK South", "UK West", "France Central", "France South", "Germany West Central", "Germany North", "Switzerland North",
            "Switzerland West", "Norway East", "Norway West", "Sweden Central", "Poland Central", "Italy North", "Spain Central", "Austria East"),
        .. Of("Asia Pacific", "East Asia", "Southeast Asia", "Australia East", "Australia Southeast", "Australia Central", "Japan East", "Japan West", "Korea Central", "Korea South",
            "Central India", "South India", "West India", "Indonesia Central", "Malaysia West", "New Zealand North"),
        .. Of("Middle East", "UAE North", "UAE Central", "Qatar Central", "Israel Central"),
        .. Of("Africa", "South Africa North", "South Africa West"),
    ];

    /// <summary><c>East US</c> and <c>eastus</c> are one region: lower case without spaces.</summary>
    public static string Normalize(string location) => location.Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>True for what can be a region name: letters and digits only, at most 40, so that it is safe as a folder name too.</summary>
    public static bool IsWellFormed(string location) =>
        Normalize(location) is { Length: > 0 and <= 40 } name && name.All(char.IsAsciiLetterOrDigit);

    private static IEnumerable<Region> Of(string group, params string[] names) => names.Select(name => new Region(Normalize(name), name, group));
}
