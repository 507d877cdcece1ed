namespace RestorePoints.Emulator.VhdImports;

/// <summary>A file that may be imported.</summary>
/// <param name="Path">Without links.</param>
/// <param name="Folder">The allowed folder that it is in, without links.</param>
public sealed record ImportFile(string Path, string Folder)
{
    /// <summary>By whole segments.</summary>
    public static bool IsBelow(string path, string root) =>
        path.StartsWith(root, StringComparison.Ordinal) && path.Length > root.Length && (root.EndsWith('/') || path[root.Length] == '/');
}
