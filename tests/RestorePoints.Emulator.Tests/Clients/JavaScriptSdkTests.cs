using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>The whole cycle by @azure/arm-compute, @azure/identity and @azure/storage-blob on Node, behind the recipe of docs/clients.md.</summary>
public sealed class JavaScriptSdkTests(EmulatorFixture fixture) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task A_machine_is_backed_up_and_restored()
    {
        JavaScriptPackages.SkipWhenMissing();
        JavaScriptPackages.LinkInto(_directory);
        var subscription = Guid.NewGuid();
        string program = Recipe.For(fixture.Emulator, subscription, "JavaScript", "js") + File.ReadAllText(Path.Combine(JavaScriptPackages.Folder, "full-cycle.mjs"));
        File.WriteAllText(_directory.File("program.mjs"), program);
        await UploadedVhd.WriteAsync(_directory.File("disk.vhd"), World.Noise(52, (int)World.UploadBytes));

        string output = await ClientProgram.ShellAsync(Recipe.ShellFor(fixture.Emulator, subscription, "JavaScript") + "node program.mjs", _directory.Path,
            new Dictionary<string, string> { ["VHD"] = _directory.File("disk.vhd") });

        output.ShouldEndWith("javascript: OK\n");
    }

    public void Dispose() => _directory.Dispose();
}
