namespace RestorePoints.Emulator.VhdImports;

/// <summary>An allowed source: a file or a blob.</summary>
/// <param name="Url">For messages: without query.</param>
/// <param name="File">null for a blob.</param>
/// <param name="Address">Of a blob, with its query; null for a file.</param>
public sealed record ImportLocation(string Url, ImportFile? File, Uri? Address);
