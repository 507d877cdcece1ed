using System.Text;
using System.Text.RegularExpressions;

namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// A pattern of paths: <c>*</c> is any text without a slash, <c>**</c> any text, <c>/**/</c> also a single slash. Case does not matter, as in ARM ids. It
/// matches in time linear in the path, whatever the pattern.
/// </summary>
public sealed class PathGlob
{
    private const int LongestPattern = 2048;

    private readonly Regex _regex;

    private PathGlob(string pattern)
    {
        Pattern = pattern;
        _regex = new Regex(ToRegex(pattern), RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Singleline);
    }

    public string Pattern { get; }

    /// <summary>null: no path can match, since every path begins with a slash, or the pattern is longer than 2,048 characters.</summary>
    public static PathGlob? Parse(string pattern) => pattern.Length <= LongestPattern && pattern is ['/' or '*', ..] ? new PathGlob(pattern) : null;

    public bool IsMatch(string path) => _regex.IsMatch(path);

    private static string ToRegex(string pattern)
    {
        var regex = new StringBuilder(@"\A");
        for (int at = 0; at < pattern.Length;)
        {
            if (string.CompareOrdinal(pattern, at, "/**/", 0, 4) == 0)
            {
                regex.Append("/(?:.*/)?");
                at += 4;
            }
            else if (string.CompareOrdinal(pattern, at, "**", 0, 2) == 0)
            {
                regex.Append(".*");
                at += 2;
            }
            else
            {
                regex.Append(pattern[at] == '*' ? "[^/]*" : Regex.Escape(pattern[at].ToString()));
                at++;
            }
        }
        return regex.Append(@"\z").ToString();
    }
}
