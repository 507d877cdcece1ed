using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

[CollectionDefinition]
public sealed class ExportsCollection : ICollectionFixture<Exports>;

/// <summary>
/// An emulator of its own, whose clock has been turned, with one machine of three disks in three restore points: all empty, written, changed.
/// <code>
///   Sparse   64 GiB, some sectors at its ends, in its middle and across the limits of 32-bit numbers
///   Dense    84 MiB, every second page of 4 KiB: 10,752 page ranges; the other pages in the last point
///   Medium   260 MiB, so that the first request of the .NET client for 256 MiB is not the last
/// </code>
/// </summary>
public sealed class Exports : IAsyncLifetime
{
    public const int MiB = 1 << 20, Page = 4096, DenseRanges = DenseBytes / Page / 2;
    private const long SparseBytes = 64L << 30;
    private const int DenseBytes = 84 * MiB, MediumBytes = 260 * MiB, DaySeconds = 86_400;
    private static readonly JsonSerializerOptions _json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private readonly TemporaryDirectory _directory = new();
    private int _uploads;

    public EmulatorProcess Emulator { get; private set; } = null!;
    public World World { get; private set; } = null!;
    internal ExportedDisk Sparse { get; private set; } = null!;
    internal ExportedDisk Dense { get; private set; } = null!;
    internal ExportedDisk Medium { get; private set; } = null!;

    /// <summary>A read SAS that was good before the clock was turned.</summary>
    public string Expired { get; private set; } = "";

