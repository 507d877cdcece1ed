using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>@azure/storage-blob on Node against disks of 64 GiB and of more than 10,000 page ranges.</summary>
[Collection(typeof(ExportsCollection))]
public sealed class JavaScriptBlobTests(Exports exports) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Every_byte_that_is_read_is_the_one_that_was_written()
    {
        JavaScriptPackages.SkipWhenMissing();
        JavaScriptPackages.LinkInto(_directory);
        File.Copy(Path.Combine(JavaScriptPackages.Folder, "page-blobs.mjs"), _directory.File("program.mjs"));
        await File.WriteAllTextAsync(_directory.File("plan.json"), await exports.PlanAsync(), TestContext.Current.CancellationToken);

        string output = await ClientProgram.ShellAsync("node program.mjs", _directory.Path, new Dictionary<string, string> { ["PLAN"] = "plan.json" });

        output.ShouldEndWith("page-blobs.mjs: OK\n");
    }

    public void Dispose() => _directory.Dispose();
}
