using System.Diagnostics;

namespace RestorePoints.Emulator.Tests.Hosting;

/// <summary>The program itself, as a user starts it, on free ports. Killed with SIGKILL when disposed.</summary>
internal sealed class StartedProgram : IAsyncDisposable
{
    private readonly Process _process;

    private StartedProgram(Process process)
    {
        _process = process;
        Errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>All of stderr, once the process ended.</summary>
    public Task<string> Errors { get; }

    public static StartedProgram Start(string workingDirectory, params string[] arguments) =>
        Run(workingDirectory, ["--Emulator:HttpPort=auto", "--Emulator:HttpsPort=0", .. arguments]);

    /// <summary>With the given arguments and no other.</summary>
    public static StartedProgram Run(string workingDirectory, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])[Path.Combine(AppContext.BaseDirectory, "RestorePoints.Emulator.dll"), .. arguments])
            start.ArgumentList.Add(argument);
        return new StartedProgram(Process.Start(start)!);
    }

    /// <summary>The next line of stdout; null at its end.</summary>
    public Task<string?> ReadLineAsync(CancellationToken cancellationToken) => _process.StandardOutput.ReadLineAsync(cancellationToken).AsTask();

    public async Task<int> ExitCodeAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }
}
