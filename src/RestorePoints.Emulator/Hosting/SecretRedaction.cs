using System.Text.RegularExpressions;

namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// Takes out of a text what would open a disk or pass for a caller: the signature of a SAS, bearer tokens, client secrets and passwords.
/// Works on anything that is written down (a URL, an exception's message), also where a URL is itself an encoded part of another.
/// </summary>
public static partial class SecretRedaction
{
    public const string Removed = "[removed]";

    public static string Redact(string text) => text.Length == 0 ? text : Bearer().Replace(Parameter().Replace(text, "$1" + Removed), "$1" + Removed);

    /// <summary>
    /// The name of a secret parameter, then <c>=</c> (or <c>": "</c> in JSON), then the value up to the end of the parameter. Letters may be
    /// percent-encoded, separators so any number of times.
    /// </summary>
    [GeneratedRegex("""
        (
          (?: (?<![A-Za-z0-9_]) | (?<=%(?:25)*[0-9A-F]{2}) )
          (?: (?:s|%[57]3)(?:i|%[46]9)(?:g|%[46]7) | client(?:_|%5F)secret | client(?:_|%5F)assertion | password | (?:access|refresh)(?:_|%5F)token )
          (?: = | %(?:25)*3D | "\s*:\s*" )
        )
        (?: (?!%(?:25)*26) [^&\s"'<>] )+
        """, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Parameter();

    [GeneratedRegex("""(Bearer(?:\s|%20)+)[A-Za-z0-9._~+/=%-]{8,}""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Bearer();
}
