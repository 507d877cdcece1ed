using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>The whole cycle by azure-mgmt-compute, azure-identity and azure-storage-blob of Debian, behind the recipe of docs/clients.md.</summary>
public sealed class PythonSdkTests(EmulatorFixture fixture) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task A_machine_is_backed_up_and_restored()
    {
        await PythonPackages.SkipWhenMissingAsync();
        var subscription = Guid.NewGuid();
        string program = Recipe.For(fixture.Emulator, subscription, "Python", "python") + File.ReadAllText(Repository.File("tests", "RestorePoints.Emulator.Tests", "Clients", "Python", "full_cycle.py"));
        File.WriteAllText(_directory.File("program.py"), program);
        await UploadedVhd.WriteAsync(_directory.File("disk.vhd"), World.Noise(51, (int)World.UploadBytes));

        string output = await ClientProgram.ShellAsync(Recipe.ShellFor(fixture.Emulator, subscription, "Python") + $"{PythonPackages.Python} program.py", _directory.Path,
            new Dictionary<string, string> { ["VHD"] = _directory.File("disk.vhd") });

        output.ShouldEndWith("python: OK\n");
    }

    public void Dispose() => _directory.Dispose();
}
