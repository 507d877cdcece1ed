using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

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
        "dotnet", assembly, "--Emulator:HttpPort=auto", "--Emulator:HttpsPort=auto", "--Emulator:Limits:RestorePointsPerVm=0", $"--Emulator:DataDirectory={directory}");

    /// <summary>nginx with <c>sendfile</c> and no log, on a directory of flat files; null when nginx is not installed.</summary>
    /// <param name="work">An empty directory for its own files.</param>
    public static async Task<HttpServer?> StartNginxAsync(string directory, string work)
    {
        const string program = "/usr/sbin/nginx";
        if (!File.Exists(program))
            return null;
        var url = new Uri($"http://127.0.0.1:{FreePort()}");
        string configuration = Path.Combine(work, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            daemon off; user {{Environment.UserName}}; worker_processes 2; pid {{work}}/pid; error_log stderr crit;
            events { worker_connections 64; }
            http {
              access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000; client_body_temp_path {{work}}/body;
              proxy_temp_path {{work}}/proxy; fastcgi_temp_path {{work}}/fastcgi; uwsgi_temp_path {{work}}/uwsgi; scgi_temp_path {{work}}/scgi;
              server { listen {{url.Authority}}; root {{directory}}; }
            }
            """);
        Process process = Process.Start(new ProcessStartInfo(program, ["-p", work, "-c", configuration]))!;
        while (!process.HasExited)
        {
            try
            {
                using var probe = new HttpWire(url);
                return new HttpServer(process, url);
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            }
        }
        throw new InvalidOperationException("nginx ended before it served.");
    }

    /// <summary>The blob service of Azurite in a directory; null when its packages are not there.</summary>
    public static Task<HttpServer>? StartAzurite(string directory)
    {
        string program = Path.Combine(EmulatorProject, "..", "..", "tests", "RestorePoints.Benchmarks", "Azurite", "node_modules", "azurite", "dist", "src", "blob", "main.js");
        return File.Exists(program)
            ? StartAsync("node", program, "--blobPort", "0", "--location", directory, "--silent", "--skipApiVersionCheck", "--disableTelemetry")
            : null;
    }

    public static Task<HttpServer> StartLimitAsync(string directory) => StartAsync("dotnet", typeof(HttpServer).Assembly.Location, "limit-server", directory);

    /// <param name="catalog">The catalog of a running emulator, which is only read.</param>
    public static Task<HttpServer> StartMvcAsync(string catalog) => StartAsync("dotnet", typeof(HttpServer).Assembly.Location, "mvc-server", catalog);

    private static async Task<HttpServer> StartAsync(string program, params string[] arguments)
    {
        // The log of the requests goes nowhere: it would end on the console of this program.
        Process process = Process.Start(new ProcessStartInfo("sh", ["-c", "exec \"$@\" 2>/dev/null", "sh", program, .. arguments]) { RedirectStandardOutput = true })!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            int at = line.IndexOf("http://", StringComparison.Ordinal);
            if (at < 0)
                continue;
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
            return new HttpServer(process, new Uri(line[at..].Split(' ')[0]));
        }
        throw new InvalidOperationException($"{program} {arguments[0]} ended before it served.");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
