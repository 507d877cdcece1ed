using System.Buffers.Binary;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Tests.PageBlobs;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Crash;

/// <summary>A sector of 512 bytes is of one write, whoever writes it beside whom, leaves in the middle of a body or kills the server.</summary>
public sealed class TornSectorTests(ITestOutputHelper output)
{
    private const int SectorBytes = 512;
    private const int AreaBytes = 128 * 1024;
    private const int Sectors = AreaBytes / SectorBytes;
    private const int Writers = 4;
    private const int Rounds = 2;
    private const int ReadsPerRound = 150;

    /// <summary>Of writers that never send a whole body.</summary>
    private const int Leaver = 99;

    [Fact]
    public async Task Every_sector_is_of_one_writer_beside_readers_broken_clients_and_kills()
    {
        int seed = Seeds.Choose(), written = 0, left = 0, checkedSectors = 0;
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        string guest = "";
        for (int round = 0; round <= Rounds; round++)
        {
            await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:HttpsPort=0");
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            if (round == 0)
            {
                World world = await World.CreateAsync(new RawArm(http, subscription));
                guest = await world.Arm.GuestAccessAsync(await world.EmptyDiskAsync("disk"));
            }
            var disk = new RawBlob(http, PointKeeper.Rebase(guest, emulator.Http));
            checkedSectors += Check(await disk.ReadAsync(0, AreaBytes), $"seed {seed}, after {round} kills");
            if (round == Rounds)
                break;

            using var stop = new CancellationTokenSource();
            List<Task> others = [];
            for (int number = 1; number <= Writers; number++)
                others.Add(WriteAsync(disk, number, new Random(seed + (round * 100) + number), () => Interlocked.Increment(ref written), stop.Token));
            others.Add(LeaveAsync(new Uri(disk.Sas), new Random(seed + round), () => Interlocked.Increment(ref left), stop.Token));

            var random = new Random(seed - round);
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => ReadAsync(disk, new Random(random.Next()), sectors => Interlocked.Add(ref checkedSectors, sectors), $"seed {seed}")));
            await emulator.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(others);
        }
        output.WriteLine($"seed {seed}: {written} writes, {left} broken ones, {checkedSectors} sectors checked, {Rounds} kills");
        written.ShouldBeGreaterThan(ReadsPerRound);
        left.ShouldBeGreaterThan(Rounds * 10);
    }

    private static async Task WriteAsync(RawBlob disk, int number, Random random, Action done, CancellationToken stop)
    {
        try
        {
            for (int sequence = 1; !stop.IsCancellationRequested; sequence++)
            {
                int count = random.Next(1, random.Next(2) == 0 ? 9 : Sectors + 1), first = random.Next(Sectors - count + 1);
                await disk.WriteAsync(first * SectorBytes, Stamped(number, sequence, count));
                done();
            }
        }
        catch (HttpRequestException gone) when (gone.StatusCode is null)
        {
        }
    }

    /// <summary>Put Page after Put Page whose client breaks in the middle of the body.</summary>
    private static async Task LeaveAsync(Uri url, Random random, Action done, CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested)
            {
                RawConnection connection = await RawConnection.OpenAsync(url);
                await connection.SendAsync($"PUT {url.PathAndQuery}&comp=page HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-page-write: update\r\nx-ms-range: bytes=0-{AreaBytes - 1}\r\nContent-Length: {AreaBytes}\r\n\r\n");
                await connection.SendAsync(Stamped(Leaver, 1, Sectors).AsMemory(0, random.Next(AreaBytes)));
                connection.Break();
                done();
            }
        }
        catch (System.Net.Sockets.SocketException)
        {
        }
    }

    private static async Task ReadAsync(RawBlob disk, Random random, Action<int> done, string what)
    {
        for (int i = 0; i < ReadsPerRound; i++)
        {
            int count = random.Next(1, random.Next(2) == 0 ? 17 : Sectors + 1), first = random.Next(Sectors - count + 1);
            using HttpResponseMessage answer = await disk.SendAsync(HttpMethod.Get, headers:
                [("x-ms-range", $"bytes={first * SectorBytes}-{((first + count) * SectorBytes) - 1}"), ("x-ms-range-get-content-md5", i % 2 == 0 ? "true" : "false")]);
            await RawBlob.ExpectAsync(answer, 206);
            byte[] data = await answer.Content.ReadAsByteArrayAsync();
            if (i % 2 == 0)
                Convert.ToBase64String(answer.Content.Headers.ContentMD5!).ShouldBe(ContentMd5.Compute(data), what);
            done(Check(data, what));
        }
    }

    private static byte[] Stamped(int number, int sequence, int sectors)
    {
        byte[] data = new byte[sectors * SectorBytes];
        for (int at = 0; at < data.Length; at += 8)
        {
            BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(at), number);
            BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(at + 4), sequence);
        }
        return data;
    }

    private static int Check(byte[] data, string what)
    {
        for (int at = 0; at < data.Length; at += SectorBytes)
        {
            ReadOnlySpan<byte> sector = data.AsSpan(at, SectorBytes);
            // A sector that is its own first 8 bytes again and again repeats itself 8 bytes further on.
            if (!sector[8..].SequenceEqual(sector[..^8]))
                throw new ShouldAssertException($"{what}: a sector is torn: {Convert.ToHexString(sector)}");
            BinaryPrimitives.ReadInt32LittleEndian(sector).ShouldBeLessThan(Leaver, $"{what}: of a body that never came whole");
        }
        return data.Length / SectorBytes;
    }
}
