using System.Text.RegularExpressions;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Takes signatures and bearer tokens out of text before it is logged: a leaked SAS is a leaked disk.</summary>
public static partial class SecretRedaction
{
    public static string RedactSecrets(string urlOrText) =>
        BearerToken().Replace(Signature().Replace(urlOrText, "$1REDACTED"), "$1REDACTED");

    /// <summary>Also a signature inside a URL that is itself percent-encoded: there <c>%26</c> ends it.</summary>
    [GeneratedRegex("""(?<![A-Za-z])(sig(?:=|%3D))(?:(?!%26)[^&\s"'<>])+""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Signature();

    [GeneratedRegex("""(Bearer(?:\s|%20)+)[A-Za-z0-9._~+/=\-]+""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex BearerToken();
}
