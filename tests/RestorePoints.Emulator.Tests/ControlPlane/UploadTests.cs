using System.Buffers.Binary;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>A disk by createOption Upload, from ReadyToUpload over ActiveUpload to Unattached, and what keeps it from getting there.</summary>
public sealed class UploadTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private const int Size = (int)World.UploadBytes, MiB = 1 << 20;

    private World _world = null!;

    private RawArm Arm => _world.Arm;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task An_upload_goes_through_its_states_and_has_its_size_at_the_end()
    {
        string disk = await NewAsync("upload");
        await ShouldBeAsync(disk, "ReadyToUpload", null);
        RawBlob blob = _world.Blob(await Arm.GrantAsync(disk, "Write"));
        await ShouldBeAsync(disk, "ActiveUpload", null);
        (await blob.LengthAsync()).ShouldBe(Size + 512);
        byte[] content = World.Noise(101, MiB);
        await blob.WriteAsync(5 * MiB, content);
        await blob.WriteAsync(Size, UploadedVhd.CreateFooter(Size));
        await Arm.RevokeAsync(disk);
        await ShouldBeAsync(disk, "Unattached", $"{Size}");
        (await Arm.GetAsync(disk))["properties.diskSizeGB"].ShouldBe("1");

        using HttpResponseMessage late = await blob.SendAsync(HttpMethod.Get);
        ((int)late.StatusCode).ShouldBe(403);
        byte[] read = await _world.DownloadAsync(disk);
        read.AsSpan(5 * MiB, MiB).SequenceEqual(content).ShouldBeTrue();
        Check(await Arm.PostAsync($"{disk}/beginGetAccess", Access("Write")), 409, "OperationNotAllowed", "Write access to disk upload is not allowed in its state Unattached.");
    }

    [Theory]
    [InlineData(20_972_032, true)]
    [InlineData(20_972_032 - MiB, false)]
    [InlineData(20_972_031, false)]
    [InlineData(20_972_032 - 512, false)]
    [InlineData(20_972_032 + 512, false)]
    [InlineData(20_972_032 + MiB, true)]
    [InlineData(35_183_298_347_520, true)]
    [InlineData(35_183_298_347_520 + MiB, false)]
    [InlineData(-1, false)]
    [InlineData(0, false)]
    [InlineData(long.MaxValue, false)]
    public async Task The_size_of_an_upload_is_a_whole_number_of_MiB_and_a_footer(long uploadSizeBytes, bool isAllowed)
    {
        string disk = _world.Disk("sized"), body = World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{uploadSizeBytes}");
        if (!isAllowed)
        {
            ArmResponse refused = await Arm.PutAsync(disk, body);
            Check(refused, 400, "InvalidParameter", "between 20972032 and 35183298347520");
            refused["error.target"].ShouldBe("properties.creationData.uploadSizeBytes");
            (await Arm.GetAsync(disk)).Status.ShouldBe(404);
            return;
        }
        await Arm.SucceedAsync(Arm.PutAsync(disk, body));
        (await _world.Blob(await Arm.GrantAsync(disk, "Write")).LengthAsync()).ShouldBe(uploadSizeBytes);
    }

    [Theory]
    [InlineData("never", "cookie value")]
    [InlineData("cleared", "cookie value")]
    [InlineData("zeros", "cookie value")]
    [InlineData("cookie", "cookie value")]
    [InlineData("dynamic", "disk type")]
    [InlineData("size", "current size")]
    [InlineData("checksum", "checksum")]
    public async Task An_upload_without_a_valid_footer_does_not_end_and_can_go_on(string fault, string text)
    {
        string disk = await NewAsync("bad");
        string sas = await Arm.GrantAsync(disk, "Write");
        RawBlob blob = _world.Blob(sas);
        byte[] content = World.Noise(102, MiB), footer = UploadedVhd.CreateFooter(Size);
        await blob.WriteAsync(0, content);
        if (fault != "never")
            await blob.WriteAsync(Size, Bad(fault, footer));
        if (fault == "cleared")
            await blob.ClearAsync(0, Size + 512);

        ArmResponse final = await Arm.FinishAsync((await Arm.PostAsync($"{disk}/endGetAccess")).Expect(202));
        (final["status"], final["error.code"]).ShouldBe(("Failed", "InvalidVhd"));
        final["error.message"]!.ShouldStartWith($"The specified {text} in VHD footer indicates that disk 'abcd' with blob {sas.Split('?')[0]} is not a supported VHD. Disk is expected to have ");
        await ShouldBeAsync(disk, "ReadyToUpload", null);
        using HttpResponseMessage revoked = await blob.SendAsync(HttpMethod.Get);
        ((int)revoked.StatusCode).ShouldBe(403, "the URL ends all the same");
        Check(await Arm.PutAsync(_world.Vm("vm"), _world.VmBody(disk)), 409, "OperationNotAllowed", "waiting for its upload");

        // What was written is still there: only the footer is missing.
        RawBlob again = _world.Blob(await Arm.GrantAsync(disk, "Write"));
        (await again.ReadAsync(0, MiB)).AsSpan().SequenceEqual(fault == "cleared" ? new byte[MiB] : content).ShouldBeTrue();
        await again.WriteAsync(Size, footer);
        await Arm.RevokeAsync(disk);
        await ShouldBeAsync(disk, "Unattached", $"{Size}");
    }

    [Fact]
    public async Task A_repeated_grant_goes_on_with_the_upload()
    {
        string disk = await NewAsync("again");
        string sas = await Arm.GrantAsync(disk, "Write", 600);
        byte[] content = World.Noise(103, MiB);
        await _world.Blob(sas).WriteAsync(0, content);
        (await Arm.GrantAsync(disk, "Write", 3600)).ShouldBe(sas);
        (await _world.Blob(sas).ReadAsync(0, MiB)).AsSpan().SequenceEqual(content).ShouldBeTrue();
        await ShouldBeAsync(disk, "ActiveUpload", null);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_disk_that_waits_for_its_upload_has_no_bytes_to_use(bool isActive)
    {
        string disk = await NewAsync("waiting"), state = isActive ? "ActiveUpload" : "ReadyToUpload";
        if (isActive)
            await Arm.GrantAsync(disk, "Write");
        Check(await Arm.PostAsync($"{disk}/beginGetAccess", Access("Read")), 409, "OperationNotAllowed", $"Read access to disk waiting is not allowed in its state {state}.");
        Check(await Arm.PutAsync(_world.Vm("vm"), _world.VmBody(disk)), 409, "OperationNotAllowed", "Disk waiting is waiting for its upload.");
        Check(await Arm.PutAsync(_world.Disk("copy"), World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{disk}\"")), 409, "OperationNotAllowed", "waiting for its upload");
        Check(await Arm.PutAsync(_world.Snapshot("s"), World.SnapshotBody(disk)), 409, "OperationNotAllowed", "waiting for its upload");
        Check(await Arm.PatchAsync(disk, """{"properties":{"diskSizeGB":5}}"""), 409, "OperationNotAllowed", isActive ? "active shared access signature" : "waiting for its upload");
        await ShouldBeAsync(disk, state, null);

        // It cannot be part of a restore point either: no machine has it.
        string vm = await _world.VmAsync("machine", await _world.EmptyDiskAsync("os"));
        Check(await Arm.PutAsync(vm, _world.VmBody(_world.Disk("os"), disk)), 409, "OperationNotAllowed", "waiting for its upload");

        if (isActive)
        {
            Check(await Arm.DeleteAsync(disk), 409, "OperationNotAllowed", "active shared access signature outstanding for disk waiting");
            ArmResponse ended = await Arm.FinishAsync((await Arm.PostAsync($"{disk}/endGetAccess")).Expect(202));
            ended["error.code"].ShouldBe("InvalidVhd");
        }
        await Arm.SucceedAsync(Arm.DeleteAsync(disk));
        (await Arm.GetAsync(disk)).Status.ShouldBe(404);
    }

    [Fact]
    public async Task A_disk_that_is_no_upload_gives_no_write_access()
    {
        string disk = await _world.EmptyDiskAsync("empty");
        Check(await Arm.PostAsync($"{disk}/beginGetAccess", Access("Write")), 409, "OperationNotAllowed", "Write access to disk empty is not allowed in its state Unattached.");
        await ShouldBeAsync(disk, "Unattached", $"{1L << 30}");
    }

    [Fact]
    public async Task Ending_access_before_any_was_granted_changes_nothing()
    {
        string disk = await NewAsync("early");
        await Arm.RevokeAsync(disk);
        await ShouldBeAsync(disk, "ReadyToUpload", null);
    }

    /// <summary>A server of its own: the clock is everyone's, and it is killed.</summary>
    [Fact]
    public async Task An_upload_survives_the_end_of_its_SAS_and_a_kill_of_the_server()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        byte[] content = World.Noise(104, MiB);
        string disk;
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            World world = await World.CreateAsync(new RawArm(http, subscription));
            disk = world.Disk("upload");
            await world.Arm.SucceedAsync(world.Arm.PutAsync(disk, World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{Size + 512}")));
            RawBlob expiring = world.Blob(await world.Arm.GrantAsync(disk, "Write", 600));
            await expiring.WriteAsync(0, content);
            using var body = new StringContent("""{"by":"00:10:01"}""", System.Text.Encoding.UTF8, "application/json");
            (await http.PostAsync("/emulator/clock/advance", body, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
            using HttpResponseMessage expired = await expiring.SendAsync(HttpMethod.Get);
            ((int)expired.StatusCode).ShouldBe(403);
            (await world.Arm.GetAsync(disk))["properties.diskState"].ShouldBe("ReadyToUpload");

            RawBlob blob = world.Blob(await world.Arm.GrantAsync(disk, "Write"));
            (await world.Arm.GetAsync(disk))["properties.diskState"].ShouldBe("ActiveUpload");
            await blob.WriteAsync(Size, UploadedVhd.CreateFooter(Size));
            await emulator.KillAsync();
        }
        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient client = EmulatorFixture.NewClient(again);
        var arm = new RawArm(client, subscription);
        (await arm.GetAsync(disk))["properties.diskState"].ShouldBe("ActiveUpload");
        await arm.RevokeAsync(disk);
        (await arm.GetAsync(disk))["properties.diskState"].ShouldBe("Unattached");
        byte[] vhd = await new RawBlob(client, await arm.GrantAsync(disk)).ReadAllAsync();
        vhd.AsSpan(0, MiB).SequenceEqual(content).ShouldBeTrue();
        vhd.AsSpan(MiB, Size - MiB).ContainsAnyExcept((byte)0).ShouldBeFalse();
    }

    private static byte[] Bad(string fault, byte[] footer)
    {
        byte[] bad = [.. footer];
        switch (fault)
        {
            case "zeros":
                bad.AsSpan().Clear();
                break;
            case "cookie":
                "conectiX"u8.CopyTo(bad);
                break;
            case "dynamic":
                bad[63] = 3;
                break;
            case "size":
                BinaryPrimitives.WriteInt64BigEndian(bad.AsSpan(48), Size + 512);
                break;
            case "checksum":
                bad[64] ^= 1;
                break;
        }
        return bad;
    }

    private static string Access(string access) => $$"""{"access":"{{access}}","durationInSeconds":60}""";

    private async Task<string> NewAsync(string name)
    {
        await Arm.SucceedAsync(Arm.PutAsync(_world.Disk(name), World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{Size + 512}")));
        return _world.Disk(name);
    }

    private async Task ShouldBeAsync(string disk, string state, string? sizeBytes)
    {
        ArmResponse shown = (await Arm.GetAsync(disk)).Expect(200);
        (shown["properties.diskState"], shown["properties.diskSizeBytes"]).ShouldBe((state, sizeBytes));
    }

    private static void Check(ArmResponse answer, int status, string code, string text)
    {
        (answer.Status, answer.ErrorCode).ShouldBe((status, code), answer.Text);
        answer["error.message"]!.ShouldContain(text);
    }
}
