using System.Diagnostics;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>Programs of the machine that are clients of the emulator. Where one is missing, the test is skipped and says how to get it.</summary>
internal static class ClientProgram
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>Runs shell code to its end; stops at the first command that fails, which fails the test with all that was printed.</summary>
    /// <returns>What it printed on stdout.</returns>
    public static async Task<string> ShellAsync(string script, string workingDirectory, IReadOnlyDictionary<string, string>? environment = null)
    {
        ClientResult result = await RunAsync("bash", ["-euo", "pipefail", "-c", script], workingDirectory, environment);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException($"Exit code {result.ExitCode}.\n{result.Output}\n{result.Errors}\nof\n{script}");
    }

    /// <param name="environment">Set over the environment of the tests, in which no proxy is.</param>
    public static async Task<ClientResult> RunAsync(string program, IEnumerable<string> arguments, string workingDirectory, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string proxy in start.Environment.Keys.Where(name => name.EndsWith("_proxy", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(proxy);
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            string output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new ClientResult(process.ExitCode, output, await errors);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    public static bool Exists(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}

internal sealed record ClientResult(int ExitCode, string Output, string Errors);
