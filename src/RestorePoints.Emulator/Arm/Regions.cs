namespace RestorePoints.Emulator.Arm;

/// <summary>Azure region names as ARM compares them.</summary>
public static class Regions
{
    /// <summary><c>East US</c> and <c>eastus</c> are one region: lower case without spaces.</summary>
    public static string Normalize(string location) => location.Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>True for what can be a region name: letters and digits only, at most 40, so that it is safe as a folder name too.</summary>
    public static bool IsWellFormed(string location) =>
        Normalize(location) is { Length: > 0 and <= 40 } name && name.All(char.IsAsciiLetterOrDigit);
}
