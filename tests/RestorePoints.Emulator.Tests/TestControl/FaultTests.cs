using System.Net;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Tests.PageBlobs;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.TestControl;

/// <summary>Each effect as a client meets it, and what the world is like afterwards.</summary>
public sealed class FaultTests(EmulatorFixture fixture)
{
    private const string Lost = "\"type\":\"Cut\"";
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_error_on_ARM_is_answered_on_the_nth_call_and_nothing_happens()
    {
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("d");
        string fault = await world.Arm.AddFaultAsync("\"type\":\"Error\",\"status\":429,\"code\":\"TooManyRequests\",\"message\":\"Slow & easy.\",\"retryAfterSeconds\":7",
            ",\"operation\":\"Disks_Update\"", ",\"nth\":2,\"times\":1");

        await world.Arm.SucceedAsync(world.Arm.PatchAsync(disk, """{"tags":{"call":"1"}}"""));
        ArmResponse refused = (await world.Arm.PatchAsync(disk, """{"tags":{"call":"2"}}""")).Expect(429);

        refused.Text.ReplaceLineEndings("").Replace(" ", "").ShouldBe("""{"error":{"code":"TooManyRequests","message":"Slow&easy."}}""");
        refused.Header("Retry-After").ShouldBe("7");
        refused.Header("x-ms-request-id").ShouldNotBeNullOrEmpty();
        (await world.Arm.GetAsync(disk))["tags.call"].ShouldBe("1");
        await world.Arm.SucceedAsync(world.Arm.PatchAsync(disk, """{"tags":{"call":"3"}}"""));
        (await world.Arm.GetAsync(disk))["tags.call"].ShouldBe("3");
        (await world.Arm.FiredAsync(fault)).ShouldBe(1);
        (await world.Arm.JournalAsync(more: "&operation=Disks_Update")).Select(entry => $"{entry["status"]} {entry["faultId"]}").ShouldBe(["202 ", $"429 {fault}", "202 "]);
    }

