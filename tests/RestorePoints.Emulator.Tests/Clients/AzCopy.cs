using System.Runtime.InteropServices;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>azcopy, the real one: the program of the package @azure-tools/azcopy-linux, which <c>npm ci</c> in Clients/JavaScript installs.</summary>
internal sealed class AzCopy
{
    private static readonly string _program = Path.Combine(JavaScriptPackages.Folder, "node_modules", "@azure-tools", "azcopy-linux", "dist", "bin", "azcopy_linux_amd64");
    private readonly string _directory;
    private string? _log;

    /// <param name="directory">For all that azcopy writes, and a link of its name to the program.</param>
    public AzCopy(string directory, EmulatorProcess emulator)
    {
        _directory = directory;
        string folder = Directory.CreateDirectory(Path.Combine(directory, "bin")).FullName;
        File.CreateSymbolicLink(Path.Combine(folder, "azcopy"), _program);
        Environment = new()
        {
            ["HOME"] = directory,
            ["AZCOPY_LOG_LOCATION"] = Path.Combine(directory, "log"),
            ["AZCOPY_JOB_PLAN_LOCATION"] = Path.Combine(directory, "plan"),
            ["AZCOPY_DISABLE_SYSLOG"] = "true",
            ["HTTP_PROXY"] = emulator.Http.GetLeftPart(UriPartial.Authority),
            ["PATH"] = $"{folder}:{System.Environment.GetEnvironmentVariable("PATH")}",
        };
    }

    public static async Task SkipWhenMissingAsync()
    {
        JavaScriptPackages.SkipWhenMissing();
        Assert.SkipUnless(File.Exists(_program) && RuntimeInformation.OSArchitecture == Architecture.X64, $"azcopy is missing: npm ci --prefix {Path.GetRelativePath(Repository.Root, JavaScriptPackages.Folder)} (Linux on x86-64)");
        // The package holds it without the right to run it.
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_program, File.GetUnixFileMode(_program) | UnixFileMode.UserExecute);
        ClientResult version = await ClientProgram.RunAsync(_program, ["--version"], Path.GetTempPath(), new Dictionary<string, string> { ["HOME"] = Path.GetTempPath() });
        Assert.SkipUnless(version.ExitCode == 0, $"azcopy does not start; it needs libsecret: apt-get install libsecret-1-0 (Debian or Ubuntu). It printed: {version.Errors}");
    }

    /// <summary>What azcopy is run with: the emulator is the proxy for every host that is not this machine.</summary>
    public Dictionary<string, string> Environment { get; }

    /// <summary>The requests of the last copy, with the headers that were sent and received.</summary>
    public string Log => _log!;

    public async Task<ClientResult> CopyAsync(params string[] arguments)
    {
        ClientResult result = await ClientProgram.RunAsync(_program, ["copy", .. arguments, "--skip-version-check", "--log-level=DEBUG", "--output-level=essential"], _directory, Environment);
        _log = string.Concat(Directory.EnumerateFiles(Path.Combine(_directory, "log")).Select(File.ReadAllText));
        Directory.Delete(Path.Combine(_directory, "log"), recursive: true);
        return result;
    }

    /// <summary>The same SAS with the account in the host, as Azure writes it. azcopy takes a host that begins with md- for a managed disk.</summary>
    public static string HostStyle(string sas)
    {
        var url = new UriBuilder(sas);
        string[] path = url.Path.Split('/', 3);
        (url.Host, url.Port, url.Path) = ($"{path[1]}.z1.blob.storage.invalid", -1, path[2]);
        return url.Uri.AbsoluteUri;
    }
}
