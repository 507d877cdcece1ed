using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>Node and the packages of Clients/JavaScript, which <c>npm ci</c> in that folder installs; no test downloads anything.</summary>
internal static class JavaScriptPackages
{
    public static string Folder { get; } = Repository.File("tests", "RestorePoints.Emulator.Tests", "Clients", "JavaScript");

    private static string Modules => Path.Combine(Folder, "node_modules");

    public static void SkipWhenMissing()
    {
        Assert.SkipUnless(ClientProgram.Exists("node"), "node is missing: install Node 20 or later");
        Assert.SkipUnless(Directory.Exists(Modules), $"The packages are missing: npm ci --prefix {Path.GetRelativePath(Repository.Root, Folder)}");
    }

    /// <summary>Lets programs in a directory import the packages.</summary>
    public static void LinkInto(TemporaryDirectory directory) => Directory.CreateSymbolicLink(directory.File("node_modules"), Modules);
}
