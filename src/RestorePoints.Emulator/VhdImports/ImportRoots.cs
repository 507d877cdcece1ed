using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.VhdImports;

/// <summary>
/// The folders and URL prefixes of the setting <c>ImportRoots</c>, from which <c>createOption: Import</c> may read; nothing else is read or asked.
/// </summary>
public sealed class ImportRoots(IOptions<EmulatorOptions> options)
{
    private const string Parameter = "properties.creationData.sourceUri";

    /// <summary>As many as Linux follows.</summary>
    private const int MostLinks = 40;

    private readonly ImportRoot[] _roots = [.. options.Value.ImportRoots.Select(root => ImportRoot.TryParse(root) ?? throw new InvalidOperationException("The settings were not checked."))];

    /// <summary>Where a <c>sourceUri</c> leads. Looks at the links on the way to a file, at nothing else.</summary>
    /// <exception cref="ArmException">It is no URL of a file or blob, or lies outside of the roots.</exception>
    public ImportLocation Require(string sourceUri)
    {
        if (_roots.Length == 0)
            throw ArmErrors.InvalidParameter(Parameter, "A VHD can be imported only from the folders and URL prefixes of the emulator's setting Emulator:ImportRoots, and none is set.").AsException();
        if (!Uri.TryCreate(sourceUri, UriKind.Absolute, out Uri? uri) || sourceUri.Any(char.IsControl))
            throw ArmErrors.InvalidParameter(Parameter, "The sourceUri is not an absolute URL: allowed are file:///, http:// and https://.").AsException();
        ImportLocation? location = uri.IsFile ? OfFile(sourceUri, uri) : OfBlob(sourceUri, uri);
        return location
            ?? throw ArmErrors.InvalidParameter(Parameter, $"The source '{NameOf(uri)}' is outside of the folders and URL prefixes of the emulator's setting Emulator:ImportRoots, or not of the form file:///path, http://host/path or https://host/path.").AsException();
    }

    /// <summary>A URL without what may be secret: no query, no user.</summary>
    private static string NameOf(Uri uri) => uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    private ImportLocation? OfFile(string sourceUri, Uri uri)
    {
        // A path without scheme parses as a URL too; another host is a network share.
        if (!sourceUri.StartsWith("file:///", StringComparison.OrdinalIgnoreCase) || uri.Host.Length > 0 || sourceUri.Contains('\\', StringComparison.Ordinal) || uri.Query.Length > 0 || uri.LocalPath.Any(char.IsControl))
            return null;
        string path = Path.GetFullPath(uri.LocalPath);
        foreach (ImportRoot root in _roots)
        {
            if (root.Folder is null || !ImportFile.IsBelow(path, root.Folder))
                continue;
            try
            {
                if (Resolve(path) is { } file && Resolve(root.Folder) is { } folder && ImportFile.IsBelow(file, folder))
                    return new ImportLocation(NameOf(uri), new ImportFile(file, folder), null);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // What cannot be followed is not known to be inside.
            }
        }
        return null;
    }

    private ImportLocation? OfBlob(string sourceUri, Uri uri)
    {
        if (uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0 || sourceUri.Contains('\\', StringComparison.Ordinal) || !IsPlain(uri.AbsolutePath))
            return null;
        return Array.Exists(_roots, root => root.Prefix is { } prefix && uri.Scheme == prefix.Scheme && uri.IdnHost == prefix.IdnHost && uri.Port == prefix.Port
            && ImportFile.IsBelow(uri.AbsolutePath, prefix.AbsolutePath))
            ? new ImportLocation(NameOf(uri), null, uri)
            : null;
    }

    /// <summary>Whether every server reads the same segments in a path: no encoded slash, backslash or dots, however often encoded.</summary>
    private static bool IsPlain(string path)
    {
        for (string decoded = path; ;)
        {
            if (decoded.Split('/').Any(segment => segment is "." or "..") || decoded.Contains('\\', StringComparison.Ordinal))
                return false;
            string next = Uri.UnescapeDataString(decoded);
            if (next == decoded)
                return true;
            if (next.Count('/') != decoded.Count('/'))
                return false;
            decoded = next;
        }
    }

    /// <summary>The path with every symbolic link followed; null: they lead in a circle.</summary>
    private static string? Resolve(string path)
    {
        string resolved = Path.GetPathRoot(path)!;
        var rest = new Stack<string>(Segments(path));
        for (int links = 0; rest.TryPop(out string? name);)
        {
            if (name == "..")
            {
                resolved = Path.GetDirectoryName(resolved) ?? resolved;
                continue;
            }
            string next = Path.Combine(resolved, name);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                resolved = next;
                continue;
            }
            if (++links > MostLinks)
                return null;
            if (Path.IsPathRooted(target))
                resolved = Path.GetPathRoot(target)!;
            foreach (string segment in Segments(target))
                rest.Push(segment);
        }
        return resolved;
    }

    /// <summary>The last first.</summary>
    private static IEnumerable<string> Segments(string path) => path[Path.GetPathRoot(path)!.Length..]
        .Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Where(segment => segment != ".").Reverse();
}
