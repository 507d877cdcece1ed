using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

internal static class PythonPackages
{
    /// <summary>Debian's own, which sees Debian's packages; another python3 may come first in PATH.</summary>
    public const string Python = "/usr/bin/python3";

    public static async Task SkipWhenMissingAsync() =>
        Assert.SkipUnless(File.Exists(Python) && (await ClientProgram.RunAsync(Python, ["-c", "import azure.mgmt.compute, azure.identity, azure.storage.blob"], Path.GetTempPath())).ExitCode == 0,
            $"{Python} does not have Azure's packages: apt-get install python3-azure (Debian or Ubuntu)");
}
