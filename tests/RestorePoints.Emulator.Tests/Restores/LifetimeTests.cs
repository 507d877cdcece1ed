using RestorePoints.Emulator.Tests.ControlPlane;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Restores;

/// <summary>Points keep what they froze, whatever becomes of the machine, its disks and its group.</summary>
public sealed class LifetimeTests(EmulatorFixture fixture)
{
    private const int Bytes = 64 * 1024;

    /// <summary>What is there; each part is deleted at some time.</summary>
    private static readonly string[] Parts = ["machine", "disk", "group", "collection"];

    [Fact]
    public async Task Machine_disk_group_and_collection_are_deleted_in_every_order_and_what_is_left_stays_whole()
    {
        RawArm arm = fixture.NewSubscription();
        int number = 0;
        foreach (string[] order in Orders(Parts))
            await new Lifetime(arm, number++, order).RunAsync();
        number.ShouldBe(24);
    }

    [Fact]
    public async Task A_disk_that_takes_the_place_of_another_has_a_chain_of_its_own_and_the_first_goes_on_with_its_own()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        string os = await world.EmptyDiskAsync("os"), a = await world.EmptyDiskAsync("a"), b = await world.EmptyDiskAsync("b"), vm = await world.VmAsync("vm", os, a);
        string collection = await world.CollectionAsync("c", vm);
        byte[] ofA = World.Noise(1, Bytes), ofB = World.Noise(2, Bytes), later = World.Noise(3, Bytes);
        await (await world.GuestAsync(a)).WriteAsync(0, ofA);
        await (await world.GuestAsync(b)).WriteAsync(0, ofB);

        string first = World.DataDiskPoint(await world.PointAsync(collection, "p1"), 0);
        await arm.SucceedAsync(arm.PutAsync(vm, world.VmBody(os, b)));
        string second = World.DataDiskPoint(await world.PointAsync(collection, "p2"), 0);
        await (await world.GuestAsync(a)).WriteAsync(Bytes, later);
        await arm.SucceedAsync(arm.PutAsync(vm, world.VmBody(os, a)));
        string third = World.DataDiskPoint(await world.PointAsync(collection, "p3"), 0);

