using Shouldly;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>Files of the repository that are made from the code or the published contract. <c>RESTOREPOINTS_REWRITE=1</c> writes them instead of comparing.</summary>
internal static class GeneratedFile
{
    public static void ShouldBe(string file, string expected)
    {
        if (Environment.GetEnvironmentVariable("RESTOREPOINTS_REWRITE") == "1")
            File.WriteAllText(file, expected);
        string[] lines = File.ReadAllText(file).Split('\n'), wanted = expected.Split('\n');
        wanted.Except(lines).ShouldBeEmpty($"{Path.GetFileName(file)} lacks these lines. RESTOREPOINTS_REWRITE=1 writes it.");
        lines.Except(wanted).ShouldBeEmpty($"{Path.GetFileName(file)} has these lines, which are stale. RESTOREPOINTS_REWRITE=1 writes it.");
        File.ReadAllText(file).ShouldBe(expected);
    }
}
