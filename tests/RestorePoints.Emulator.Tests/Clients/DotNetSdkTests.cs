using Azure;
using Azure.Core;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;
using Azure.ResourceManager.Resources;
using Azure.ResourceManager.Resources.Models;
using Azure.Storage;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>The whole cycle by Azure.ResourceManager.Compute, Azure.Identity and Azure.Storage.Blobs over HTTPS.</summary>
public sealed class DotNetSdkTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private const int MiB = 1024 * 1024;
    private static readonly AzureLocation Region = AzureLocation.WestEurope;
    private AzureClients _azure = null!;
    private ResourceGroupResource _group = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _azure = await AzureClients.CreateAsync(fixture.Emulator);
        SubscriptionResource subscription = await _azure.Arm.GetDefaultSubscriptionAsync(Stop);
        _group = (await subscription.GetResourceGroups().CreateOrUpdateAsync(WaitUntil.Completed, "sdk", new ResourceGroupData(Region), Stop)).Value;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task The_recipe_of_the_documentation_is_the_code_that_connects_these_tests()
    {
        string recipe = Recipe.Read("docs/clients.md", ".NET", "csharp");
        string code = await File.ReadAllTextAsync(Repository.File("tests", "RestorePoints.Emulator.Tests", "Clients", "AzureClients.cs"), Stop);
        Words(code).ShouldContain(Words(recipe[recipe.IndexOf("\n\n", StringComparison.Ordinal)..]));

        static string Words(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task A_machine_is_backed_up_and_restored()
    {
        byte[] content = World.Noise(41, (int)World.UploadBytes);
        content.AsSpan(6 * MiB, 6 * MiB).Clear();
        ManagedDiskResource disk = await UploadAsync("os", content);
        VirtualMachineResource vm = await AttachAsync("vm", disk);
        vm.Data.ProvisioningState.ShouldBe("Succeeded");
        PageBlobClient guest = _azure.PageBlob(await new RawArm(fixture.Http, Guid.Empty).GuestAccessAsync(disk.Id.ToString()));

        RestorePointGroupResource collection = (await _group.GetRestorePointGroups().CreateOrUpdateAsync(WaitUntil.Completed, "daily",
            new RestorePointGroupData(Region) { Source = new RestorePointGroupSource { Id = vm.Id } }, Stop)).Value;
        collection.Data.Source.Id.ToString().ShouldBe(vm.Id.ToString(), StringCompareShould.IgnoreCase);
        collection.Data.RestorePoints.ShouldBeEmpty("not asked for");
        RestorePointResource first = (await collection.GetRestorePoints().CreateOrUpdateAsync(WaitUntil.Completed, "first", new RestorePointData(), Stop)).Value;
        first.Data.ProvisioningState.ShouldBe("Succeeded");
        first.Data.ConsistencyMode.ShouldBe(ConsistencyModeType.FileSystemConsistent);
        first.Data.SourceMetadata.VmId.ShouldNotBeNullOrEmpty();
        first.Data.SourceMetadata.StorageProfile.OSDisk.ManagedDisk.Id.ToString().ShouldBe(disk.Id.ToString(), StringCompareShould.IgnoreCase);

        byte[] changed = [.. content];
        byte[] written = World.Noise(42, 256 * 1024);
        written.CopyTo(changed, 7 * MiB);
        changed.AsSpan(2 * MiB, MiB).Clear();
        await guest.UploadPagesAsync(new MemoryStream(written), 7 * MiB, cancellationToken: Stop);
        await guest.ClearPagesAsync(new HttpRange(2 * MiB, MiB), cancellationToken: Stop);
        RestorePointResource second = (await collection.GetRestorePoints().CreateOrUpdateAsync(WaitUntil.Completed, "second", new RestorePointData(), Stop)).Value;

        DiskRestorePointResource firstDisk = await DiskPointAsync(first), secondDisk = await DiskPointAsync(second);
        firstDisk.Data.SourceResourceId.ToString().ShouldBe(disk.Id.ToString(), StringCompareShould.IgnoreCase);
        firstDisk.Data.FamilyId.ShouldBe(secondDisk.Data.FamilyId);
        string firstSas = (await firstDisk.GrantAccessAsync(WaitUntil.Completed, new GrantAccessData(AccessLevel.Read, 3600), Stop)).Value.AccessSas;
        string secondSas = (await secondDisk.GrantAccessAsync(WaitUntil.Completed, new GrantAccessData(AccessLevel.Read, 3600), Stop)).Value.AccessSas;
        firstSas.ShouldStartWith("https://127.0.0.1:");

        byte[] backup = await DownloadAsync(firstSas);
        backup.AsSpan(..^512).SequenceEqual(content).ShouldBeTrue("the full backup is the disk at the first point");
        PageBlobClient target = _azure.PageBlob(secondSas);
        PageRangesInfo diff = await target.GetManagedDiskPageRangesDiffAsync(previousSnapshotUri: new Uri(firstSas), cancellationToken: Stop);
        diff.BlobContentLength.ShouldBe(World.UploadBytes + 512);
        foreach (HttpRange range in diff.ClearRanges)
            backup.AsSpan((int)range.Offset, (int)range.Length!.Value).Clear();
        foreach (HttpRange range in diff.PageRanges)
            (await target.DownloadContentAsync(new BlobDownloadOptions { Range = range }, Stop)).Value.Content.ToArray().CopyTo(backup, (int)range.Offset);
        byte[] full = await DownloadAsync(secondSas);
        backup.AsSpan().SequenceEqual(full).ShouldBeTrue("the backup and the increment give the second point");
        backup.AsSpan(..^512).SequenceEqual(changed).ShouldBeTrue("which is the changed disk");
        (diff.PageRanges.Sum(range => range.Length!.Value) + diff.ClearRanges.Sum(range => range.Length!.Value)).ShouldBeLessThanOrEqualTo(MiB + written.Length + 512);

        ManagedDiskResource restored = (await _group.GetManagedDisks().CreateOrUpdateAsync(WaitUntil.Completed, "restored", new ManagedDiskData(Region)
        {
            Sku = new DiskSku { Name = DiskStorageAccountType.PremiumLrs },
            CreationData = new DiskCreationData(DiskCreateOption.Restore) { SourceResourceId = secondDisk.Id },
        }, Stop)).Value;
        restored.Data.CreationData.SourceResourceId.ToString().ShouldBe(secondDisk.Id.ToString());
        string restoredSas = (await restored.GrantAccessAsync(WaitUntil.Completed, new GrantAccessData(AccessLevel.Read, 3600), Stop)).Value.AccessSas;
        (await DownloadAsync(restoredSas)).AsSpan(..^512).SequenceEqual(changed).ShouldBeTrue("the restored disk is the second point");

        RequestFailedException used = await Should.ThrowAsync<RequestFailedException>(() => first.DeleteAsync(WaitUntil.Completed, Stop));
        used.Status.ShouldBe(409);
        used.ErrorCode.ShouldBe("DiskRestorePointUsedByCustomer");
        await firstDisk.RevokeAccessAsync(WaitUntil.Completed, Stop);
        RequestFailedException revoked = await Should.ThrowAsync<RequestFailedException>(() => _azure.PageBlob(firstSas).GetPropertiesAsync(cancellationToken: Stop));
        revoked.Status.ShouldBe(403);
        await first.DeleteAsync(WaitUntil.Completed, Stop);
        (await Should.ThrowAsync<RequestFailedException>(() => first.GetAsync(cancellationToken: Stop))).Status.ShouldBe(404);
        full = await DownloadAsync(secondSas);
        backup.AsSpan().SequenceEqual(full).ShouldBeTrue("the second point is whole without the first");

        await secondDisk.RevokeAccessAsync(WaitUntil.Completed, Stop);
        await second.DeleteAsync(WaitUntil.Completed, Stop);
        await collection.DeleteAsync(WaitUntil.Completed, Stop);
        (await Should.ThrowAsync<RequestFailedException>(() => collection.GetAsync(cancellationToken: Stop))).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Incremental_snapshots_are_read_compared_and_restored()
    {
        byte[] content = World.Noise(46, (int)World.UploadBytes);
        ManagedDiskResource disk = await UploadAsync("os", content);
        SnapshotResource older = await SnapshotAsync("older", disk);
        PageBlobClient guest = _azure.PageBlob(await new RawArm(fixture.Http, Guid.Empty).GuestAccessAsync(disk.Id.ToString()));
        byte[] changed = [.. content], written = World.Noise(47, 64 * 1024);
        written.CopyTo(changed, 12 * MiB);
        await guest.UploadPagesAsync(new MemoryStream(written), 12 * MiB, cancellationToken: Stop);
        SnapshotResource newer = await SnapshotAsync("newer", disk);

        string olderSas = (await older.GrantAccessAsync(WaitUntil.Completed, new GrantAccessData(AccessLevel.Read, 3600), Stop)).Value.AccessSas;
        string newerSas = (await newer.GrantAccessAsync(WaitUntil.Completed, new GrantAccessData(AccessLevel.Read, 3600), Stop)).Value.AccessSas;
        (await DownloadAsync(olderSas)).AsSpan(..^512).SequenceEqual(content).ShouldBeTrue("the older snapshot");
        (await DownloadAsync(newerSas)).AsSpan(..^512).SequenceEqual(changed).ShouldBeTrue("the newer snapshot");
        PageRangesInfo diff = await _azure.PageBlob(newerSas).GetManagedDiskPageRangesDiffAsync(previousSnapshotUri: new Uri(olderSas), cancellationToken: Stop);
        diff.PageRanges.ShouldBe([new HttpRange(12 * MiB, written.Length)]);
        diff.ClearRanges.ShouldBeEmpty();

        ManagedDiskResource restored = (await _group.GetManagedDisks().CreateOrUpdateAsync(WaitUntil.Completed, "restored", new ManagedDiskData(Region)
        {
            Sku = new DiskSku { Name = DiskStorageAccountType.PremiumLrs },
            CreationData = new DiskCreationData(DiskCreateOption.Copy) { SourceResourceId = newer.Id },
        }, Stop)).Value;
        string restoredSas = (await restored.GrantAccessAsync(WaitUntil.Completed, new GrantAccessData(AccessLevel.Read, 3600), Stop)).Value.AccessSas;
        (await DownloadAsync(restoredSas)).AsSpan(..^512).SequenceEqual(changed).ShouldBeTrue("the disk from the snapshot");

        await newer.RevokeAccessAsync(WaitUntil.Completed, Stop);
        await newer.DeleteAsync(WaitUntil.Completed, Stop);
        (await Should.ThrowAsync<RequestFailedException>(() => newer.GetAsync(Stop))).ErrorCode.ShouldBe("ResourceNotFound");
    }

    [Fact]
    public async Task Collections_are_listed_expanded_and_tagged()
    {
        ManagedDiskResource disk = await UploadAsync("os", new byte[World.UploadBytes]);
        VirtualMachineResource vm = await AttachAsync("vm", disk);
        RestorePointGroupResource collection = (await _group.GetRestorePointGroups().CreateOrUpdateAsync(WaitUntil.Completed, "daily",
            new RestorePointGroupData(Region) { Source = new RestorePointGroupSource { Id = vm.Id } }, Stop)).Value;
        await collection.GetRestorePoints().CreateOrUpdateAsync(WaitUntil.Completed, "p", new RestorePointData(), Stop);
        (await collection.GetAsync(cancellationToken: Stop)).Value.Data.RestorePoints.ShouldBeEmpty();
        (await collection.GetAsync(RestorePointGroupExpand.RestorePoints, Stop)).Value.Data.RestorePoints.Count.ShouldBe(1);
        (await collection.GetRestorePoints().GetAsync("p", RestorePointExpand.InstanceView, Stop)).Value.Data.InstanceView.ShouldNotBeNull();
        var patch = new RestorePointGroupPatch();
        patch.Tags.Add("kind", "daily");
        (await collection.UpdateAsync(patch, Stop)).Value.Data.Tags["kind"].ShouldBe("daily");
        (await _group.GetRestorePointGroups().GetAllAsync(Stop).ToListAsync(Stop)).Count.ShouldBe(1);
        SubscriptionResource subscription = await _azure.Arm.GetDefaultSubscriptionAsync(Stop);
        (await subscription.GetRestorePointGroupsAsync(Stop).ToListAsync(Stop)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_excluded_disk_is_left_out()
    {
        ManagedDiskResource os = await UploadAsync("os", new byte[World.UploadBytes]), data = await UploadAsync("data", new byte[World.UploadBytes]);
        VirtualMachineResource vm = await AttachAsync("vm", os, data);
        RestorePointGroupResource collection = (await _group.GetRestorePointGroups().CreateOrUpdateAsync(WaitUntil.Completed, "daily",
            new RestorePointGroupData(Region) { Source = new RestorePointGroupSource { Id = vm.Id } }, Stop)).Value;
        var body = new RestorePointData();
        body.ExcludeDisks.Add(new WritableSubResource { Id = data.Id });
        RestorePointResource point = (await collection.GetRestorePoints().CreateOrUpdateAsync(WaitUntil.Completed, "p", body, Stop)).Value;
        point.Data.ExcludeDisks.ShouldHaveSingleItem().Id.ToString().ShouldBe(data.Id.ToString(), StringCompareShould.IgnoreCase);
        (await point.GetDiskRestorePoints().GetAllAsync(Stop).ToListAsync(Stop)).Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(StorageChecksumAlgorithm.MD5)]
    [InlineData(StorageChecksumAlgorithm.StorageCrc64)]
    public async Task Transfers_are_validated_by_checksum(StorageChecksumAlgorithm algorithm)
    {
        ManagedDiskResource disk = await UploadAsync("os", new byte[World.UploadBytes]);
        string sas = await new RawArm(fixture.Http, Guid.Empty).GuestAccessAsync(disk.Id.ToString());
        PageBlobClient guest = _azure.PageBlob(sas, options =>
        {
            options.TransferValidation.Upload.ChecksumAlgorithm = algorithm;
            options.TransferValidation.Download.ChecksumAlgorithm = algorithm;
        });
        byte[] content = World.Noise(43, 4 * MiB);
        await guest.UploadPagesAsync(new MemoryStream(content), MiB, cancellationToken: Stop);
        byte[] read = (await guest.DownloadContentAsync(new BlobDownloadOptions { Range = new HttpRange(MiB, 4 * MiB) }, Stop)).Value.Content.ToArray();
        read.AsSpan().SequenceEqual(content).ShouldBeTrue("framing and checksums are not content");
    }

    [Fact]
    public async Task The_paged_list_and_the_seekable_stream_see_the_same_bytes()
    {
        byte[] content = new byte[World.UploadBytes];
        World.Noise(44, 64 * 1024).CopyTo(content, 5 * MiB);
        World.Noise(45, 64 * 1024).CopyTo(content, 15 * MiB);
        ManagedDiskResource disk = await UploadAsync("os", content);
        PageBlobClient blob = _azure.PageBlob((await disk.GrantAccessAsync(WaitUntil.Completed, new GrantAccessData(AccessLevel.Read, 3600), Stop)).Value.AccessSas);
        List<PageRangeItem> ranges = await blob.GetAllPageRangesAsync(new GetPageRangesOptions(), Stop).ToListAsync(Stop);
        ranges.ShouldContain(item => item.Range.Offset <= 5 * MiB && item.Range.Offset + item.Range.Length >= 5 * MiB + 65536);
        ranges[^1].Range.ShouldBe(new HttpRange(World.UploadBytes, 512), "the footer is reported");
        await using Stream stream = await blob.OpenReadAsync(new BlobOpenReadOptions(allowModifications: false) { BufferSize = MiB }, Stop);
        byte[] read = new byte[content.Length];
        await stream.ReadExactlyAsync(read, Stop);
        read.AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    private async Task<SnapshotResource> SnapshotAsync(string name, ManagedDiskResource disk) =>
        (await _group.GetSnapshots().CreateOrUpdateAsync(WaitUntil.Completed, name, new SnapshotData(Region)
        {
            Incremental = true,
            CreationData = new DiskCreationData(DiskCreateOption.Copy) { SourceResourceId = disk.Id },
        }, Stop)).Value;

    private async Task<ManagedDiskResource> UploadAsync(string name, byte[] content)
    {
        ManagedDiskResource disk = (await _group.GetManagedDisks().CreateOrUpdateAsync(WaitUntil.Completed, name, new ManagedDiskData(Region)
        {
            OSType = SupportedOperatingSystemType.Linux,
            Sku = new DiskSku { Name = DiskStorageAccountType.PremiumLrs },
            CreationData = new DiskCreationData(DiskCreateOption.Upload) { UploadSizeBytes = content.Length + 512 },
        }, Stop)).Value;
        AccessUri access = (await disk.GrantAccessAsync(WaitUntil.Completed, new GrantAccessData(AccessLevel.Write, 3600), Stop)).Value;
        PageBlobClient blob = _azure.PageBlob(access.AccessSas);
        for (int offset = 0; offset < content.Length; offset += 4 * MiB)
        {
            if (content.AsSpan(offset, 4 * MiB).ContainsAnyExcept((byte)0))
                await blob.UploadPagesAsync(new MemoryStream(content, offset, 4 * MiB), offset, cancellationToken: Stop);
        }
        await blob.UploadPagesAsync(new MemoryStream(UploadedVhd.CreateFooter(content.Length)), content.Length, cancellationToken: Stop);
        await disk.RevokeAccessAsync(WaitUntil.Completed, Stop);
        return disk;
    }

    private async Task<VirtualMachineResource> AttachAsync(string name, ManagedDiskResource osDisk, params ManagedDiskResource[] dataDisks)
    {
        var data = new VirtualMachineData(Region)
        {
            HardwareProfile = new VirtualMachineHardwareProfile { VmSize = VirtualMachineSizeType.StandardD2SV3 },
            StorageProfile = new VirtualMachineStorageProfile
            {
                OSDisk = new VirtualMachineOSDisk(DiskCreateOptionType.Attach)
                {
                    OSType = SupportedOperatingSystemType.Linux,
                    ManagedDisk = new VirtualMachineManagedDisk { Id = osDisk.Id },
                },
            },
            NetworkProfile = new VirtualMachineNetworkProfile
            {
                NetworkInterfaces = { new VirtualMachineNetworkInterfaceReference { Id = new ResourceIdentifier($"{_group.Id}/providers/Microsoft.Network/networkInterfaces/nic") } },
            },
        };
        foreach ((int lun, ManagedDiskResource disk) in dataDisks.Index())
            data.StorageProfile.DataDisks.Add(new VirtualMachineDataDisk(lun, DiskCreateOptionType.Attach) { ManagedDisk = new VirtualMachineManagedDisk { Id = disk.Id } });
        return (await _group.GetVirtualMachines().CreateOrUpdateAsync(WaitUntil.Completed, name, data, cancellationToken: Stop)).Value;
    }

    private static async Task<DiskRestorePointResource> DiskPointAsync(RestorePointResource point) =>
        await point.GetDiskRestorePointAsync(new ResourceIdentifier(point.Data.SourceMetadata.StorageProfile.OSDisk.DiskRestorePoint.Id.ToString()).Name, Stop);

    private async Task<byte[]> DownloadAsync(string sas)
    {
        using var result = new MemoryStream();
        await _azure.PageBlob(sas).DownloadToAsync(result, Stop);
        return result.ToArray();
    }
}
