using System.Buffers.Binary;
using System.Text;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.VhdImports;

/// <summary>Disks and snapshots by createOption Import.</summary>
public sealed class ImportTests(ImportFixture import, EmulatorFixture fixture) : IClassFixture<ImportFixture>, IAsyncLifetime
{
    private const int MiB = 1 << 20;

    private World _world = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private RawArm Arm => _world.Arm;

    private VhdServer Server => import.Server;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(import.NewSubscription());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_vhd_file_becomes_a_disk_with_its_bytes_and_its_size()
    {
        byte[] content = World.Noise(71, 3 * MiB);
        content.AsSpan(MiB, MiB + 8192).Clear();
        string source = await FileAsync("noise.vhd", content);
        ArmResponse accepted = (await Arm.PutAsync(_world.Disk("imported"), Body(source, ",\"osType\":\"Linux\",\"hyperVGeneration\":\"V2\""))).Expect(202);
        accepted["properties.provisioningState"].ShouldBe("Updating");
        accepted.Header("Azure-AsyncOperation").ShouldNotBeNull();
        (await Arm.FinishAsync(accepted))["properties.output.properties.diskSizeBytes"].ShouldBe($"{3 * MiB}");

        ArmResponse disk = await Arm.GetAsync(_world.Disk("imported"));
        (disk["properties.provisioningState"], disk["properties.diskState"], disk["properties.diskSizeBytes"], disk["properties.diskSizeGB"], disk["properties.osType"], disk["properties.hyperVGeneration"])
            .ShouldBe(("Succeeded", "Unattached", $"{3 * MiB}", "1", "Linux", "V2"));
        disk.Keys("properties.creationData").ShouldBe("createOption sourceUri");
        (disk["properties.creationData.createOption"], disk["properties.creationData.sourceUri"]).ShouldBe(("Import", source));

        RawBlob blob = _world.Blob(await Arm.GrantAsync(_world.Disk("imported")));
        (await blob.ReadAllAsync()).AsSpan(0, 3 * MiB).SequenceEqual(content).ShouldBeTrue();
        (await blob.PageRangesAsync()).ShouldBe([new(0, MiB, false), new(2 * MiB + 8192, 3 * MiB, false), new(3 * MiB, 3 * MiB + 512, false)], "zeros take no space");
    }

    [Fact]
    public async Task A_large_sparse_file_is_imported_without_reading_its_holes()
    {
        const long size = 8L << 40;
        byte[] data = World.Noise(72, 4096);
        string path = Path.Combine(import.Folder, "sparse.vhd");
        await using (FileStream file = File.Create(path))
        {
            file.Seek(size / 2, SeekOrigin.Begin);
            file.Write(data);
            file.Seek(size, SeekOrigin.Begin);
            file.Write(UploadedVhd.CreateFooter(size));
        }
        await ImportAsync("sparse", ImportFixture.UrlOf(path));
        File.Delete(path);
        RawBlob blob = _world.Blob(await Arm.GrantAsync(_world.Disk("sparse")));
        (await blob.PageRangesAsync()).ShouldBe([new(size / 2, size / 2 + 4096, false), new(size, size + 512, false)]);
        (await blob.ReadAsync(size / 2, 4096)).ShouldBe(data);
    }

    [Fact]
    public async Task A_disk_may_be_larger_than_its_vhd_and_not_smaller()
    {
        byte[] content = World.Noise(73, MiB);
        await ImportAsync("larger", await FileAsync("small.vhd", content), ",\"diskSizeGB\":2");
        RawBlob blob = _world.Blob(await Arm.GrantAsync(_world.Disk("larger")));
        (await blob.LengthAsync()).ShouldBe((2L << 30) + 512);
        (await blob.PageRangesAsync()).ShouldBe([new(0, MiB, false), new(2L << 30, (2L << 30) + 512, false)]);
        (await Arm.GetAsync(_world.Disk("larger")))["properties.diskSizeGB"].ShouldBe("2");

        string path = Path.Combine(import.Folder, "large.vhd");
        await using (FileStream file = File.Create(path))
        {
            file.Seek((2L << 30) + MiB, SeekOrigin.Begin);
            file.Write(UploadedVhd.CreateFooter((2L << 30) + MiB));
        }
        await ShouldFailAsync(_world.Disk("smaller"), Body(ImportFixture.UrlOf(path), ",\"diskSizeGB\":2"), "OperationNotAllowed", "Disk smaller of 2 GB cannot be created from a source of 3 GB");
        await ShouldFailAsync(_world.Snapshot("smaller"), Body(ImportFixture.UrlOf(path), ",\"diskSizeGB\":2"), "OperationNotAllowed", "Snapshot smaller of 2 GB");
    }

