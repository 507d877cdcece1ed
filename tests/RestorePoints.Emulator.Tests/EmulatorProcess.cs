using System.Diagnostics;
using System.Text.RegularExpressions;

namespace RestorePoints.Emulator.Tests;

/// <summary>The built server as a child process, on free ports and a data directory that may outlive it.</summary>
public sealed partial class EmulatorProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly Queue<string> _output = new();
    private Task _drained = Task.CompletedTask;

    private EmulatorProcess(Process process, string dataDirectory)
    {
        _process = process;
        DataDirectory = dataDirectory;
    }

    public string DataDirectory { get; }
    public Uri Http { get; private set; } = null!;

    /// <summary>null when TLS is off.</summary>
    public Uri? Https { get; private set; }

    public string ReadyLine { get; private set; } = "";

    /// <summary>The last lines of what the server printed.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return string.Join('\n', _output);
        }
    }

    /// <param name="settings">Further settings, such as <c>--Emulator:Profile=Azure</c>.</param>
    public static Task<EmulatorProcess> StartAsync(string dataDirectory, params string[] settings) =>
        StartAsync(new ProcessStartInfo("dotnet"), dataDirectory, settings);

    /// <param name="openFiles">As many files may the process open.</param>
    public static Task<EmulatorProcess> StartWithFewFilesAsync(int openFiles, string dataDirectory, params string[] settings) =>
        StartAsync(new ProcessStartInfo("sh", ["-c", $"ulimit -n {openFiles} && exec \"$@\"", "sh", "dotnet"]), dataDirectory, settings);

    private static async Task<EmulatorProcess> StartAsync(ProcessStartInfo start, string dataDirectory, string[] settings)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.WorkingDirectory = Path.GetTempPath();
        start.ArgumentList.Add(ServerAssembly());
        start.ArgumentList.Add("--Emulator:HttpPort=auto");
        start.ArgumentList.Add("--Emulator:HttpsPort=auto");
        start.ArgumentList.Add($"--Emulator:DataDirectory={dataDirectory}");
        foreach (string setting in settings)
            start.ArgumentList.Add(setting);

        var emulator = new EmulatorProcess(Process.Start(start)!, dataDirectory);
        try
        {
            await emulator.WaitUntilReadyAsync();
            return emulator;
        }
        catch
        {
            await emulator.DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGKILL, at once; returns when the process is gone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await _drained;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    private async Task WaitUntilReadyAsync()
    {
        using var limit = new CancellationTokenSource(StartLimit);
        Task errors = DrainAsync(_process.StandardError);
        try
        {
            while (await _process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                Remember(line);
                Match ready = Ready().Match(line);
                if (!ready.Success)
                    continue;
                ReadyLine = line;
                Http = new Uri(ready.Groups["http"].Value);
                Https = ready.Groups["https"].Success ? new Uri(ready.Groups["https"].Value) : null;
                _drained = Task.WhenAll(errors, DrainAsync(_process.StandardOutput));
                return;
            }
        }
        catch (OperationCanceledException)
        {
            throw new InvalidOperationException($"The server was not ready after {StartLimit.TotalSeconds} s. It printed:\n{Output}");
        }
        await errors;
        throw new InvalidOperationException($"The server ended before it was ready. It printed:\n{Output}");
    }

    private async Task DrainAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
            Remember(line);
    }

    private void Remember(string line)
    {
        lock (_output)
        {
            _output.Enqueue(line);
            if (_output.Count > 100)
                _output.Dequeue();
        }
    }

    /// <summary>The server's own build output, in the configuration of the tests: not the copy beside the tests, whose packages are those of the tests.</summary>
    internal static string ServerAssembly()
    {
        string assembly = Repository.File("src", "RestorePoints.Emulator", "bin", Repository.Configuration, Repository.Framework, "RestorePoints.Emulator.dll");
        return File.Exists(assembly) ? assembly : throw new FileNotFoundException("The server is not built.", assembly);
    }

    [GeneratedRegex(@"^RestorePoints is ready: (?<http>http://\S+)( (?<https>https://\S+))? data=(?<data>.+) profile=(?<profile>\w+)$")]
    private static partial Regex Ready();
}