    [Fact]
    public async Task An_error_on_HEAD_has_no_body()
    {
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("d");
        RawBlob guest = await world.GuestAsync(disk);
        await world.Arm.AddFaultAsync("\"type\":\"Error\"", ",\"method\":\"HEAD\"");
        await world.Arm.AddBlobFaultAsync(guest.Sas, "\"type\":\"Error\",\"code\":\"ServerBusy\"", ",\"method\":\"HEAD\"");

        (await world.Arm.GetAsync(disk)).Expect(200);
        using HttpResponseMessage blob = await guest.SendAsync(HttpMethod.Head);

        ((int)blob.StatusCode, blob.Header("x-ms-error-code")).ShouldBe((503, "ServerBusy"));
        (await blob.Content.ReadAsByteArrayAsync(Stop)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_error_on_the_data_plane_is_XML_and_writes_nothing()
    {
        World world = await World.CreateAsync(fixture);
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        string fault = await world.Arm.AddBlobFaultAsync(guest.Sas, "\"type\":\"Error\",\"status\":503,\"code\":\"ServerBusy\",\"message\":\"a < b\",\"retryAfterSeconds\":2", more: ",\"times\":2");

        using HttpResponseMessage put = await guest.SendAsync(HttpMethod.Put, "page", new ByteArrayContent(World.Noise(1, 512)), ("x-ms-page-write", "update"), ("x-ms-range", "bytes=0-511"));
        using HttpResponseMessage get = await guest.SendAsync(HttpMethod.Get);

        (await put.ShouldFailAsync(503, "ServerBusy")).Element("Message")!.Value.ShouldStartWith("a < b\n");
        put.Header("Retry-After").ShouldBe("2");
        await get.ShouldFailAsync(503, "ServerBusy");
        (await guest.PageRangesAsync()).ShouldBeEmpty();
        (await world.Arm.FiredAsync(fault)).ShouldBe(2);
    }

    [Fact]
    public async Task A_failed_operation_leaves_its_resource_failed_and_the_next_one_succeeds()
    {
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("d");
        string collection = await world.CollectionAsync("c", await world.VmAsync("vm", disk));
        string fault = await world.Arm.AddFaultAsync("\"type\":\"FailOperation\",\"code\":\"VMAgentStatusCommunicationError\",\"message\":\"No agent.\"", ",\"operation\":\"RestorePoints_Create\"", ",\"times\":1");

        (await world.Arm.PutAsync(World.Point(collection, "p1"), """{"properties":{"consistencyMode":"Often"}}""")).Expect(400);
        ArmResponse accepted = (await world.Arm.PutAsync(World.Point(collection, "p1"), "{}")).Expect(201);
        ArmResponse ended = await world.Arm.FinishAsync(accepted);

        (ended["status"], ended.ErrorCode, ended["error.message"]).ShouldBe(("Failed", "VMAgentStatusCommunicationError", "No agent."));
        (await world.Arm.GetAsync(World.Point(collection, "p1")))["properties.provisioningState"].ShouldBe("Failed");
        (await world.Arm.JournalAsync(World.Point(collection, "p1"), "&operation=RestorePoints_Create")).Select(entry => $"{entry["status"]} {entry["faultId"]}").ShouldBe(["400 ", $"201 {fault}"]);
        await world.PointAsync(collection, "p2");
        await world.Arm.SucceedAsync(world.Arm.DeleteAsync(World.Point(collection, "p1")));
        (await world.Arm.FiredAsync(fault)).ShouldBe(1);
    }

    [Fact]
    public async Task A_failed_deletion_leaves_the_disk_and_a_failed_creation_none()
    {
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("d");
        await world.Arm.AddFaultAsync("\"type\":\"FailOperation\"", more: ",\"times\":2", path: disk);

        ArmResponse deleted = (await world.Arm.DeleteAsync(disk)).Expect(202);
        (await world.Arm.FinishAsync(deleted))["error.code"].ShouldBe("Conflict");
        (await world.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, deleted.Header("Location")))).Expect(409);
        (await world.Arm.GetAsync(disk))["properties.provisioningState"].ShouldBe("Succeeded");
        await (await world.GuestAsync(disk)).WriteAsync(0, World.Noise(1, 512));

        (await world.Arm.FinishAsync((await world.Arm.PatchAsync(disk, """{"properties":{"diskSizeGB":2}}""")).Expect(202)))["status"].ShouldBe("Failed");
        (await world.Arm.GetAsync(disk))["properties.diskSizeGB"].ShouldBe("1");
        await world.Arm.SucceedAsync(world.Arm.DeleteAsync(disk));
        (await world.Arm.GetAsync(disk)).Expect(404);
    }

