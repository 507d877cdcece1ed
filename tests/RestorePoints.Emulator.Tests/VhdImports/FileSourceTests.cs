using Microsoft.Extensions.Logging.Abstractions;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.VhdImports;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.VhdImports;

/// <summary>What is opened counts, not what was found when the path was looked at.</summary>
public sealed class FileSourceTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public FileSourceTests() => Directory.CreateDirectory(_directory.File("allowed"));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Folder => _directory.File("allowed");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_file_is_opened_and_read()
    {
        await File.WriteAllTextAsync(_directory.File("allowed", "a.vhd"), "abc", Stop);
        await using FileSource source = Open("a.vhd");
        var read = new byte[3];
        await source.ReadAsync(0, read, Stop);
        (source.LengthBytes, read).ShouldSatisfyAllConditions(it => it.LengthBytes.ShouldBe(3), it => it.read.ShouldBe("abc"u8.ToArray()));
    }

    [Theory]
    [InlineData("a.vhd")]
    [InlineData("folder/secret.vhd")]
    public async Task A_link_that_came_in_between_is_not_followed_outside(string name)
    {
        await File.WriteAllTextAsync(_directory.File("secret.vhd"), "secret", Stop);
        if (name == "a.vhd")
            File.CreateSymbolicLink(_directory.File("allowed", "a.vhd"), _directory.File("secret.vhd"));
        else
            File.CreateSymbolicLink(_directory.File("allowed", "folder"), _directory.Path);
        Fault(name).ShouldBe("Cannot import source blob file:///it: it is outside of the folders of the emulator's setting Emulator:ImportRoots.");
    }

    [Fact]
    public void A_folder_and_a_file_that_is_gone_are_no_sources()
    {
        Directory.CreateDirectory(_directory.File("allowed", "folder"));
        Fault("folder").ShouldBe("Cannot import source blob file:///it: it is not a file.");
        Fault("gone").ShouldBe("Cannot import source blob file:///it: there is no such file.");
        File.CreateSymbolicLink(_directory.File("allowed", "loop"), "loop");
        Fault("loop").ShouldBe("Cannot import source blob file:///it: the file cannot be opened.");
    }

    [Fact]
    public async Task A_pipe_that_nobody_writes_to_does_not_hang()
    {
        await System.Diagnostics.Process.Start("mkfifo", _directory.File("allowed", "pipe")).WaitForExitAsync(Stop);
        (await Task.Run(() => Fault("pipe"), Stop).WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, Stop)).ShouldBe("Cannot import source blob file:///it: it is empty or not a file.");
    }

    private FileSource Open(string name) => FileSource.Open("file:///it", new ImportFile(Path.Combine(Folder, name), Folder), NullLogger.Instance);

    private string Fault(string name) => Should.Throw<ArmException>(() => Open(name)).Error.Message;
}
