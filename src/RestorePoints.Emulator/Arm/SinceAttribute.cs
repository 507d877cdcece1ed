namespace RestorePoints.Emulator.Arm;

/// <summary>The api-version that introduced a property of a wire model: older versions neither show nor read it. Source: the published types.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SinceAttribute(string apiVersion) : Attribute
{
    public string ApiVersion { get; } = apiVersion;

    /// <summary>The last version that has the property; null: the newest has it.</summary>
    public string? Last { get; init; }

    public bool Includes(string apiVersion) => !ApiVersions.IsBefore(apiVersion, ApiVersion) && (Last is null || !ApiVersions.IsBefore(Last, apiVersion));
}
