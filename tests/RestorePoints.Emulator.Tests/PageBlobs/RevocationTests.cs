using System.Diagnostics;
using System.Net;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>Grants that come, grow and end while their URLs are in use.</summary>
public sealed class RevocationTests(EmulatorFixture fixture)
{
    private const int Rounds = 5;
    private const int Readers = 4;

    [Fact]
    public async Task A_revoked_url_opens_nothing_from_the_next_request_on_and_a_body_on_its_way_may_finish()
    {
        await using var server = new PageBlobServer();
        await server.InitializeAsync();
        const int size = 32 << 20;
        Disk disk = await server.NewDiskAsync(size);
        byte[] content = StorageReply.Bytes(size, 5);
        server.Engine.Write(disk.Id, 0, content);
        DiskRestorePoint point = await server.NewPointAsync(disk);
        for (int round = 0; round < Rounds; round++)
        {
            string url = await server.GrantAsync(point);
            using RawConnection underWay = await RawConnection.OpenAsync(new Uri(url), receiveBufferBytes: 4096);
            await underWay.SendAsync($"GET {new Uri(url).PathAndQuery} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
            byte[] received = new byte[size + 4096];
            int length = await underWay.ReceiveAsync(received);

            int reads = 0;
            long revoked = long.MaxValue;
            using var warm = new SemaphoreSlim(0);
            Task[] readers = [.. Enumerable.Range(0, Readers).Select(_ => Task.Run(async () =>
            {
                while (true)
                {
                    long start = Stopwatch.GetTimestamp();
                    using HttpResponseMessage answer = await server.GetAsync(url + (start % 2 == 0 ? "" : "&comp=pagelist"), ("x-ms-range", "bytes=0-511"));
                    if (answer.StatusCode == HttpStatusCode.Forbidden)
                    {
                        (await answer.ShouldFailAsync(403, "AuthenticationFailed")).Element("AuthenticationErrorDetail")!.Value.ShouldBe("SAS identifier cannot be found for specified signed identifier");
                        return;
                    }
                    answer.IsSuccessStatusCode.ShouldBeTrue();
                    start.ShouldBeLessThan(Interlocked.Read(ref revoked), "this request began after the revocation was done");
                    if (Interlocked.Increment(ref reads) == 4 * Readers)
                        warm.Release();
                }
            }))];
            (await warm.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)).ShouldBeTrue();
            await server.RevokeAsync(point.Id);
            Interlocked.Exchange(ref revoked, Stopwatch.GetTimestamp());
            await Task.WhenAll(readers);

            while (length < received.Length && await underWay.ReceiveAsync(received.AsMemory(length)) is var more and > 0)
            {
                length += more;
                if (RawAnswer.Parse(received[..Math.Min(length, 4096)], "HEAD", out int head) is not null && length >= head + size + 512)
                {
                    received.AsSpan(head, size).SequenceEqual(content).ShouldBeTrue("the body that was under way");
                    break;
                }
            }
            length.ShouldBeGreaterThan(size + 512);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20 << 20)]
    public async Task A_page_whose_body_is_on_its_way_when_access_ends_is_not_written(int offset)
    {
        await using var server = new PageBlobServer();
        await server.InitializeAsync();
        Disk disk = await server.NewDiskAsync(20 << 20, upload: true);
        var url = new Uri(await server.GrantAsync(disk, AccessKind.Upload));
        using RawConnection client = await RawConnection.OpenAsync(url);
        await client.SendAsync($"PUT {url.PathAndQuery}&comp=page HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-page-write: update\r\nx-ms-range: bytes={offset}-{offset + 511}\r\nContent-Length: 512\r\nExpect: 100-continue\r\n\r\n");
        (await client.AnswerAsync("PUT")).ShouldNotBeNull().Status.ShouldBe(100);

        await server.RevokeAsync(disk.Id);
        await client.SendAsync(StorageReply.Bytes(512, 6));

        RawAnswer answer = (await client.AnswerAsync("PUT")).ShouldNotBeNull();
        answer.Status.ShouldBe(403);
        answer.Headers["x-ms-error-code"].ShouldBe("AuthenticationFailed");
        string again = await server.GrantAsync(disk, AccessKind.Upload);
        (await (await server.GetAsync(again, ("x-ms-range", $"bytes={offset}-{offset + 511}"))).BytesAsync(HttpStatusCode.PartialContent)).ShouldBeBytes(new byte[512]);
    }

    [Fact]
    public async Task Of_many_grants_at_once_on_one_disk_five_succeed_and_each_revocation_makes_room_for_one()
    {
        World world = await World.CreateAsync(fixture);
        string collection = await world.CollectionAsync("c", await world.VmAsync("vm", await world.EmptyDiskAsync("os")));
        const int limit = 5, points = 8;
        List<string> all = [];
        for (int i = 0; i < points; i++)
            all.Add(World.OsDiskPoint(await world.PointAsync(collection, $"p{i}")));

        Dictionary<string, string> urls = [];
        for (int round = 0; round < 3; round++)
        {
            // Each point that has no SAS asks for one; those that have one extend it, which counts once.
            (string Point, string? Url)[] granted = await Task.WhenAll(all.Select(async point => (point, await TryGrantAsync(world, point, 3600 + round))));
            foreach ((string point, string? url) in granted)
            {
                if (urls.TryGetValue(point, out string? before))
                    url.ShouldBe(before, "an extension keeps its URL");
                if (url is not null)
                    urls[point] = url;
            }
            urls.Count.ShouldBe(limit);
            await Task.WhenAll(urls.Values.Select(url => world.Blob(url).ReadAsync(0, 512)));

            List<string> leaving = [.. urls.Keys.Skip(round % 2).Take(3)];
            await Task.WhenAll(leaving.Select(async point =>
            {
                await world.Arm.RevokeAsync(point);
                using HttpResponseMessage answer = await world.Blob(urls[point]).SendAsync(HttpMethod.Get, headers: ("x-ms-range", "bytes=0-511"));
                ((int)answer.StatusCode).ShouldBe(403);
            }));
            leaving.ForEach(point => urls.Remove(point));
            await Task.WhenAll(urls.Values.Select(url => world.Blob(url).ReadAsync(0, 512)));
        }
    }

    /// <returns>null: refused by the limit.</returns>
    private static async Task<string?> TryGrantAsync(World world, string point, int seconds)
    {
        ArmResponse accepted = await world.Arm.PostAsync($"{point}/beginGetAccess", $$"""{"access":"Read","durationInSeconds":{{seconds}}}""");
        if (accepted.Status == 409)
            return null;
        ArmResponse final = await world.Arm.FinishAsync(accepted.Expect(202));
        if (final["status"] != "Succeeded")
            return final["error.code"] == "OperationNotAllowed" ? null : throw new InvalidOperationException(final.Text);
        return (await world.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Location")))).Expect(200)["accessSAS"];
    }
}
