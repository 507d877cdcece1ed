using System.Security.Cryptography;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>
/// azcopy both ways: by the address that the emulator hands out, and by a host that begins with md-, for which azcopy has code of its own.
/// </summary>
[Collection(typeof(ExportsCollection))]
public sealed class AzCopyTests : IDisposable
{
    private const int Size = 20 * Exports.MiB;
    private readonly Exports _exports;
    private readonly TemporaryDirectory _directory = new();
    private readonly AzCopy _azcopy;

    public AzCopyTests(Exports exports)
    {
        _exports = exports;
        _azcopy = new AzCopy(_directory.Path, exports.Emulator);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_restore_point_is_downloaded(bool hostStyle)
    {
        await AzCopy.SkipWhenMissingAsync();
        ExportedPoint point = _exports.Dense.Points[^1];
        await CopyAsync(hostStyle ? AzCopy.HostStyle(point.Sas) : point.Sas, _directory.File("point.vhd"), "--from-to=BlobLocal");
        (await HashOfAsync("point.vhd")).ShouldBe(point.VhdHash);
        _azcopy.Log.ShouldContain("comp=pagelist");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_vhd_is_uploaded_over_another_and_downloaded_from_the_disk(bool hostStyle)
    {
        await AzCopy.SkipWhenMissingAsync();
        UploadTarget target = await _exports.NewUploadAsync(Size);
        string url = hostStyle ? AzCopy.HostStyle(target.Sas) : target.Sas;
        string[] upload = [_directory.File("disk.vhd"), url, "--from-to=LocalBlob", "--blob-type=PageBlob"];

        // The second image has zeros where the first has data.
        await UploadedVhd.WriteAsync(_directory.File("disk.vhd"), World.Noise(601, Size));
        await CopyAsync(upload);
        byte[] content = new byte[Size];
        World.Noise(602, Exports.MiB).CopyTo(content, 9 * Exports.MiB);
        await UploadedVhd.WriteAsync(_directory.File("disk.vhd"), content);
        await CopyAsync(upload);
        _azcopy.Log.Contains("comp=properties", StringComparison.Ordinal).ShouldBe(!hostStyle, "azcopy treats a managed disk otherwise");

        await _exports.World.Arm.RevokeAsync(target.Disk);
        await CopyAsync(await _exports.World.Arm.GrantAsync(target.Disk), _directory.File("read.vhd"), "--from-to=BlobLocal");
        byte[] read = await File.ReadAllBytesAsync(_directory.File("read.vhd"), Stop);
        read.AsSpan(..Size).SequenceEqual(content).ShouldBeTrue("the second image and nothing of the first");
    }

    [Fact]
    public async Task A_vhd_of_another_size_is_refused_by_azcopy_itself()
    {
        await AzCopy.SkipWhenMissingAsync();
        UploadTarget target = await _exports.NewUploadAsync(Size);
        await UploadedVhd.WriteAsync(_directory.File("disk.vhd"), new byte[Size + Exports.MiB]);
        ClientResult result = await _azcopy.CopyAsync(_directory.File("disk.vhd"), AzCopy.HostStyle(target.Sas), "--from-to=LocalBlob", "--blob-type=PageBlob");
        result.ExitCode.ShouldBe(1);
        _azcopy.Log.ShouldContain("source file is not same size as the destination page blob");
        result = await _azcopy.CopyAsync(_directory.File("disk.vhd"), target.Sas, "--from-to=LocalBlob", "--blob-type=PageBlob");
        result.ExitCode.ShouldBe(1);
        _azcopy.Log.ShouldContain("InvalidHeaderValue");
    }

    [Fact]
    public async Task Access_that_was_taken_back_fails_the_copy()
    {
        await AzCopy.SkipWhenMissingAsync();
        ClientResult result = await _azcopy.CopyAsync(_exports.Revoked, _directory.File("point.vhd"), "--from-to=BlobLocal");
        result.ExitCode.ShouldBe(1);
        (result.Output + _azcopy.Log).ShouldContain("AuthenticationFailed");
        File.Exists(_directory.File("point.vhd")).ShouldBeFalse();
    }

    private async Task CopyAsync(params string[] arguments)
    {
        ClientResult result = await _azcopy.CopyAsync(arguments);
        result.ExitCode.ShouldBe(0, $"{result.Output}\n{result.Errors}\n{_azcopy.Log}");
        result.Output.ShouldContain("Final Job Status: Completed");
    }

    private async Task<string> HashOfAsync(string file)
    {
        await using FileStream stream = File.OpenRead(_directory.File(file));
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, Stop));
    }

    public void Dispose() => _directory.Dispose();
}