    /// <summary>A read SAS that was taken back.</summary>
    public string Revoked { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        Emulator = await EmulatorProcess.StartAsync(_directory.File("data"));
        World = await World.CreateAsync(new RawArm(EmulatorFixture.NewClient(Emulator), SubscriptionOptions.DefaultId));
        string sparse = await World.EmptyDiskAsync("sparse", (int)(SparseBytes >> 30)), dense = await ZeroedDiskAsync("dense", DenseBytes), medium = await ZeroedDiskAsync("medium", MediumBytes);
        (Sparse, Dense, Medium) = (new ExportedDisk(sparse, SparseBytes), new ExportedDisk(dense, DenseBytes), new ExportedDisk(medium, MediumBytes));
        string collection = await World.CollectionAsync("daily", await World.VmAsync("vm", sparse, dense, medium));

        await KeepAsync(collection, "empty");
        await WriteAsync(collection);
        await ChangeAsync(collection);

        string snapshot = await World.SnapshotAsync("revoked", medium, incremental: true);
        Revoked = await World.Arm.GrantAsync(snapshot);
        await World.Arm.RevokeAsync(snapshot);
        Expired = await World.Arm.GrantAsync(await World.SnapshotAsync("expired", medium, incremental: true), seconds: 60);
        (await World.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/emulator/clock/advance") { Content = Json("""{"by":"00:02:00"}""") })).Expect(200);
    }

    /// <summary>A disk that waits for an upload.</summary>
    internal async Task<UploadTarget> NewUploadAsync(long diskBytes)
    {
        string disk = World.Disk($"upload{Interlocked.Increment(ref _uploads)}");
        await World.Arm.SucceedAsync(World.Arm.PutAsync(disk, World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{diskBytes + 512}", ",\"osType\":\"Linux\"")));
        return new UploadTarget(disk, await World.Arm.GrantAsync(disk, "Write", DaySeconds));
    }

    /// <summary>What the programs in other languages are given to check.</summary>
    internal async Task<string> PlanAsync() => JsonSerializer.Serialize(new
    {
        Sparse,
        Dense,
        Medium,
        Revoked,
        Expired,
        DenseRanges,
        Upload = (await NewUploadAsync(20 * MiB)).Sas,
    }, _json);

    private async Task WriteAsync(string collection)
    {
        RawBlob sparse = await World.GuestAsync(Sparse.Disk), medium = await World.GuestAsync(Medium.Disk);
        foreach ((int seed, (long offset, int length)) in SparsePlaces().Index())
            await WriteAsync(Sparse, sparse, offset, World.Noise(100 + seed, length));
        await WriteAsync(Medium, medium, 5 * MiB, World.Noise(200, MiB));
        await WriteAsync(Medium, medium, (256 * MiB) - 1536, World.Noise(201, 3072));
        await WriteAsync(Medium, medium, MediumBytes - Page, World.Noise(202, Page));
        await WriteAlternatePagesAsync(first: 0, seed: 300);
        await KeepAsync(collection, "written");
    }

    private async Task ChangeAsync(string collection)
    {
        RawBlob sparse = await World.GuestAsync(Sparse.Disk);
        await WriteAsync(Sparse, sparse, 512, World.Noise(400, 512));
        await WriteAsync(Sparse, sparse, (1L << 31) + 4096, World.Noise(401, 64 * 1024));
        await WriteAsync(Sparse, sparse, (1L << 31) - 1536, new byte[1024]);
        await ClearAsync(Sparse, sparse, 1L << 32, SparseBytes - (1L << 32) - 512);
        await WriteAsync(Sparse, sparse, 48L << 30, World.Noise(402, 5 * MiB));
        await WriteAlternatePagesAsync(first: Page, seed: 404);
        await KeepAsync(collection, "changed", whole: true);
    }

    /// <summary>Start, end, middle; single sectors, parts of pages; across a transfer of 4 MiB and across 2 and 4 GiB.</summary>
    private static IEnumerable<(long Offset, int Length)> SparsePlaces() =>
    [
        (0, 512), (8192 + 512, 512), (MiB + 3584, 1024), ((4 * MiB) - 512, 1024), ((1L << 31) - 1536, 4096), ((1L << 32) - 2048, 4608),
        (SparseBytes / 2, 4 * MiB), ((SparseBytes / 2) + (64 * MiB) - 4096, 12288), (SparseBytes - Page, Page),
    ];

    /// <summary>The raw image is handed over whole: pages of zeros in it are cleared pages.</summary>
    private async Task WriteAlternatePagesAsync(int first, int seed)
    {
        byte[] image = World.Noise(seed, DenseBytes);
        for (int at = Page - first; at < DenseBytes; at += 2 * Page)
            image.AsSpan(at, Page).Clear();
        Dense.Content.Clear(0, DenseBytes);
        for (int at = first; at < DenseBytes; at += 2 * Page)
            Dense.Content.Write(at, image.AsSpan(at, Page));
        (await World.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Put, $"/emulator{Dense.Disk}/content") { Content = new ByteArrayContent(image) })).Expect(204);
    }

    private static async Task WriteAsync(ExportedDisk disk, RawBlob guest, long offset, byte[] data)
    {
        await guest.WriteAsync(offset, data);
        disk.Content.Write(offset, data);
    }

    private static async Task ClearAsync(ExportedDisk disk, RawBlob guest, long offset, long length)
    {
        await guest.ClearAsync(offset, length);
        disk.Content.Clear(offset, length);
    }

    private async Task<string> ZeroedDiskAsync(string name, long diskBytes)
    {
        string disk = World.Disk(name);
        await World.Arm.SucceedAsync(World.Arm.PutAsync(disk, World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{diskBytes + 512}")));
        await World.Blob(await World.Arm.GrantAsync(disk, "Write")).WriteAsync(diskBytes, UploadedVhd.CreateFooter(diskBytes));
        await World.Arm.RevokeAsync(disk);
        return disk;
    }

    /// <param name="whole">Also the VHD of <see cref="Medium"/> is hashed.</param>
    private async Task KeepAsync(string collection, string name, bool whole = false)
    {
        ArmResponse point = await World.PointAsync(collection, name);
        await Sparse.AddAsync(World, World.OsDiskPoint(point), DaySeconds, whole: false);
        await Dense.AddAsync(World, World.DataDiskPoint(point, 0), DaySeconds, whole: true);
        await Medium.AddAsync(World, World.DataDiskPoint(point, 1), DaySeconds, whole);
    }

    private static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");

    public async ValueTask DisposeAsync()
    {
        World?.Arm.Http.Dispose();
        if (Emulator is not null)
            await Emulator.DisposeAsync();
        _directory.Dispose();
    }
}

internal sealed record UploadTarget(string Disk, string Sas);

internal sealed class ExportedDisk(string disk, long sizeBytes)
{
    public long SizeBytes { get; } = sizeBytes;

    /// <summary>Oldest first.</summary>
    public List<ExportedPoint> Points { get; } = [];

    [JsonIgnore]
    public string Disk { get; } = disk;

    /// <summary>What was written until now.</summary>
    [JsonIgnore]
    public ExportedContent Content { get; } = new();

    public async Task AddAsync(World world, string diskRestorePoint, int seconds, bool whole)
    {
        string sas = await world.Arm.GrantAsync(diskRestorePoint, seconds: seconds);
        byte[] footer = await world.Blob(sas).ReadAsync(SizeBytes, 512);
        byte[]? vhd = !whole ? null : [.. Content.ToArray((int)SizeBytes), .. footer];
        Points.Add(new ExportedPoint(sas, Content.Hash(), vhd is null ? null : Convert.ToHexStringLower(SHA256.HashData(vhd)), Convert.ToHexStringLower(footer)));
    }
}

/// <param name="ContentHash">Of the disk's own bytes, as <see cref="ExportedContent.Hash"/> forms it.</param>
/// <param name="VhdHash">SHA-256 of the whole VHD; null for a point that nobody reads whole.</param>
/// <param name="Footer">In hexadecimal digits.</param>
internal sealed record ExportedPoint(string Sas, string ContentHash, string? VhdHash, string Footer);
