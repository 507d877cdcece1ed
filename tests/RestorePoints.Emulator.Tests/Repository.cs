namespace RestorePoints.Emulator.Tests;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>bin/{configuration}/{framework} of the tests.</summary>
    private static readonly DirectoryInfo Output = new(AppContext.BaseDirectory);

    public static string Root { get; } = Output.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;

    public static string Configuration => Output.Parent!.Name;

    public static string Framework => Output.Name;

    public static string File(params string[] parts) => Path.Combine([Root, .. parts]);
}
