using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>Azure CLI, logged in to an emulator of its own by the recipe of docs/clients.md: az works in subscriptions that the service lists.</summary>
public sealed class AzureCli : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private Dictionary<string, string> _environment = [];
    private HttpClient? _http;

    internal EmulatorProcess? Emulator { get; private set; }

    /// <summary>null without az.</summary>
    internal RawArm? Arm { get; private set; }

    public async ValueTask InitializeAsync()
    {
        if (!ClientProgram.Exists("az"))
            return;
        Emulator = await EmulatorProcess.StartAsync(_directory.File("data"));
        _http = EmulatorFixture.NewClient(Emulator);
        Arm = new RawArm(_http, SubscriptionOptions.DefaultId);
        await ClientProgram.ShellAsync(Recipe.ShellFor(Emulator, SubscriptionOptions.DefaultId, "Azure CLI") + "env -0 > environment", _directory.Path);
        _environment = (await File.ReadAllTextAsync(PathOf("environment"))).Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Select(variable => variable.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
    }

    /// <summary>A path in the working directory of the commands.</summary>
    public string PathOf(string name) => _directory.File(name);

    /// <summary>A command that must succeed.</summary>
    /// <returns>The JSON it prints; null when it prints nothing.</returns>
    public async Task<JsonNode?> RunAsync(params string[] command)
    {
        ClientResult result = await CallAsync(command);
        result.ExitCode.ShouldBe(0, $"az {string.Join(' ', command)}\n{result.Errors}\n{result.Output}");
        return result.Output.Length == 0 ? null : JsonNode.Parse(result.Output);
    }

    /// <summary>A command that must fail, with Azure's error code in what it prints.</summary>
    public async Task FailAsync(int exitCode, string code, params string[] command)
    {
        ClientResult result = await CallAsync(command);
        result.Errors.ShouldContain($"({code})", customMessage: $"az {string.Join(' ', command)}");
        result.ExitCode.ShouldBe(exitCode, $"az {string.Join(' ', command)}\n{result.Errors}");
    }

    /// <summary><c>az rest</c>, for what az has no working command.</summary>
    public Task<JsonNode?> RestAsync(string method, string pathAndQuery, string? body = null) =>
        RunAsync(["rest", "--method", method, "--url", pathAndQuery, .. body is null ? Array.Empty<string>() : ["--body", body]]);

    /// <summary>All bytes behind a SAS, by <c>az storage blob download</c>.</summary>
    public async Task<byte[]> DownloadAsync(string sas)
    {
        string file = PathOf("download.vhd");
        await RunAsync("storage", "blob", "download", "--blob-url", sas, "--file", file, "--no-progress", "--overwrite");
        return await File.ReadAllBytesAsync(file);
    }

    private Task<ClientResult> CallAsync(string[] command) => ClientProgram.RunAsync("az", [.. command, "--only-show-errors", "--output", "json"], _directory.Path, _environment);

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        if (Emulator is not null)
            await Emulator.DisposeAsync();
        _directory.Dispose();
    }
}
