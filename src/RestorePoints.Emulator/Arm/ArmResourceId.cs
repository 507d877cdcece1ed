using System.Diagnostics.CodeAnalysis;

namespace RestorePoints.Emulator.Arm;

/// <summary>
/// An ARM id of Microsoft.Compute: <c>/subscriptions/{guid}/resourceGroups/{group}/providers/Microsoft.Compute/{type}/{name}[/{type}/{name}…]</c>.
/// Keywords and types compare without regard to case; <see cref="Type"/> is in the canonical spelling of the caller's test.
/// </summary>
public sealed record ArmResourceId(Guid SubscriptionId, string ResourceGroup, string Type, IReadOnlyList<string> Names)
{
    public const string Provider = "Microsoft.Compute";

    /// <summary>Name of the resource itself: the last one.</summary>
    public string Name => Names[^1];

    public bool IsOfType(string type) => Type.Equals(type, StringComparison.OrdinalIgnoreCase);

    public static bool TryParse(string? text, [NotNullWhen(true)] out ArmResourceId? id)
    {
        id = null;
        if (text is null || !text.StartsWith('/'))
            return false;
        string[] segments = text[1..].Split('/');
        if (segments.Length < 8 || segments.Length % 2 != 0 || segments.Any(string.IsNullOrWhiteSpace)
            || !Is(segments[0], "subscriptions") || !Guid.TryParseExact(segments[1], "D", out Guid subscription)
            || !Is(segments[2], "resourceGroups") || !Is(segments[4], "providers") || !Is(segments[5], Provider))
            return false;
        id = new ArmResourceId(subscription, segments[3], string.Join('/', segments.Skip(6).Where((_, index) => index % 2 == 0)),
            [.. segments.Skip(6).Where((_, index) => index % 2 == 1)]);
        return true;

        static bool Is(string segment, string keyword) => segment.Equals(keyword, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>For an id that a validator has let through or that we made.</summary>
    public static ArmResourceId Parse(string text) => TryParse(text, out ArmResourceId? id) ? id : throw new FormatException($"'{text}' is not an ARM id.");

    public static string ResourceGroupId(Guid subscriptionId, string resourceGroup) => $"/subscriptions/{subscriptionId}/resourceGroups/{resourceGroup}";

    /// <summary>Id of a tracked resource.</summary>
    public static string Of(Guid subscriptionId, string resourceGroup, string type, string name) =>
        $"{ResourceGroupId(subscriptionId, resourceGroup)}/providers/{Provider}/{type}/{name}";
}
