using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>azure-storage-blob of Debian against disks of 64 GiB and of more than 10,000 page ranges.</summary>
[Collection(typeof(ExportsCollection))]
public sealed class PythonBlobTests(Exports exports) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Every_byte_that_is_read_is_the_one_that_was_written()
    {
        await PythonPackages.SkipWhenMissingAsync();
        await File.WriteAllTextAsync(_directory.File("plan.json"), await exports.PlanAsync(), TestContext.Current.CancellationToken);
        string program = Repository.File("tests", "RestorePoints.Emulator.Tests", "Clients", "Python", "page_blobs.py");

        string output = await ClientProgram.ShellAsync($"{PythonPackages.Python} {program}", _directory.Path, new Dictionary<string, string> { ["PLAN"] = "plan.json" });

        output.ShouldEndWith("page_blobs.py: OK\n");
    }

    public void Dispose() => _directory.Dispose();
}
