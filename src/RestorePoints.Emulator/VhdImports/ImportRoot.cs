namespace RestorePoints.Emulator.VhdImports;

/// <summary>One entry of the setting: a folder or a URL prefix.</summary>
internal sealed record ImportRoot(string? Folder, Uri? Prefix)
{
    /// <summary>null: neither a folder (a path or <c>file:///</c>) nor an <c>http(s)</c> URL without user, query and fragment.</summary>
    public static ImportRoot? TryParse(string text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;
        if (!text.Contains("://", StringComparison.Ordinal))
            return new ImportRoot(Path.TrimEndingDirectorySeparator(Path.GetFullPath(text)), null);
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            return null;
        if (uri.IsFile)
            return uri.Host.Length > 0 ? null : new ImportRoot(Path.TrimEndingDirectorySeparator(Path.GetFullPath(uri.LocalPath)), null);
        return uri.Scheme is "http" or "https" ? new ImportRoot(null, uri) : null;
    }
}