    [Fact]
    public async Task An_imported_disk_is_a_disk_like_others()
    {
        byte[] content = World.Noise(74, 2 * MiB);
        await ImportAsync("os", await FileAsync("os.vhd", content), ",\"osType\":\"Linux\"");
        string vm = await _world.VmAsync("vm", _world.Disk("os"));
        ArmResponse point = await _world.PointAsync(await _world.CollectionAsync("c", vm), "p");
        string restored = await _world.RestoredDiskAsync("restored", World.OsDiskPoint(point));
        (await _world.DownloadAsync(restored)).AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await Arm.GetAsync(restored)).Keys("properties.creationData").ShouldBe("createOption sourceResourceId");
    }

    [Fact]
    public async Task A_snapshot_is_imported_too_and_disks_are_made_from_it()
    {
        byte[] content = World.Noise(75, 2 * MiB);
        string source = await FileAsync("snapshot.vhd", content);
        await Arm.SucceedAsync(Arm.PutAsync(_world.Snapshot("s"), Body(source, ",\"osType\":\"Windows\"")));
        ArmResponse snapshot = await Arm.GetAsync(_world.Snapshot("s"));
        (snapshot["properties.diskSizeBytes"], snapshot["properties.diskSizeGB"], snapshot["properties.creationData.sourceUri"], snapshot["properties.osType"]).ShouldBe(($"{2 * MiB}", "1", source, "Windows"));
        (await _world.DownloadAsync(_world.Snapshot("s"))).AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await _world.DownloadAsync(await _world.CopiedDiskAsync("copy", _world.Snapshot("s")))).AsSpan().SequenceEqual(content).ShouldBeTrue();
        ArmResponse other = await Arm.PutAsync(_world.Snapshot("s"), Body(source + "2"));
        (other.Status, other.ErrorCode).ShouldBe((409, "PropertyChangeNotAllowed"));
    }

    /// <summary>The official examples, from where the settings allow.</summary>
    [Theory]
    [InlineData("disks", "2020-12-01", "")]
    [InlineData("disks", "2020-12-01", "\"storageAccountId\":\"subscriptions/s/resourceGroups/myResourceGroup/providers/Microsoft.Storage/storageAccounts/myStorageAccount\",")]
    [InlineData("disks", "2026-03-02", "")]
    [InlineData("snapshots", "2020-12-01", "")]
    [InlineData("snapshots", "2020-12-01", "\"storageAccountId\":\"subscriptions/s/resourceGroups/myResourceGroup/providers/Microsoft.Storage/storageAccounts/myStorageAccount\",")]
    public async Task The_published_examples_are_served(string type, string version, string storageAccount)
    {
        byte[] content = World.Noise(76, MiB);
        string source = Server.Serve("/vhds/osimages/osimage.vhd", Vhd(content)), path = $"{_world.Compute}/{type}/myDisk";
        await Arm.SucceedAsync(Arm.SendAsync(HttpMethod.Put, path,
            $$$"""{"location":"West US","properties":{"creationData":{"createOption":"Import",{{{storageAccount}}}"sourceUri":"{{{source}}}"} } }""", apiVersion: version));
        ArmResponse shown = await Arm.SendAsync(HttpMethod.Get, path, apiVersion: version);
        shown["properties.creationData.sourceUri"].ShouldBe(source);
        (shown["properties.creationData.storageAccountId"] is null).ShouldBe(storageAccount.Length == 0);
        (await _world.DownloadAsync(path)).AsSpan().SequenceEqual(content).ShouldBeTrue();
        // Shown and put back: nothing changes.
        await Arm.SucceedAsync(Arm.SendAsync(HttpMethod.Put, path, shown.Text, apiVersion: version));
    }

    [Fact]
    public async Task A_disk_is_imported_from_the_SAS_of_an_emulator_and_its_signature_is_nowhere_but_in_the_disk()
    {
        World there = await World.CreateAsync(fixture);
        byte[] content = World.Noise(77, (int)World.UploadBytes);
        string disk = await there.UploadDiskAsync("source", content), sas = await there.Arm.GrantAsync(disk);
        await ImportAsync("from-sas", sas);
        (await _world.DownloadAsync(_world.Disk("from-sas"))).AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await Arm.GetAsync(_world.Disk("from-sas")))["properties.creationData.sourceUri"].ShouldBe(sas);

        await there.Arm.RevokeAsync(disk);
        string failure = await ShouldFailAsync(_world.Disk("revoked"), Body(sas), "InvalidParameter", "the server answered 403");
        string signature = sas[(sas.IndexOf("sig=", StringComparison.Ordinal) + 4)..];
        failure.ShouldNotContain("sig=");
        import.Emulator.Output.ShouldNotContain(signature);
        import.Emulator.Output.ShouldNotContain(Uri.UnescapeDataString(signature));
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("file:///etc/passwd")]
    [InlineData("file://{folder}")]
    [InlineData("file://{folder}/")]
    [InlineData("file://{folder}/../secret.vhd")]
    [InlineData("file://{folder}/%2e%2e/secret.vhd")]
    [InlineData("file://{folder}%2f..%2fsecret.vhd")]
    [InlineData("file://{folder}/..%2fsecret.vhd")]
    [InlineData(@"file://{folder}/..\secret.vhd")]
    [InlineData("file://{folder}-twin/secret.vhd")]
    [InlineData("file://{folder}/link.vhd")]
    [InlineData("file://{folder}/loop.vhd")]
    [InlineData("file://{folder}/linked-folder/secret.vhd")]
    [InlineData("file://{folder}/%00.vhd")]
    [InlineData("file://host{folder}/a.vhd")]
    [InlineData(@"\\host\share\a.vhd")]
    [InlineData("a.vhd")]
    [InlineData("ftp://127.0.0.1/a.vhd")]
    [InlineData("{server}/a.vhd")]
    [InlineData("{server}/vhds")]
    [InlineData("{server}/vhds-twin/a.vhd")]
    [InlineData("{server}/VHDS/a.vhd")]
    [InlineData("{server}/vhds/../a.vhd")]
    [InlineData("{server}/vhds/%2e%2e/a.vhd")]
    [InlineData("{server}/vhds/..%2fa.vhd")]
    [InlineData("{server}/vhds/%252e%252e/a.vhd")]
    [InlineData("{server}/vhds/..%252fa.vhd")]
    [InlineData(@"{server}/vhds/..\a.vhd")]
    [InlineData("{server}/vhds/..%5ca.vhd")]
    [InlineData("http://user:secret@{authority}/vhds/a.vhd")]
    [InlineData("http://{authority}@127.0.0.1:1/vhds/a.vhd")]
    [InlineData("https://{authority}/vhds/a.vhd")]
    [InlineData("http://localhost:{port}/vhds/a.vhd")]
    [InlineData("http://127.0.0.1:1/vhds/a.vhd")]
    [InlineData("http://127.0.0.1.example.invalid/vhds/a.vhd")]
    public async Task What_is_outside_of_the_roots_is_refused_without_being_asked(string pattern)
    {
        await UploadedVhd.WriteAsync(import.Outside("secret.vhd"), new byte[MiB]);
        Directory.CreateDirectory(import.Folder + "-twin");
        await UploadedVhd.WriteAsync(import.Folder + "-twin/secret.vhd", new byte[MiB]);
        Link("link.vhd", import.Outside("secret.vhd"));
        Link("loop.vhd", Path.Combine(import.Folder, "loop.vhd"));
        Link("linked-folder", "..");
        var server = new Uri(Server.Url);
        string source = pattern.Replace("{folder}", import.Folder).Replace("{server}", Server.Url).Replace("{authority}", server.Authority).Replace("{port}", $"{server.Port}");
        int before = Server.Requests.Count;
        foreach (string path in new[] { _world.Disk("outside"), _world.Snapshot("outside") })
        {
            ArmResponse refused = await Arm.PutAsync(path, Body(source.Replace(@"\", @"\\")));
            (refused.Status, refused.ErrorCode).ShouldBe((400, "InvalidParameter"), refused.Text);
            refused["error.target"].ShouldBe("properties.creationData.sourceUri");
            refused.Text.ShouldNotContain("user:secret");
            (await Arm.GetAsync(path)).Status.ShouldBe(404);
        }
        Server.Requests.Count.ShouldBe(before);

        void Link(string name, string target)
        {
            if (new FileInfo(Path.Combine(import.Folder, name)).LinkTarget is null)
                File.CreateSymbolicLink(Path.Combine(import.Folder, name), target);
        }
    }

    [Fact]
    public async Task A_link_that_stays_inside_is_followed_and_names_are_decoded()
    {
        byte[] content = World.Noise(78, MiB);
        await FileAsync("a b.vhd", content);
        File.CreateSymbolicLink(Path.Combine(import.Folder, "inside.vhd"), "a b.vhd");
        await ImportAsync("link", ImportFixture.UrlOf(Path.Combine(import.Folder, "inside.vhd")));
        await ImportAsync("space", $"file://{import.Folder}/a%20b.vhd");
        (await _world.DownloadAsync(_world.Disk("link"))).AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await _world.DownloadAsync(_world.Disk("space"))).AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public async Task Without_the_setting_nothing_is_imported()
    {
        World plain = await World.CreateAsync(fixture);
        ArmResponse refused = await plain.Arm.PutAsync(plain.Disk("d"), Body("file:///etc/passwd"));
        (refused.Status, refused.ErrorCode, refused["error.target"]).ShouldBe((400, "InvalidParameter", "properties.creationData.sourceUri"));
        refused["error.message"]!.ShouldContain("Emulator:ImportRoots");
    }

    [Theory]
    [InlineData("\"createOption\":\"Import\"", 400, "InvalidParameter", "creationData.sourceUri")]
    [InlineData("\"createOption\":\"Import\",\"sourceUri\":\"\"", 400, "InvalidParameter", "creationData.sourceUri")]
    [InlineData("\"createOption\":\"Import\",\"sourceUri\":\"{ok}\",\"securityDataUri\":\"{ok}\"", 400, "InvalidParameter", "securityDataUri")]
    [InlineData("\"createOption\":\"ImportSecure\",\"sourceUri\":\"{ok}\",\"securityDataUri\":\"{ok}\"", 501, "NotImplemented", "ImportSecure")]
    [InlineData("\"createOption\":\"UploadPreparedSecure\",\"uploadSizeBytes\":20972032", 501, "NotImplemented", "UploadPreparedSecure")]
    public async Task What_an_import_cannot_be_is_refused_at_once(string creationData, int status, string code, string text)
    {
        string source = await FileAsync("ok.vhd", new byte[MiB]);
        foreach (string path in new[] { _world.Disk("d"), _world.Snapshot("s") })
        {
            ArmResponse refused = await Arm.PutAsync(path, $$$"""{"location":"westeurope","properties":{"creationData":{{{{creationData.Replace("{ok}", source)}}}}} }""");
            (refused.Status, refused.ErrorCode).ShouldBe((status, code), refused.Text);
            refused.Text.ShouldContain(text);
        }
    }

    [Theory]
    [InlineData("raw", "The specified cookie value in VHD footer indicates that disk 'raw.vhd' with blob {url} is not a supported VHD. Disk is expected to have cookie value 'conectix'.")]
    [InlineData("short", "The specified cookie value in VHD footer")]
    [InlineData("footer", "has an unsupported virtual size of 0 bytes. The size must be a whole number (in MBs).")]
    [InlineData("odd", "Disk 'odd.vhd' with blob {url} has an unsupported virtual size of 1049088 bytes. The size must be a whole number (in MBs).")]
    [InlineData("checksum", "The specified checksum in VHD footer")]
    [InlineData("size", "The specified current size in VHD footer")]
    [InlineData("type", "The specified disk type in VHD footer")]
    [InlineData("dynamic", "is a dynamic or differencing VHD. Only a fixed VHD can be imported.")]
    [InlineData("vhdx", "Disk 'vhdx.vhd' with blob {url} is a VHDX. Only a fixed VHD can be imported.")]
    public async Task What_is_no_fixed_vhd_fails_the_operation(string kind, string text)
    {
        byte[] vhd = Vhd(World.Noise(79, MiB));
        switch (kind)
        {
            case "raw":
                vhd.AsSpan(MiB).Clear();
                break;
            case "short":
                vhd = vhd[..100];
                break;
            case "footer":
                vhd = vhd[MiB..];
                break;
            case "odd":
                vhd = Vhd(new byte[MiB + 512]);
                break;
            case "checksum":
                vhd[MiB + 64] ^= 1;
                break;
            case "size":
                UploadedVhd.CreateFooter(2 * MiB).CopyTo(vhd, MiB);
                break;
            case "type":
                vhd[MiB + 63] = 4;
                break;
            case "dynamic":
                byte[] footer = UploadedVhd.CreateFooter(MiB);
                footer[63] = 3;
                // One less than before in a sum of which the complement is kept.
                BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(64), BinaryPrimitives.ReadUInt32BigEndian(footer.AsSpan(64)) - 1);
                vhd = [.. footer, .. new byte[5000], .. footer];
                break;
            default:
                vhd = [.. "vhdxfile"u8, .. new byte[4 * MiB]];
                break;
        }
        string path = Path.Combine(import.Folder, kind + ".vhd");
        await File.WriteAllBytesAsync(path, vhd, Stop);
        foreach (string source in new[] { ImportFixture.UrlOf(path), Server.Serve($"/vhds/{kind}.vhd", vhd) })
        {
            await ShouldFailAsync(_world.Disk("bad"), Body(source), "InvalidVhd", text.Replace("{url}", source));
            await ShouldFailAsync(_world.Snapshot("bad"), Body(source), "InvalidVhd", text.Replace("{url}", source));
        }
        // A disk whose creation failed is made anew by a PUT.
        await ImportAsync("bad", await FileAsync("good.vhd", World.Noise(80, MiB)));
    }

    [Theory]
    [InlineData("absent.vhd", "there is no such file")]
    [InlineData("empty.vhd", "it is empty or not a file")]
    [InlineData("folder", "it is not a file")]
    [InlineData("pipe", "it is empty or not a file")]
    [InlineData("empty.vhd/absent.vhd", "there is no such file")]
    public async Task A_file_that_cannot_be_read_fails_the_operation(string name, string text)
    {
        await File.WriteAllBytesAsync(Path.Combine(import.Folder, "empty.vhd"), [], Stop);
        Directory.CreateDirectory(Path.Combine(import.Folder, "folder"));
        if (name == "pipe" && !File.Exists(Path.Combine(import.Folder, name)))
            await System.Diagnostics.Process.Start("mkfifo", Path.Combine(import.Folder, name)).WaitForExitAsync(Stop);
        await ShouldFailAsync(_world.Disk("unreadable"), Body(ImportFixture.UrlOf(Path.Combine(import.Folder, name))), "InvalidParameter", text);
    }

    [Theory]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /secret\r\nContent-Length: 0\r\n\r\n", "the server answered 302, and redirects are not followed")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "the server answered 404")]
    [InlineData("HTTP/1.1 206 Partial Content\r\nContent-Length: 1049088\r\n\r\n", "the server answered 206")]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "did not tell its length")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "did not tell its length")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1049088\r\n\r\n", "encoded")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1049088\r\n\r\nabc", "it ended after")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 3146240\r\n\r\n{2 MiB}", "of 3146240 bytes")]
    [InlineData("", "the server cannot be reached")]
    [InlineData("nonsense\r\n\r\n", "the server cannot be reached")]
    public async Task A_server_that_does_not_give_the_vhd_fails_the_operation(string answer, string text)
    {
        byte[] body = answer.EndsWith("{2 MiB}", StringComparison.Ordinal) ? World.Noise(81, 2 * MiB) : [];
        string source = Server.Serve("/vhds/bad.vhd", stream => VhdServer.SendAsync(stream, answer.Replace("{2 MiB}", ""), body)) + "?sig=secret";
        (await ShouldFailAsync(_world.Disk("bad"), Body(source), "InvalidParameter", text)).ShouldNotContain("secret");
        Server.Requests.ShouldNotContain(line => line.Contains("/secret"), "no redirect is followed");
        import.Emulator.Output.ShouldNotContain("sig=secret");
    }

    [Fact]
    public async Task A_disk_that_is_being_imported_is_not_attached_and_a_copy_of_it_waits()
    {
        byte[] content = World.Noise(82, 3 * MiB);
        await using var held = new HeldAnswer(Vhd(content));
        string disk = _world.Disk("held");
        ArmResponse accepted = (await Arm.PutAsync(disk, Body(Server.Serve("/vhds/held.vhd", held.AnswerAsync), ",\"osType\":\"Linux\""))).Expect(202);
        await held.HalfSent;
        ArmResponse shown = await Arm.GetAsync(disk);
        (shown["properties.provisioningState"], shown["properties.diskSizeBytes"], shown["properties.diskSizeGB"]).ShouldBe(("Updating", null, null));
        ArmResponse refused = await Arm.PutAsync(_world.Vm("vm"), _world.VmBody(disk));
        (refused.Status, refused.ErrorCode, refused["error.message"]).ShouldBe((409, "OperationNotAllowed", "Disk held is being imported. Please retry when its creation has ended."));
        ArmResponse copy = (await Arm.PutAsync(_world.Disk("copy"), World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{disk}\""))).Expect(202);
        ArmResponse grown = (await Arm.PatchAsync(disk, """{"properties":{"diskSizeGB":2}}""")).Expect(202);
        // Others go on meanwhile.
        await _world.EmptyDiskAsync("other");

        held.Release();
        (await Arm.FinishAsync(accepted))["status"].ShouldBe("Succeeded");
        (await Arm.FinishAsync(copy))["status"].ShouldBe("Succeeded");
        (await Arm.FinishAsync(grown))["status"].ShouldBe("Succeeded");
        (await _world.DownloadAsync(_world.Disk("copy"))).AsSpan().SequenceEqual(content).ShouldBeTrue();
        (await Arm.GetAsync(disk))["properties.diskSizeGB"].ShouldBe("2");
    }

    /// <summary>Four imports run at a time.</summary>
    [Fact]
    public async Task What_waits_for_its_import_is_deleted_without_waiting_longer()
    {
        await using var held = new HeldAnswer(Vhd(World.Noise(84, 2 * MiB)));
        string source = Server.Serve("/vhds/slow.vhd", held.AnswerAsync);
        List<ArmResponse> running = [];
        int before = Server.Requests.Count;
        for (int i = 0; i < 4; i++)
            running.Add((await Arm.PutAsync(_world.Disk($"running{i}"), Body(source))).Expect(202));
        while (Server.Requests.Count < before + 4)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Stop);
        foreach (string path in new[] { _world.Disk("waiting"), _world.Snapshot("waiting") })
        {
            ArmResponse accepted = (await Arm.PutAsync(path, Body(Server.Serve("/vhds/waiting.vhd", [])))).Expect(202);
            (await Arm.FinishAsync((await Arm.DeleteAsync(path)).Expect(202)))["status"].ShouldBe("Succeeded");
            (await Arm.FinishAsync(accepted))["status"].ShouldBe("Failed");
            (await Arm.GetAsync(path)).Status.ShouldBe(404);
        }
        Server.Requests.Count.ShouldBe(before + 4, "its turn never came");

        held.Release();
        foreach (ArmResponse accepted in running)
            (await Arm.FinishAsync(accepted))["status"].ShouldBe("Succeeded");
    }

    internal static byte[] Vhd(byte[] content) => [.. content, .. UploadedVhd.CreateFooter(content.Length)];

    internal static string Body(string source, string more = "") =>
        $$$"""{"location":"westeurope","properties":{"creationData":{"createOption":"Import","sourceUri":"{{{source}}}"}{{{more}}}} }""";

    private async Task<string> FileAsync(string name, byte[] content)
    {
        await UploadedVhd.WriteAsync(Path.Combine(import.Folder, name), content);
        return ImportFixture.UrlOf(Path.Combine(import.Folder, name));
    }

    private Task<ArmResponse> ImportAsync(string disk, string source, string more = "") => Arm.SucceedAsync(Arm.PutAsync(_world.Disk(disk), Body(source, more)));

    /// <returns>The failed operation.</returns>
    private async Task<string> ShouldFailAsync(string path, string body, string code, string text)
    {
        ArmResponse final = await Arm.FinishAsync((await Arm.PutAsync(path, body)).Expect(202));
        (final["status"], final["error.code"]).ShouldBe(("Failed", code), final.Text);
        Encoding.UTF8.GetByteCount(final["error.message"]!).ShouldBeLessThan(600);
        final["error.message"]!.ShouldContain(text);
        ArmResponse shown = (await Arm.GetAsync(path)).Expect(200);
        (shown["properties.provisioningState"], shown["properties.diskSizeBytes"]).ShouldBe(("Failed", null));
        return final.Text;
    }
}