        RawBlob[] blobs = [.. await SasAsync(world, first, second, third)];
        (await blobs[0].ReadAsync(0, 2 * Bytes)).ShouldBe([.. ofA, .. new byte[Bytes]]);
        (await blobs[1].ReadAsync(0, Bytes)).ShouldBe(ofB);
        (await blobs[2].ReadAsync(0, 2 * Bytes)).ShouldBe([.. ofA, .. later]);
        string[] families = [.. (await Task.WhenAll(new[] { first, second, third }.Select(point => arm.GetAsync(point)))).Select(point => point["properties.familyId"]!)];
        families[1].ShouldNotBe(families[0]);
        families[2].ShouldBe(families[0]);
        (await blobs[2].DiffAsync(blobs[0].Sas)).ShouldBe([new BlobRange(Bytes, 2 * Bytes, Clear: false)]);
        await RefuseDiffAsync(blobs[1], blobs[0], 409, "BlobOverwritten");
    }

    [Fact]
    public async Task After_a_swap_of_the_os_disk_points_freeze_the_new_one()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        string old = await world.EmptyDiskAsync("old"), other = await world.EmptyDiskAsync("other", gib: 2), vm = await world.VmAsync("vm", old);
        string collection = await world.CollectionAsync("c", vm);
        byte[] ofOld = World.Noise(4, Bytes), ofOther = World.Noise(5, Bytes);
        await (await world.GuestAsync(old)).WriteAsync(0, ofOld);
        await (await world.GuestAsync(other)).WriteAsync(0, ofOther);
        ArmResponse first = await world.PointAsync(collection, "p1");
        NotFoundTests.Check(await arm.PutAsync(vm, world.VmBody(other)), 409, "PropertyChangeNotAllowed", "osDisk.managedDisk.id");
        await arm.SucceedAsync(arm.PostAsync($"{vm}/deallocate"));
        await arm.SucceedAsync(arm.PutAsync(vm, world.VmBody(other)));
        await arm.SucceedAsync(arm.PostAsync($"{vm}/start"));
        ArmResponse second = await world.PointAsync(collection, "p2");

        const string name = "properties.sourceMetadata.storageProfile.osDisk.name";
        (first[name], second[name]).ShouldBe(("old", "other"));
        await arm.SucceedAsync(arm.DeleteAsync(old));
        RawBlob[] blobs = [.. await SasAsync(world, World.OsDiskPoint(first), World.OsDiskPoint(second))];
        (await blobs[0].ReadAsync(0, Bytes)).ShouldBe(ofOld);
        (await blobs[1].ReadAsync(0, Bytes)).ShouldBe(ofOther);
        await RefuseDiffAsync(blobs[1], blobs[0], 409, "BlobOverwritten");
    }

    [Fact]
    public async Task A_machine_made_again_under_its_name_is_another_machine_and_its_new_disks_begin_new_chains()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        string data = await world.EmptyDiskAsync("data"), vm = await world.VmAsync("vm", await world.EmptyDiskAsync("os"), data), collection = await world.CollectionAsync("c", vm);
        byte[] before = World.Noise(6, Bytes), after = World.Noise(7, Bytes);
        await (await world.GuestAsync(data)).WriteAsync(0, before);
        ArmResponse first = await world.PointAsync(collection, "p1");
        await arm.SucceedAsync(arm.DeleteAsync(vm));
        await arm.SucceedAsync(arm.DeleteAsync(world.Disk("os")));
        NotFoundTests.Check(await arm.PutAsync(World.Point(collection, "p2"), "{}"), 404, "ResourceNotFound", "virtualMachines/vm");

        await world.VmAsync("vm", await world.EmptyDiskAsync("os"), data);
        await (await world.GuestAsync(data)).WriteAsync(Bytes, after);
        ArmResponse second = await world.PointAsync(collection, "p2");

        const string vmId = "properties.sourceMetadata.vmId";
        second[vmId].ShouldBe((await arm.GetAsync(vm))["properties.vmId"]);
        second[vmId].ShouldNotBe(first[vmId]);
        RawBlob[] os = [.. await SasAsync(world, World.OsDiskPoint(first), World.OsDiskPoint(second))];
        await RefuseDiffAsync(os[1], os[0], 409, "BlobOverwritten");
        RawBlob[] disk = [.. await SasAsync(world, World.DataDiskPoint(first, 0), World.DataDiskPoint(second, 0))];
        (await disk[1].DiffAsync(disk[0].Sas)).ShouldBe([new BlobRange(Bytes, 2 * Bytes, Clear: false)], "a disk that lives on goes on with its chain");
        (await disk[0].ReadAsync(0, 2 * Bytes)).ShouldBe([.. before, .. new byte[Bytes]]);
        (await disk[1].ReadAsync(0, 2 * Bytes)).ShouldBe([.. before, .. after]);
        (await arm.GetAsync(collection, "$expand=restorePoints")).Count("properties.restorePoints").ShouldBe(2);
    }

    [Fact]
    public async Task No_difference_reaches_over_a_resize_across_4_TB_and_the_next_ones_are_differences_again()
    {
        const long tail = 4096L << 30;
        World world = await World.CreateAsync(fixture);
        string disk = await world.EmptyDiskAsync("data", gib: 2000), vm = await world.VmAsync("vm", await world.EmptyDiskAsync("os"), disk), collection = await world.CollectionAsync("c", vm);
        byte[] start = World.Noise(8, Bytes), end = World.Noise(9, Bytes), last = World.Noise(10, Bytes);
        await (await world.GuestAsync(disk)).WriteAsync(0, start);
        string small = World.DataDiskPoint(await world.PointAsync(collection, "small"), 0);
        await GrowAsync(world, vm, disk, 4096);
        string atBoundary = World.DataDiskPoint(await world.PointAsync(collection, "at"), 0);
        await GrowAsync(world, vm, disk, 8192);
        await (await world.GuestAsync(disk)).WriteAsync(tail, end);
        string beyond = World.DataDiskPoint(await world.PointAsync(collection, "beyond"), 0);
        await (await world.GuestAsync(disk)).WriteAsync(tail + Bytes, last);
        string next = World.DataDiskPoint(await world.PointAsync(collection, "next"), 0);

        RawBlob[] blobs = [.. await SasAsync(world, small, atBoundary, beyond, next)];
        (await blobs[1].DiffAsync(blobs[0].Sas)).ShouldNotBeEmpty("up to 4 TB differences go on; the footer has moved");
        await RefuseDiffAsync(blobs[2], blobs[1], 409, "BlobOverwritten");
        await RefuseDiffAsync(blobs[3], blobs[0], 409, "BlobOverwritten");
        (await blobs[2].PageRangesAsync()).Sum(range => range.Length).ShouldBe(2 * Bytes + 512, "the full copy has everything, with the footer");
        (await blobs[2].ReadAsync(0, Bytes)).ShouldBe(start);
        (await blobs[2].ReadAsync(tail, Bytes)).ShouldBe(end);
        (await blobs[3].DiffAsync(blobs[2].Sas)).ShouldBe([new BlobRange(tail + Bytes, tail + 2 * Bytes, Clear: false)]);
        (await world.Arm.GetAsync(await world.RestoredDiskAsync("restored", next)))["properties.diskSizeGB"].ShouldBe("8192");
    }

    [Fact]
    public async Task A_disk_is_restored_with_another_size_sku_and_zone_in_the_region_of_its_point()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        byte[] content = World.Noise(11, Bytes);
        string disk = await world.EmptyDiskAsync("os", gib: 4);
        await (await world.GuestAsync(disk)).WriteAsync(0, content);
        string point = World.OsDiskPoint(await world.PointAsync(await world.CollectionAsync("c", await world.VmAsync("vm", disk)), "p")), creation = $"\"createOption\":\"Restore\",\"sourceResourceId\":\"{point}\"";
        foreach ((string sku, string zone, int gib) in new[] { ("StandardSSD_LRS", "1", 4), ("UltraSSD_LRS", "2", 5), ("PremiumV2_LRS", "3", 100) })
        {
            string body = World.DiskBody(creation, $",\"diskSizeGB\":{gib}").Replace("Premium_LRS", sku).Replace("\"sku\"", $"\"zones\":[\"{zone}\"],\"sku\"");
            await arm.SucceedAsync(arm.PutAsync(world.Disk(sku), body));
            ArmResponse shown = await arm.GetAsync(world.Disk(sku));
            (shown["sku.name"], shown["zones.0"], shown["properties.diskSizeGB"]).ShouldBe((sku, zone, $"{gib}"));
            RawBlob restored = await world.GuestAsync(world.Disk(sku));
            (await restored.ReadAsync(0, Bytes)).ShouldBe(content);
            (await restored.LengthAsync()).ShouldBe((long)gib << 30);
        }
        NotFoundTests.Check(await arm.PutAsync(world.Disk("elsewhere"), World.DiskBody(creation, location: "northeurope")), 404, "NotFound", "is not found.");
        NotFoundTests.Check(await arm.PutAsync(world.Disk("small"), World.DiskBody(creation, ",\"diskSizeGB\":3")), 409, "OperationNotAllowed", "must not be smaller");
    }

    [Fact]
    public async Task A_lock_on_the_collection_keeps_its_points_and_lets_disks_be_restored()
    {
        World world = await World.CreateAsync(fixture);
        RawArm arm = world.Arm;
        byte[] content = World.Noise(12, Bytes);
        string disk = await world.EmptyDiskAsync("os"), vm = await world.VmAsync("vm", disk), collection = await world.CollectionAsync("c", vm);
        await (await world.GuestAsync(disk)).WriteAsync(0, content);
        string point = World.OsDiskPoint(await world.PointAsync(collection, "p")), @lock = $"{collection}/providers/Microsoft.Authorization/locks/l";
        foreach (string level in new[] { "CanNotDelete", "ReadOnly" })
        {
            (await arm.PutAsync(@lock, $$$"""{"properties":{"level":"{{{level}}}"} }""")).Expect(200, 201);
            NotFoundTests.Check(await arm.DeleteAsync(World.Point(collection, "p")), 409, "ScopeLocked", "delete");
            NotFoundTests.Check(await arm.DeleteAsync(collection), 409, "ScopeLocked", "delete");
            string restored = await world.RestoredDiskAsync($"restored-{level}", point);
            (await (await world.GuestAsync(restored)).ReadAsync(0, Bytes)).ShouldBe(content);
        }
        NotFoundTests.Check(await arm.PutAsync(World.Point(collection, "q"), "{}"), 409, "ScopeLocked", "write");
        (await arm.DeleteAsync(@lock)).Expect(200, 204);
        await arm.SucceedAsync(arm.DeleteAsync(collection));
    }

    private static async Task GrowAsync(World world, string vm, string disk, int gib)
    {
        await world.Arm.SucceedAsync(world.Arm.PostAsync($"{vm}/deallocate"));
        await world.Arm.SucceedAsync(world.Arm.PatchAsync(disk, $$$"""{"properties":{"diskSizeGB":{{{gib}}}} }"""));
        await world.Arm.SucceedAsync(world.Arm.PostAsync($"{vm}/start"));
    }

    private static async Task<List<RawBlob>> SasAsync(World world, params string[] points)
    {
        List<RawBlob> blobs = [];
        foreach (string point in points)
            blobs.Add(world.Blob(await world.Arm.GrantAsync(point)));
        return blobs;
    }

    private static async Task RefuseDiffAsync(RawBlob newer, RawBlob older, int status, string code)
    {
        using HttpResponseMessage refused = await newer.SendAsync(HttpMethod.Get, "pagelist", null, ("x-ms-previous-snapshot-url", older.Sas));
        ((int)refused.StatusCode, refused.Headers.GetValues("x-ms-error-code").Single()).ShouldBe((status, code));
    }

    private static IEnumerable<string[]> Orders(string[] parts) => parts.Length == 0
        ? [[]]
        : parts.SelectMany(part => Orders([.. parts.Where(other => other != part)]).Select(order => (string[])[part, .. order]));

    /// <summary>
    /// A machine with one disk and a collection in a group of their own, another collection of the machine and a disk restored from it in a second group. Each point
    /// and disk has bytes of its own.
    /// </summary>
    private sealed class Lifetime(RawArm arm, int number, string[] order)
    {
        private readonly string _compute = $"{arm.Subscription}/resourceGroups/machine{number}/providers/Microsoft.Compute";
        private readonly string _otherCompute = $"{arm.Subscription}/resourceGroups/other{number}/providers/Microsoft.Compute";

        /// <summary>What should be there, with its bytes.</summary>
        private readonly Dictionary<string, byte[]> _expected = [];
        private readonly string _what = string.Join(", ", order);
        private bool _machine = true, _disk = true, _group = true;

        private string Disk => $"{_compute}/disks/disk";
        private string Vm => $"{_compute}/virtualMachines/vm";
        private string Restored => $"{_otherCompute}/disks/restored";

        public async Task RunAsync()
        {
            string inside = $"{_compute}/restorePointCollections/inside", outside = $"{_otherCompute}/restorePointCollections/outside";
            foreach (string group in new[] { _compute, _otherCompute })
                (await arm.PutAsync(group[..group.IndexOf("/providers", StringComparison.Ordinal)], $$"""{"location":"{{World.Location}}"}""")).Expect(201);
            await arm.SucceedAsync(arm.PutAsync(Disk, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")));
            await arm.SucceedAsync(arm.PutAsync(Vm, MachineBodies.With(Disk, World.Location)));
            string pointInside = await PointAsync(inside, World.Noise(1, Bytes)), pointOutside = await PointAsync(outside, World.Noise(2, Bytes));
            await arm.SucceedAsync(arm.PutAsync(Restored, World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{pointInside}\"")));
            _expected[Restored] = _expected[pointInside];
            await WriteAsync(World.Noise(3, Bytes));
            _expected[Disk] = World.Noise(3, Bytes);
            await CheckAsync("nothing");

            foreach (string part in order)
            {
                switch (part)
                {
                    case "machine":
                        await DeleteAsync(Vm, _machine);
                        _machine = false;
                        break;
                    case "disk" when _machine && _group:
                        NotFoundTests.Check(await arm.DeleteAsync(Disk), 409, "OperationNotAllowed", "vm");
                        break;
                    case "disk":
                        await DeleteAsync(Disk, _disk);
                        Forget(Disk);
                        _disk = false;
                        break;
                    case "group":
                        await arm.SucceedAsync(arm.DeleteAsync(_compute[.._compute.IndexOf("/providers", StringComparison.Ordinal)]));
                        Forget(Disk);
                        Forget(pointInside);
                        _machine = _disk = _group = false;
                        break;
                    default:
                        await arm.SucceedAsync(arm.DeleteAsync(outside));
                        Forget(pointOutside);
                        break;
                }
                await CheckAsync(part);
            }
            _expected.Keys.ShouldBe([Restored]);
        }

        private async Task<string> PointAsync(string collection, byte[] content)
        {
            await WriteAsync(content);
            (await arm.PutAsync(collection, $$$"""{"location":"{{{World.Location}}}","properties":{"source":{"id":"{{{Vm}}}"}} }""")).Expect(201);
            await arm.SucceedAsync(arm.PutAsync(World.Point(collection, "p"), "{}"));
            string point = World.OsDiskPoint(await arm.GetAsync(World.Point(collection, "p")));
            _expected[point] = content;
            return point;
        }

        private async Task WriteAsync(byte[] content) => await new RawBlob(arm.Http, await arm.GuestAccessAsync(Disk)).WriteAsync(0, content);

        private async Task DeleteAsync(string path, bool exists)
        {
            ArmResponse answer = await arm.DeleteAsync(path);
            answer.Status.ShouldBe(!_group ? 404 : exists ? 202 : 204, $"{_what}: {path}");
            await arm.FinishAsync(answer);
        }

        private void Forget(string path) => _expected.Remove(path);

        /// <summary>What should be there is, with its bytes: points through a SAS, disks as the guest sees them.</summary>
        private async Task CheckAsync(string deleted)
        {
            (await arm.GetAsync(Disk)).Status.ShouldBe(_disk ? 200 : 404, _what);
            (await arm.GetAsync(Vm)).Status.ShouldBe(_machine ? 200 : 404, _what);
            foreach ((string path, byte[] content) in _expected)
            {
                bool isPoint = path.Contains("/diskRestorePoints/", StringComparison.Ordinal);
                var blob = new RawBlob(arm.Http, isPoint ? await arm.GrantAsync(path) : await arm.GuestAccessAsync(path));
                (await blob.ReadAsync(0, Bytes)).AsSpan().SequenceEqual(content).ShouldBeTrue($"{_what}, after {deleted}: {path}");
                if (isPoint)
                    await arm.RevokeAsync(path);
            }
        }
    }
}
