using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

/// <summary>The program as the health check of a container calls it.</summary>
public sealed class HealthCheckTests : IDisposable
{
    private readonly TemporaryDirectory _temp = new();
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_emulator_that_serves_is_healthy_on_both_ports_and_one_that_is_gone_is_not()
    {
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(_temp.File("data"));
        string[] http = [$"--Emulator:HttpPort={emulator.Http.Port}"], https = ["--Emulator:HttpPort=0", $"--Emulator:HttpsPort={emulator.Https!.Port}", "--Emulator:BindAddress=0.0.0.0"];
        (await CheckAsync(http)).ShouldBe((0, ""));
        (await CheckAsync(https)).ShouldBe((0, ""));

        await emulator.KillAsync();
        (int exitCode, string errors) = await CheckAsync(http);
        exitCode.ShouldBe(1);
        errors.ShouldStartWith($"http://127.0.0.1:{emulator.Http.Port}/emulator/health does not answer: ");
    }

    [Fact]
    public async Task A_port_that_is_not_known_cannot_be_asked()
    {
        (int exitCode, string errors) = await CheckAsync("--Emulator:HttpPort=auto", "--Emulator:HttpsPort=0");
        exitCode.ShouldBe(1);
        errors.ShouldContain("Emulator:HttpPort");
    }

    private async Task<(int ExitCode, string Errors)> CheckAsync(params string[] settings)
    {
        await using StartedProgram check = StartedProgram.Run(_temp.Path, ["health", .. settings]);
        return (await check.ExitCodeAsync(Cancel), (await check.Errors).Trim());
    }

    public void Dispose() => _temp.Dispose();
}