    [Fact]
    public async Task A_delay_goes_by_the_clock_of_the_emulator()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, Guid.NewGuid()));
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        (await world.Arm.CallAsync(HttpMethod.Post, "clock/freeze", "{}")).Expect(200);
        string arm = await world.Arm.AddFaultAsync("\"type\":\"Delay\",\"delayMs\":50", ",\"operation\":\"Disks_Get\"");
        string blob = await world.Arm.AddBlobFaultAsync(guest.Sas, "\"type\":\"Delay\",\"delayMs\":3600000", ",\"operation\":\"GetBlob\"");

        Task<ArmResponse> get = world.Arm.GetAsync(world.Disk("d"));
        Task<byte[]> read = guest.ReadAsync(0, 512);
        while (await world.Arm.FiredAsync(arm) + await world.Arm.FiredAsync(blob) < 2)
            Stop.ThrowIfCancellationRequested();
        (get.IsCompleted, read.IsCompleted).ShouldBe((false, false), "the clock is frozen");
        (await world.Arm.CallAsync(HttpMethod.Post, "clock/advance", """{"by":"00:00:00.05"}""")).Expect(200);
        (await get).Expect(200);
        read.IsCompleted.ShouldBeFalse("its hour is not over");
        (await world.Arm.CallAsync(HttpMethod.Post, "clock/advance", """{"by":"01:00:00"}""")).Expect(200);
        (await read).Length.ShouldBe(512);

        // A full reset ends faults and journal.
        (await world.Arm.CallAsync(HttpMethod.Post, "reset")).Expect(204);
        (await world.Arm.CallAsync(HttpMethod.Get, "faults")).Count("value").ShouldBe(0);
        (await world.Arm.CallAsync(HttpMethod.Get, "journal")).Count("value").ShouldBe(0);
    }

    [Fact]
    public async Task What_was_accepted_stays_accepted_when_its_answer_is_lost()
    {
        World world = await World.CreateAsync(fixture);
        string fault = await world.Arm.AddFaultAsync(Lost, ",\"operation\":\"Disks_CreateOrUpdate\"", ",\"times\":1");
        string body = World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1");

        await Should.ThrowAsync<HttpRequestException>(() => world.Arm.PutAsync(world.Disk("d"), body));

        (await world.Arm.GetAsync(world.Disk("d"))).Expect(200);
        await world.Arm.SucceedAsync(world.Arm.PutAsync(world.Disk("d"), body));
        // The client knows that its answer is lost before the request has ended, which is when the journal has it.
        string[] entries = [];
        while (entries.Length < 2 && !Stop.IsCancellationRequested)
            entries = [.. (await world.Arm.JournalAsync(world.Disk("d"), "&operation=Disks_CreateOrUpdate")).Select(entry => $"{entry["status"]} {entry["faultId"]}")];
        entries.ShouldBe([$"0 {fault}", "202 "], ignoreOrder: true);

        RawBlob guest = await world.GuestAsync(world.Disk("d"));
        await world.Arm.AddBlobFaultAsync(guest.Sas, Lost, ",\"operation\":\"PutPage\"", ",\"times\":1");
        byte[] page = World.Noise(1, 512);
        await Should.ThrowAsync<HttpRequestException>(() => guest.WriteAsync(0, page));
        (await guest.ReadAsync(0, 512)).ShouldBe(page, "written before the answer was lost");
    }

    [Fact]
    public async Task The_answer_of_an_error_can_be_lost_too()
    {
        World world = await World.CreateAsync(fixture);
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        await world.Arm.AddFaultAsync(Lost, more: ",\"times\":1");
        await world.Arm.AddBlobFaultAsync(guest.Sas, Lost, more: ",\"times\":1");

        await Should.ThrowAsync<HttpRequestException>(() => world.Arm.GetAsync(world.Disk("absent")));
        await Should.ThrowAsync<HttpRequestException>(() => guest.SendAsync(HttpMethod.Delete));

        (await world.Arm.GetAsync(world.Disk("absent"))).Expect(404);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300_000)]
    public async Task A_read_is_cut_behind_exactly_so_many_bytes(int bytes)
    {
        World world = await World.CreateAsync(fixture);
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        byte[] content = World.Noise(2, 1024 * 1024);
        await guest.WriteAsync(0, content);
        string fault = await world.Arm.AddBlobFaultAsync(guest.Sas, $"\"type\":\"Cut\",\"afterBytes\":{bytes}", ",\"operation\":\"GetBlob\"", ",\"times\":1");

        using var request = new HttpRequestMessage(HttpMethod.Get, guest.Sas);
        request.Headers.Add("x-ms-range", $"bytes=0-{content.Length - 1}");
        using HttpResponseMessage response = await fixture.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        ((int)response.StatusCode, response.Content.Headers.ContentLength).ShouldBe((206, content.Length));
        await using Stream body = await response.Content.ReadAsStreamAsync(Stop);
        byte[] read = new byte[content.Length];
        int length = 0;
        await Should.ThrowAsync<IOException>(async () =>
        {
            for (int got = 1; got > 0; length += got)
                got = await body.ReadAsync(read.AsMemory(length), Stop);
        });

        length.ShouldBe(bytes);
        read.AsSpan(0, length).SequenceEqual(content.AsSpan(0, length)).ShouldBeTrue();
        (await guest.ReadAsync(0, content.Length)).AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await world.Arm.JournalAsync(new Uri(guest.Sas).AbsolutePath, "&operation=GetBlob")).Select(entry => $"{entry["status"]} {entry["faultId"]}").ShouldBe([$"206 {fault}", "206 "]);
    }

    [Fact]
    public async Task An_answer_of_ARM_is_cut_and_one_that_is_shorter_arrives()
    {
        World world = await World.CreateAsync(fixture);
        await world.EmptyDiskAsync("d");
        await world.Arm.AddFaultAsync("\"type\":\"Cut\",\"afterBytes\":10", ",\"operation\":\"Disks_Get\"", ",\"times\":1");
        await world.Arm.AddFaultAsync("\"type\":\"Cut\",\"afterBytes\":100000", ",\"operation\":\"Disks_List\"", ",\"times\":1");

        await Should.ThrowAsync<HttpRequestException>(() => world.Arm.GetAsync(world.Disk("d")));
        (await world.Arm.GetAsync($"{world.Arm.Subscription}/providers/Microsoft.Compute/disks")).Expect(200).Count("value").ShouldBe(1);
        (await world.Arm.GetAsync(world.Disk("d"))).Expect(200);
    }

    [Fact]
    public async Task An_upload_that_is_cut_in_its_body_writes_nothing()
    {
        World world = await World.CreateAsync(fixture);
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        string fault = await world.Arm.AddBlobFaultAsync(guest.Sas, "\"type\":\"Cut\",\"afterBytes\":100000", ",\"operation\":\"PutPage\"", ",\"times\":1");
        byte[] content = World.Noise(3, 1024 * 1024);

        await Should.ThrowAsync<HttpRequestException>(() => guest.WriteAsync(0, content));
        (await guest.PageRangesAsync()).ShouldBeEmpty();

        await guest.WriteAsync(0, content);
        (await guest.ReadAsync(0, content.Length)).AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await world.Arm.FiredAsync(fault)).ShouldBe(1);
    }

    [Fact]
    public async Task A_wrong_checksum_comes_with_the_right_bytes()
    {
        World world = await World.CreateAsync(fixture);
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        byte[] page = World.Noise(4, 4096);
        string crc64 = Crc64Nvme.ToBase64(Crc64Nvme.Compute(page)), md5 = ContentMd5.Compute(page);
        string fault = await world.Arm.AddBlobFaultAsync(guest.Sas, "\"type\":\"WrongChecksum\"");

        using HttpResponseMessage put = await guest.SendAsync(HttpMethod.Put, "page", new ByteArrayContent(page), ("x-ms-page-write", "update"), ("x-ms-range", "bytes=0-4095"));
        put.Header("x-ms-content-crc64").ShouldNotBe(crc64);
        put.Header("x-ms-content-crc64").ShouldNotBeNullOrEmpty();
        using HttpResponseMessage withMd5 = await ReadAsync(("x-ms-range-get-content-md5", "true"));
        Convert.FromBase64String(withMd5.Header("Content-MD5")!).Length.ShouldBe(16);
        withMd5.Header("Content-MD5").ShouldNotBe(md5);
        using HttpResponseMessage withCrc = await ReadAsync(("x-ms-range-get-content-crc64", "true"));
        withCrc.Header("x-ms-content-crc64").ShouldNotBe(crc64);
        using HttpResponseMessage plain = await ReadAsync();
        plain.Header("Content-MD5").ShouldNotBe(md5, "an answer without checksum gets one");
        using HttpResponseMessage structured = await guest.SendAsync(HttpMethod.Get, headers: [("x-ms-range", "bytes=0-4095"), ("x-ms-structured-body", "XSM/1.0; properties=crc64")]);
        byte[] message = await structured.BytesAsync(HttpStatusCode.PartialContent);
        Should.Throw<StorageException>(() => StructuredMessage.Decode(message)).Error.Code.ShouldBe("Crc64Mismatch");
        message.AsSpan(StructuredMessage.HeaderBytes + StructuredMessage.SegmentHeaderBytes, page.Length).SequenceEqual(page).ShouldBeTrue();
        (await world.Arm.FiredAsync(fault)).ShouldBe(5);
        (await guest.PageRangesAsync()).Count.ShouldBe(1, "lists carry no checksum");
        (await world.Arm.FiredAsync(fault)).ShouldBe(5);

        async Task<HttpResponseMessage> ReadAsync(params (string Name, string Value)[] headers)
        {
            HttpResponseMessage response = await guest.SendAsync(HttpMethod.Get, headers: [("x-ms-range", "bytes=0-4095"), .. headers]);
            (await response.BytesAsync(HttpStatusCode.PartialContent)).ShouldBe(page);
            return response;
        }
    }

    [Fact]
    public async Task The_storage_client_gets_over_a_busy_server_and_a_cut_read()
    {
        World world = await World.CreateAsync(fixture);
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        byte[] content = World.Noise(5, 3 * 1024 * 1024);
        var client = new PageBlobClient(new Uri(guest.Sas), new BlobClientOptions { Retry = { Delay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(10) } });
        string busy = await world.Arm.AddBlobFaultAsync(guest.Sas, "\"type\":\"Error\",\"status\":503,\"code\":\"ServerBusy\"", more: ",\"nth\":1,\"times\":1");
        string cut = await world.Arm.AddBlobFaultAsync(guest.Sas, "\"type\":\"Cut\",\"afterBytes\":1000000", ",\"operation\":\"GetBlob\"", ",\"times\":1");

        using (var pages = new MemoryStream(content))
            await client.UploadPagesAsync(pages, 0, cancellationToken: Stop);
        BlobDownloadResult read = await client.DownloadContentAsync(new BlobDownloadOptions { Range = new Azure.HttpRange(0, content.Length) }, Stop);

        read.Content.ToMemory().Span.SequenceEqual(content).ShouldBeTrue();
        (await world.Arm.FiredAsync(busy), await world.Arm.FiredAsync(cut)).ShouldBe((1, 1));
        (await world.Arm.JournalAsync(new Uri(guest.Sas).AbsolutePath)).Select(entry => $"{entry["status"]} {entry["operation"]} {entry["faultId"]}").ShouldBe(
            [$"503 PutPage {busy}", "201 PutPage ", $"206 GetBlob {cut}", "206 GetBlob "]);
    }

    [Fact]
    public async Task The_storage_client_notices_a_wrong_checksum()
    {
        World world = await World.CreateAsync(fixture);
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        await guest.WriteAsync(0, World.Noise(6, 4096));
        var client = new PageBlobClient(new Uri(guest.Sas), new BlobClientOptions { Retry = { MaxRetries = 0 } });
        await world.Arm.AddBlobFaultAsync(guest.Sas, "\"type\":\"WrongChecksum\"", more: ",\"times\":1");
        var checkedRead = new BlobDownloadOptions
        {
            Range = new Azure.HttpRange(0, 4096),
            TransferValidation = new DownloadTransferValidationOptions { ChecksumAlgorithm = StorageChecksumAlgorithm.MD5 },
        };

        await Should.ThrowAsync<InvalidDataException>(() => client.DownloadContentAsync(checkedRead, Stop));
        (await client.DownloadContentAsync(checkedRead, Stop)).Value.Content.ToMemory().Length.ShouldBe(4096);
    }
}
