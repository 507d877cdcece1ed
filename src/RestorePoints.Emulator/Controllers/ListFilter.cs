using System.Text.RegularExpressions;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>A <c>$filter</c> of ARM's own lists: terms <c>name eq 'value'</c> joined by <c>and</c>. Any other expression is refused.</summary>
public sealed partial class ListFilter
{
    private readonly Dictionary<string, string> _terms = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="filter">null: everything matches.</param>
    /// <param name="names">What may be filtered by.</param>
    public static ListFilter Parse(string? filter, params string[] names)
    {
        ListFilter parsed = new();
        if (filter is null)
            return parsed;
        foreach (string term in And.Split(filter.Trim()))
        {
            Match match = Term.Match(term);
            string name = match.Groups["name"].Value;
            if (!match.Success || !names.Contains(name, StringComparer.OrdinalIgnoreCase)
                || !parsed._terms.TryAdd(name, match.Groups["value"].Value.Replace("''", "'", StringComparison.Ordinal)))
                throw ArmErrors.InvalidFilter(filter, names).AsException();
        }
        return parsed;
    }

    /// <summary>The value that a name must have; null when the filter does not say.</summary>
    public string? this[string name] => _terms.GetValueOrDefault(name);

    /// <summary>Tag names compare without regard to case, values with.</summary>
    public bool MatchesTags(Tags? tags)
    {
        string? name = this["tagName"], value = this["tagValue"];
        return (name is null && value is null)
            || (tags is not null && tags.Pairs.Any(tag => (name is null || tag.Key.Equals(name, StringComparison.OrdinalIgnoreCase)) && (value is null || tag.Value == value)));
    }

    [GeneratedRegex(@"\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex And { get; }

    [GeneratedRegex(@"^\(?\s*(?<name>\w+)\s+eq\s+'(?<value>(?:[^']|'')*)'\s*\)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Term { get; }
}
