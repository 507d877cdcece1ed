using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>What a point hands out is a fixed VHD to qemu-img, and a page blob's ranges to curl.</summary>
[Collection(typeof(ExportsCollection))]
public sealed class VhdProgramTests(Exports exports) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Qemu_img_reads_a_point_as_a_vhd_of_its_size_and_bytes()
    {
        SkipWithout("qemu-img", "apt-get install qemu-utils (Debian or Ubuntu)");
        SkipWithout("curl", "install it with your system's package manager");
        ExportedPoint point = exports.Dense.Points[^1];
        await File.WriteAllBytesAsync(_directory.File("written.raw"), exports.Dense.Content.ToArray((int)exports.Dense.SizeBytes), TestContext.Current.CancellationToken);

        string output = await ClientProgram.ShellAsync("""
            curl -sS "$SAS" -o point.vhd
            qemu-img info -f vpc --output=json point.vhd
            qemu-img convert -f vpc -O raw point.vhd point.raw
            qemu-img compare -f vpc -F raw point.vhd written.raw >&2
            """, _directory.Path, new Dictionary<string, string> { ["SAS"] = point.Sas });

        JsonNode info = JsonNode.Parse(output)!;
        ((string?)info["format"], (long)info["virtual-size"]!).ShouldBe(("vpc", exports.Dense.SizeBytes));
        (await HashOfAsync("point.vhd")).ShouldBe(point.VhdHash);
        (await HashOfAsync("point.raw")).ShouldBe(await HashOfAsync("written.raw"));
    }

    [Theory]
    [InlineData("Range: bytes=-512", 200, null)]
    [InlineData("Range: bytes=0-1,5-6", 200, null)]
    [InlineData("Range: bytes=0-", 206, "bytes 0-88080895/88080896")]
    [InlineData("x-ms-range: bytes=88080384-", 206, "bytes 88080384-88080895/88080896")]
    [InlineData("Range: bytes=88080896-", 416, "bytes */88080896")]
    public async Task Curl_asks_for_every_kind_of_range(string header, int status, string? contentRange)
    {
        SkipWithout("curl", "install it with your system's package manager");
        string output = await ClientProgram.ShellAsync("""curl -sS "$SAS" -H "$RANGE" -o part -w '%{http_code} %header{content-range}'""",
            _directory.Path, new Dictionary<string, string> { ["SAS"] = exports.Dense.Points[^1].Sas, ["RANGE"] = header });

        output.ShouldBe($"{status} {contentRange}");
        if (header == "Range: bytes=0-" || status == 200)
            (await HashOfAsync("part")).ShouldBe(exports.Dense.Points[^1].VhdHash);
        else if (status == 206)
            Convert.ToHexStringLower(await File.ReadAllBytesAsync(_directory.File("part"), TestContext.Current.CancellationToken)).ShouldBe(exports.Dense.Points[^1].Footer);
        else
            (await File.ReadAllTextAsync(_directory.File("part"), TestContext.Current.CancellationToken)).ShouldContain("<Code>InvalidRange</Code>");
    }

    private static void SkipWithout(string program, string cure) => Assert.SkipUnless(ClientProgram.Exists(program), $"{program} is missing: {cure}");

    private async Task<string> HashOfAsync(string file)
    {
        await using FileStream stream = File.OpenRead(_directory.File(file));
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, TestContext.Current.CancellationToken));
    }

    public void Dispose() => _directory.Dispose();
}
