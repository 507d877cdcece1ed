using System.Diagnostics;

namespace RestorePoints.Benchmarks;

/// <summary>A server as a child process, killed when disposed.</summary>
internal sealed class HttpServer : IAsyncDisposable
{
    private readonly Process _process;

    private HttpServer(Process process, Uri url)
    {
        _process = process;
        Url = url;
    }

    public Uri Url { get; }

    /// <summary>Memory that the process has in use now.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Folder of the emulator's project.</summary>
    public static string EmulatorProject => Path.Combine(new DirectoryInfo(AppContext.BaseDirectory).Parent!.Parent!.Parent!.Parent!.Parent!.FullName, "src", "RestorePoints.Emulator");

    /// <summary>The emulator, as it was built beside this program.</summary>
    public static Task<HttpServer> StartEmulatorAsync(string directory)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        return StartEmulatorAsync(directory, Path.Combine(EmulatorProject, "bin", output.Parent!.Name, output.Name, "RestorePoints.Emulator.dll"));
    }

    public static Task<HttpServer> StartEmulatorAsync(string directory, string assembly) => StartAsync(
        assembly, "--Emulator:HttpPort=auto", "--Emulator:HttpsPort=auto", "--Emulator:Limits:RestorePointsPerVm=0", $"--Emulator:DataDirectory={directory}");

    public static Task<HttpServer> StartLimitAsync(string directory) => StartAsync(typeof(HttpServer).Assembly.Location, "limit-server", directory);

    /// <param name="catalog">The catalog of a running emulator, which is only read.</param>
    public static Task<HttpServer> StartMvcAsync(string catalog) => StartAsync(typeof(HttpServer).Assembly.Location, "mvc-server", catalog);

    private static async Task<HttpServer> StartAsync(string assembly, params string[] arguments)
    {
        // The log of the requests goes nowhere: it would end on the console of this program.
        Process process = Process.Start(new ProcessStartInfo("sh", ["-c", "exec dotnet \"$@\" 2>/dev/null", "sh", assembly, .. arguments]) { RedirectStandardOutput = true })!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            int at = line.IndexOf("http://", StringComparison.Ordinal);
            if (at < 0)
                continue;
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
            return new HttpServer(process, new Uri(line[at..].Split(' ')[0]));
        }
        throw new InvalidOperationException($"{assembly} ended before it served.");
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
