using System.Text.RegularExpressions;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>The code in the pages for users, as a reader copies it.</summary>
internal static class Recipe
{
    /// <summary>The only fenced block of a language below a heading.</summary>
    /// <param name="page">Below the root of the repository.</param>
    /// <param name="heading">Without its number signs.</param>
    public static string Read(string page, string heading, string language)
    {
        string text = File.ReadAllText(Repository.File(page.Split('/')));
        Match section = Regex.Match(text, $@"^(#+) {Regex.Escape(heading)}\n(?<body>.*?)(?=^\1 |\z)", RegexOptions.Multiline | RegexOptions.Singleline);
        MatchCollection blocks = Regex.Matches(section.Groups["body"].Value, $@"^```{language}\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline);
        return blocks.Count == 1
            ? blocks[0].Groups["code"].Value
            : throw new InvalidOperationException($"{page} has {blocks.Count} blocks of {language} below \"{heading}\", expected one.");
    }

    /// <summary>A block of docs/clients.md, with the ports of a server instead of the default ones and a subscription instead of the first one.</summary>
    public static string For(EmulatorProcess emulator, Guid subscription, string heading, string language)
    {
        string recipe = Read("docs/clients.md", heading, language);
        return At(emulator, recipe).Replace(SubscriptionOptions.DefaultId.ToString(), subscription.ToString(), StringComparison.Ordinal);
    }

    /// <summary>Shell code that makes ca.pem in the working directory, then what the section says.</summary>
    public static string ShellFor(EmulatorProcess emulator, Guid subscription, string heading) =>
        For(emulator, subscription, "The certificate", "sh") + For(emulator, subscription, heading, "sh");

    public static string At(EmulatorProcess emulator, string text) => text
        .Replace("http://127.0.0.1:11000", emulator.Http.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal)
        .Replace("https://localhost:11001", emulator.Https!.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal);
}
