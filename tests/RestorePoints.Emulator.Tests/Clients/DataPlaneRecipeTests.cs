using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Win32.SafeHandles;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>The snippets of docs/data-plane.md, run on a small disk in two restore points.</summary>
public sealed class DataPlaneRecipeTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private const string Page = "docs/data-plane.md";
    private const int MiB = 1 << 20;
    private readonly TemporaryDirectory _directory = new();
    private World _world = null!;
    private byte[] _content = [];
    private string _older = "", _newer = "";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Dictionary<string, string> Environment => new() { ["OLDER"] = _older, ["NEWER"] = _newer };

    public async ValueTask InitializeAsync()
    {
        _world = await World.CreateAsync(fixture);
        _content = World.Noise(700, (int)World.UploadBytes);
        string disk = await _world.UploadDiskAsync("os", _content);
        string collection = await _world.CollectionAsync("daily", await _world.VmAsync("vm", disk));
        _older = await _world.Arm.GrantAsync(World.OsDiskPoint(await _world.PointAsync(collection, "older")));
        RawBlob guest = await _world.GuestAsync(disk);
        await guest.WriteAsync(_content, 3 * MiB, World.Noise(701, MiB));
        await guest.WriteAsync(_content, (7 * MiB) + 4096, World.Noise(702, 4096));
        await guest.ClearAsync(_content, 11 * MiB, MiB);
        _newer = await _world.Arm.GrantAsync(World.OsDiskPoint(await _world.PointAsync(collection, "newer")));
    }

    [Fact]
    public async Task Curl_brings_a_backup_up_to_the_newer_point()
    {
        SkipWithout("curl");
        await ClientProgram.ShellAsync(Recipe.Read(Page, "curl", "sh"), _directory.Path, Environment);
        await ShouldBeNewerAsync();
    }

    [Fact]
    public async Task The_NET_client_brings_a_backup_up_to_the_newer_point()
    {
        string code = await File.ReadAllTextAsync(Repository.File("tests", "RestorePoints.Emulator.Tests", "Clients", "DataPlaneRecipeTests.cs"), Stop), recipe = Recipe.Read(Page, ".NET", "csharp");
        Words(code).ShouldContain(Words(recipe[recipe.IndexOf('\n')..]));
        await BackUpAsync(_older, _newer, _directory.File("backup.vhd"));
        await ShouldBeNewerAsync();

        static string Words(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Zeros that were written take no space in the emulator, but are a range.</summary>
    [Fact]
    public async Task The_NET_client_empties_a_range_that_is_longer_than_any_array()
    {
        const long cleared = 2L << 30;
        string disk = await _world.EmptyDiskAsync("large", gib: 3), collection = await _world.CollectionAsync("large", await _world.VmAsync("large", disk));
        RawBlob guest = await _world.GuestAsync(disk);
        byte[] zeros = new byte[RawBlob.LargestWrite], older = World.Noise(703, MiB), newer = World.Noise(704, MiB);
        await Parallel.ForAsync(0, (int)(cleared / zeros.Length), Stop, async (i, _) => await guest.WriteAsync((long)i * zeros.Length, zeros));
        await guest.WriteAsync(cleared / 2, older);
        string sasOlder = await _world.Arm.GrantAsync(World.OsDiskPoint(await _world.PointAsync(collection, "older")));
        await guest.ClearAsync(0, cleared);
        await guest.WriteAsync(cleared, newer);
        string sasNewer = await _world.Arm.GrantAsync(World.OsDiskPoint(await _world.PointAsync(collection, "newer")));
        (await _world.Blob(sasNewer).DiffAsync(sasOlder)).ShouldBe([new(0, cleared, true), new(cleared, cleared + MiB, false)]);

        await BackUpAsync(sasOlder, sasNewer, _directory.File("backup.vhd"));

        using SafeFileHandle backup = File.OpenHandle(_directory.File("backup.vhd"));
        byte[] read = new byte[MiB];
        RandomAccess.Read(backup, read, cleared / 2).ShouldBe(MiB);
        read.AsSpan().ContainsAnyExcept((byte)0).ShouldBeFalse();
        RandomAccess.Read(backup, read, cleared).ShouldBe(MiB);
        read.AsSpan().SequenceEqual(newer).ShouldBeTrue();
        RandomAccess.GetLength(backup).ShouldBe((3L << 30) + 512);
    }

    [Fact]
    public async Task The_JavaScript_client_brings_a_backup_up_to_the_newer_point()
    {
        JavaScriptPackages.SkipWhenMissing();
        JavaScriptPackages.LinkInto(_directory);
        await File.WriteAllTextAsync(_directory.File("program.mjs"), Recipe.Read(Page, "JavaScript", "js"), Stop);
        await ClientProgram.ShellAsync("node program.mjs", _directory.Path, Environment);
        await ShouldBeNewerAsync();
    }

    [Fact]
    public async Task The_Python_client_brings_a_backup_up_to_the_newer_point()
    {
        await PythonPackages.SkipWhenMissingAsync();
        await File.WriteAllTextAsync(_directory.File("program.py"), Recipe.Read(Page, "Python", "python"), Stop);
        await ClientProgram.ShellAsync($"{PythonPackages.Python} program.py", _directory.Path, Environment);
        await ShouldBeNewerAsync();
    }

    [Theory]
    [InlineData("azcopy")]
    [InlineData("azcopy as with a managed disk of Azure")]
    public async Task Azcopy_downloads_a_point(string heading)
    {
        await AzCopy.SkipWhenMissingAsync();
        await ClientProgram.ShellAsync(Recipe.At(fixture.Emulator, Recipe.Read(Page, heading, "sh")), _directory.Path, Merged(new AzCopy(_directory.Path, fixture.Emulator).Environment));
        await ShouldBeNewerAsync();
    }

    [Fact]
    public async Task Qemu_img_makes_a_raw_image_of_a_point()
    {
        SkipWithout("qemu-img");
        await File.WriteAllBytesAsync(_directory.File("backup.vhd"), await _world.Blob(_newer).ReadAllAsync(), Stop);
        await ClientProgram.ShellAsync(Recipe.Read(Page, "qemu-img", "sh"), _directory.Path);
        (await File.ReadAllBytesAsync(_directory.File("disk.raw"), Stop)).AsSpan().SequenceEqual(_content).ShouldBeTrue();
    }

    [Fact]
    public async Task A_raw_image_is_made_a_vhd_and_uploaded()
    {
        SkipWithout("qemu-img");
        await AzCopy.SkipWhenMissingAsync();
        await File.WriteAllBytesAsync(_directory.File("disk.raw"), _content, Stop);
        string disk = _world.Disk("uploaded");
        await _world.Arm.SucceedAsync(_world.Arm.PutAsync(disk, World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{_content.Length + 512}")));
        Dictionary<string, string> environment = Merged(new AzCopy(_directory.Path, fixture.Emulator).Environment);
        environment["UPLOAD"] = await _world.Arm.GrantAsync(disk, "Write");

        await ClientProgram.ShellAsync(Recipe.Read(Page, "Upload", "sh"), _directory.Path, environment);

        await _world.Arm.RevokeAsync(disk);
        (await _world.DownloadAsync(disk)).AsSpan().SequenceEqual(_content).ShouldBeTrue();
    }

    private static async Task BackUpAsync(string olderSas, string newerSas, string file)
    {
        var newer = new PageBlobClient(new Uri(newerSas));
        await new PageBlobClient(new Uri(olderSas)).DownloadToAsync(file);
        PageRangesInfo changes = await newer.GetManagedDiskPageRangesDiffAsync(previousSnapshotUri: new Uri(olderSas));
        using SafeFileHandle backup = File.OpenHandle(file, FileMode.Open, FileAccess.Write);
        byte[] zeros = new byte[4 << 20];
        foreach (HttpRange slice in Sliced(changes.ClearRanges))
            RandomAccess.Write(backup, zeros.AsSpan(0, (int)slice.Length!), slice.Offset);
        foreach (HttpRange slice in Sliced(changes.PageRanges))
        {
            BlobDownloadResult read = await newer.DownloadContentAsync(new BlobDownloadOptions { Range = slice });
            RandomAccess.Write(backup, read.Content.ToMemory().Span, slice.Offset);
        }

        // A range may be longer than any array: 4 MiB at a time.
        static IEnumerable<HttpRange> Sliced(IEnumerable<HttpRange> ranges)
        {
            foreach (HttpRange range in ranges)
                for (long at = 0; at < range.Length; at += 4 << 20)
                    yield return new HttpRange(range.Offset + at, Math.Min(4 << 20, range.Length!.Value - at));
        }
    }

    private async Task ShouldBeNewerAsync()
    {
        byte[] footer = await _world.Blob(_newer).ReadAsync(_content.Length, 512), backup = await File.ReadAllBytesAsync(_directory.File("backup.vhd"), Stop);
        backup.Length.ShouldBe(_content.Length + 512);
        backup.AsSpan(..^512).SequenceEqual(_content).ShouldBeTrue();
        backup.AsSpan(^512..).SequenceEqual(footer).ShouldBeTrue("the footer");
    }

    private Dictionary<string, string> Merged(Dictionary<string, string> environment)
    {
        foreach ((string name, string value) in Environment)
            environment[name] = value;
        environment.Remove("HTTP_PROXY");
        return environment;
    }

    private static void SkipWithout(string program) =>
        Assert.SkipUnless(ClientProgram.Exists(program), $"{program} is missing: install it with your system's package manager (qemu-img is in qemu-utils)");

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }
}
