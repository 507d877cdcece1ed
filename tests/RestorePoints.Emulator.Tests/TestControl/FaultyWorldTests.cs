using System.Diagnostics;
using System.Reflection;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Tests.Contract;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.TestControl;

/// <summary>
/// Every fault on every operation that it applies to: it fires once and is told, nothing is lost, and the same call succeeds afterwards. What the effects look like to a client is in
/// <see cref="FaultTests"/>.
/// </summary>
public sealed class FaultyWorldTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private const string Error = "\"type\":\"Error\"";
    private const string Lost = "\"type\":\"Cut\"";
    private const string Torn = "\"type\":\"Cut\",\"afterBytes\":1";
    private const string Late = "\"type\":\"Delay\",\"delayMs\":1";
    private const string Failing = "\"type\":\"FailOperation\"";
    private const string Wrong = "\"type\":\"WrongChecksum\"";
    private const string Grant = """{"access":"Read","durationInSeconds":3600}""";
    private const int Length = 64 * 1024;

    private static readonly string[] s_types = ["disks", "snapshots", "virtualMachines", "restorePointCollections"];

    /// <summary>Paths of what must be there.</summary>
    private readonly HashSet<string> _there = [];
    private readonly List<string> _done = [];
    private readonly byte[] _model = World.Noise(1, Length);
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Theory]
    [InlineData(Error)]
    [InlineData(Late)]
    [InlineData(Lost)]
    [InlineData(Torn)]
    [InlineData(Failing)]
    public async Task A_fault_on_any_operation_of_ARM_leaves_a_world_in_which_the_same_call_succeeds(string effect)
    {
        string subscription = $"{Arm.Subscription}/providers/Microsoft.Compute", os = await _world.EmptyDiskAsync("os"), data = _world.Disk("data"), snapshot = _world.Snapshot("s"),
            vm = _world.Vm("vm"), collection = _world.Collection("c"), point = World.Point(collection, "p");
        _there.Add(os);
        await StepAsync(effect, "Disks_CreateOrUpdate", () => Arm.PutAsync(data, World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")), makes: data);
        await (await _world.GuestAsync(data)).WriteAsync(0, _model);
        await StepAsync(effect, "Disks_Get", () => Arm.GetAsync(data));
        await StepAsync(effect, "Disks_List", () => Arm.GetAsync($"{subscription}/disks"));
        await StepAsync(effect, "Disks_ListByResourceGroup", () => Arm.GetAsync($"{_world.Compute}/disks"));
        await StepAsync(effect, "Disks_Update", () => Arm.PatchAsync(data, """{"properties":{"diskSizeGB":2}}"""));
        await StepAsync(effect, "Disks_GrantAccess", () => Arm.PostAsync($"{data}/beginGetAccess", Grant));
        await StepAsync(effect, "Disks_RevokeAccess", () => Arm.PostAsync($"{data}/endGetAccess"));

        await StepAsync(effect, "Snapshots_CreateOrUpdate", () => Arm.PutAsync(snapshot, World.SnapshotBody(data, ",\"incremental\":true")), makes: snapshot);
        await StepAsync(effect, "Snapshots_Get", () => Arm.GetAsync(snapshot));
        await StepAsync(effect, "Snapshots_List", () => Arm.GetAsync($"{subscription}/snapshots"));
        await StepAsync(effect, "Snapshots_ListByResourceGroup", () => Arm.GetAsync($"{_world.Compute}/snapshots"));
        await StepAsync(effect, "Snapshots_Update", () => Arm.PatchAsync(snapshot, """{"tags":{"a":"b"}}"""));
        await StepAsync(effect, "Snapshots_GrantAccess", () => Arm.PostAsync($"{snapshot}/beginGetAccess", Grant));
        (await _world.Blob(await Arm.GrantAsync(snapshot)).ReadAsync(0, Length)).AsSpan().SequenceEqual(_model).ShouldBeTrue();
        await StepAsync(effect, "Snapshots_RevokeAccess", () => Arm.PostAsync($"{snapshot}/endGetAccess"));

        await StepAsync(effect, "VirtualMachines_CreateOrUpdate", () => Arm.PutAsync(vm, _world.VmBody(os, data)), makes: vm);
        await StepAsync(effect, "VirtualMachines_Get", () => Arm.GetAsync(vm));
        await StepAsync(effect, "VirtualMachines_ListAll", () => Arm.GetAsync($"{subscription}/virtualMachines"));
        await StepAsync(effect, "VirtualMachines_List", () => Arm.GetAsync($"{_world.Compute}/virtualMachines"));
        await StepAsync(effect, "VirtualMachines_InstanceView", () => Arm.GetAsync($"{vm}/instanceView"));
        await StepAsync(effect, "VirtualMachines_Update", () => Arm.PatchAsync(vm, """{"tags":{"a":"b"}}"""));
        await StepAsync(effect, "VirtualMachines_PowerOff", () => Arm.PostAsync($"{vm}/powerOff"));
        await StepAsync(effect, "VirtualMachines_Deallocate", () => Arm.PostAsync($"{vm}/deallocate"));
        await StepAsync(effect, "VirtualMachines_Start", () => Arm.PostAsync($"{vm}/start"));

        await StepAsync(effect, "RestorePointCollections_CreateOrUpdate", () => Arm.PutAsync(collection, $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{vm}}}"} }}"""), makes: collection);
        await StepAsync(effect, "RestorePointCollections_Get", () => Arm.GetAsync(collection));
        await StepAsync(effect, "RestorePointCollections_ListAll", () => Arm.GetAsync($"{subscription}/restorePointCollections"));
        await StepAsync(effect, "RestorePointCollections_List", () => Arm.GetAsync($"{_world.Compute}/restorePointCollections"));
        await StepAsync(effect, "RestorePointCollections_Update", () => Arm.PatchAsync(collection, """{"tags":{"a":"b"}}"""));
        // A failed point stays: it is deleted, and made anew.
        await StepAsync(effect, "RestorePoints_Create", () => Arm.PutAsync(point, "{}"), makes: point, deletesFailed: point);
        await StepAsync(effect, "RestorePoints_Get", () => Arm.GetAsync(point));
        await StepAsync(effect, "DiskRestorePoint_ListByRestorePoint", () => Arm.GetAsync($"{point}/diskRestorePoints"));
        string frozen = World.DataDiskPoint(await Arm.GetAsync(point), 0);
        await StepAsync(effect, "DiskRestorePoint_Get", () => Arm.GetAsync(frozen));
        await StepAsync(effect, "DiskRestorePoint_GrantAccess", () => Arm.PostAsync($"{frozen}/beginGetAccess", Grant));
        (await _world.Blob(await Arm.GrantAsync(frozen)).ReadAsync(0, Length)).AsSpan().SequenceEqual(_model).ShouldBeTrue();
        await StepAsync(effect, "DiskRestorePoint_RevokeAccess", () => Arm.PostAsync($"{frozen}/endGetAccess"));
        string restored = await _world.RestoredDiskAsync("restored", frozen);
        _there.Add(restored);

        await StepAsync(effect, "RestorePoints_Delete", () => Arm.DeleteAsync(point), removes: point);
        await StepAsync(effect, "RestorePointCollections_Delete", () => Arm.DeleteAsync(collection), removes: collection);
        await StepAsync(effect, "VirtualMachines_Delete", () => Arm.DeleteAsync(vm), removes: vm);
        await StepAsync(effect, "Snapshots_Delete", () => Arm.DeleteAsync(snapshot), removes: snapshot);
        (await (await _world.GuestAsync(restored)).ReadAsync(0, Length)).AsSpan().SequenceEqual(_model).ShouldBeTrue();
        await StepAsync(effect, "Disks_Delete", () => Arm.DeleteAsync(data), removes: data);
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Group));
        (await Arm.GetAsync($"{subscription}/disks")).Expect(200).Count("value").ShouldBe(0);

        string[] expected = [.. ServedOperations.All.Where(action => action.Operation is not null && (effect != Failing || IsAsync(action.Operation.Id))).Select(action => action.Operation!.Id)];
        _done.Order().ShouldBe(expected.Order(), "every operation has its turn");
    }

    [Theory]
    [InlineData(Error)]
    [InlineData(Late)]
    [InlineData(Lost)]
    [InlineData(Torn)]
    [InlineData(Wrong)]
    public async Task A_fault_on_any_operation_of_the_data_plane_leaves_the_old_bytes_or_the_new_ones(string effect)
    {
        string data = await _world.EmptyDiskAsync("data"), vm = await _world.VmAsync("vm", await _world.EmptyDiskAsync("os"), data), collection = await _world.CollectionAsync("c", vm);
        RawBlob live = await _world.GuestAsync(data);
        await live.WriteAsync(0, _model);
        RawBlob older = _world.Blob(await Arm.GrantAsync(World.DataDiskPoint(await _world.PointAsync(collection, "p1"), 0)));
        await live.WriteAsync(_model, 4096, World.Noise(2, 4096));
        RawBlob newer = _world.Blob(await Arm.GrantAsync(World.DataDiskPoint(await _world.PointAsync(collection, "p2"), 0)));
        byte[] frozen = [.. _model];
        long bytes = await live.LengthAsync();

        await BlobStepAsync(effect, BlobOperation.GetBlob, newer, () => newer.SendAsync(HttpMethod.Get, headers: ("x-ms-range", $"bytes=0-{Length - 1}")), live);
        await BlobStepAsync(effect, BlobOperation.GetBlobProperties, newer, () => newer.SendAsync(HttpMethod.Head), live);
        await BlobStepAsync(effect, BlobOperation.GetPageRanges, newer, () => newer.SendAsync(HttpMethod.Get, "pagelist"), live);
        await BlobStepAsync(effect, BlobOperation.GetPageRangesDiff, newer, () => newer.SendAsync(HttpMethod.Get, "pagelist", null, ("x-ms-previous-snapshot-url", older.Sas)), live);
        byte[] page = World.Noise(3, 4096);
        await BlobStepAsync(effect, BlobOperation.PutPage, live,
            () => live.SendAsync(HttpMethod.Put, "page", new ByteArrayContent(page), ("x-ms-page-write", "update"), ("x-ms-range", "bytes=8192-12287")), live, model => page.CopyTo(model, 8192));
        await BlobStepAsync(effect, BlobOperation.ClearPages, live,
            () => live.SendAsync(HttpMethod.Put, "page", new ByteArrayContent([]), ("x-ms-page-write", "clear"), ("x-ms-range", "bytes=512-1023")), live, model => model.AsSpan(512, 512).Clear());
        await BlobStepAsync(effect, BlobOperation.PutPageFromUrl, live,
            () => live.SendAsync(HttpMethod.Put, "page", new ByteArrayContent([]), ("x-ms-page-write", "update"), ("x-ms-range", "bytes=16384-20479"), ("x-ms-source-range", "bytes=0-4095"), ("x-ms-copy-source", newer.Sas)),
            live, model => frozen.AsSpan(0, 4096).CopyTo(model.AsSpan(16384)));
        await BlobStepAsync(effect, BlobOperation.SetBlobProperties, live, () => live.SendAsync(HttpMethod.Put, "properties", new ByteArrayContent([]), ("x-ms-blob-content-type", "text/plain")), live);
        await BlobStepAsync(effect, BlobOperation.PutBlob, live,
            () => live.SendAsync(HttpMethod.Put, null, new ByteArrayContent([]), ("x-ms-blob-type", "PageBlob"), ("x-ms-blob-content-length", $"{bytes}")), live, model => model.AsSpan().Clear());

        (await newer.ReadAsync(0, Length)).AsSpan().SequenceEqual(frozen).ShouldBeTrue("a point never changes");
        _done.ShouldBe(Enum.GetNames<BlobOperation>().Where(name => name is not (nameof(BlobOperation.Preflight) or nameof(BlobOperation.Unsupported))
            && (effect != Wrong || Emulator.TestControl.Faults.HasChecksum(Enum.Parse<BlobOperation>(name)))), ignoreOrder: true);
        await Arm.RevokeAsync(World.DataDiskPoint(await Arm.GetAsync(World.Point(collection, "p1")), 0));
        await Arm.RevokeAsync(World.DataDiskPoint(await Arm.GetAsync(World.Point(collection, "p2")), 0));
        await Arm.SucceedAsync(Arm.DeleteAsync(_world.Group));
    }

    /// <param name="makes">Path of what is there afterwards.</param>
    /// <param name="removes">Path of what is gone afterwards.</param>
    /// <param name="deletesFailed">Path of what stays failed when the operation fails.</param>
    private async Task StepAsync(string effect, string operation, Func<Task<ArmResponse>> call, string? makes = null, string? removes = null, string? deletesFailed = null)
    {
        bool isAsync = IsAsync(operation);
        if (effect != Failing || isAsync)
        {
            string fault = await Arm.AddFaultAsync(effect, $",\"operation\":\"{operation}\"", ",\"times\":1");
            ArmResponse? answer = await TryAsync(call);
            switch (effect)
            {
                case Error:
                    answer.ShouldNotBeNull().Expect(503);
                    await CheckAsync($"{operation} {effect}");
                    break;
                case Failing:
                    (await Arm.FinishAsync(answer.ShouldNotBeNull().Expect(200, 201, 202)))["status"].ShouldBe("Failed", operation);
                    break;
                case Lost:
                    answer.ShouldBeNull(operation);
                    break;
                case Torn:
                    (answer is null || !answer.HasBody).ShouldBeTrue(operation);
                    break;
                default:
                    await Arm.FinishAsync(answer.ShouldNotBeNull().Expect(200, 201, 202));
                    break;
            }
            (await Arm.FiredAsync(fault)).ShouldBe(1, operation);
            await JournaledAsync(fault, null, operation);
            (await Arm.CallAsync(HttpMethod.Delete, $"faults/{fault}")).Expect(204);
            if (effect == Failing && deletesFailed is not null)
                await Arm.SucceedAsync(Arm.DeleteAsync(deletesFailed));
            _done.Add(operation);
        }

        ArmResponse again = (await call()).Expect(200, 201, 202, 204);
        if (isAsync && again.Header("Azure-AsyncOperation") is not null)
            (await Arm.FinishAsync(again))["status"].ShouldBe("Succeeded", operation);
        if (makes is not null)
            _there.Add(makes);
        if (removes is not null)
            _there.Remove(removes);
        await CheckAsync($"{operation} {effect}");
    }

    /// <summary>What is there is listed once, in its group and in the subscription, can be got, and is final; the live disk has its bytes.</summary>
    private async Task CheckAsync(string when)
    {
        foreach (string type in s_types)
        {
            string[] expected = [.. _there.Where(path => path.Contains($"/{type}/") && !path.Contains("/restorePoints/")).Order(StringComparer.Ordinal)];
            foreach (string list in new[] { $"{_world.Compute}/{type}", $"{Arm.Subscription}/providers/Microsoft.Compute/{type}" })
                Ids(await Arm.GetAsync(list)).ShouldBe(expected.Select(path => path.ToUpperInvariant()), when);
            foreach (string path in expected)
                (await Arm.GetAsync(path)).Expect(200)["properties.provisioningState"].ShouldBe("Succeeded", $"{when}: {path}");
        }
        foreach (string collection in _there.Where(path => path.Contains("/restorePointCollections/") && !path.Contains("/restorePoints/")))
        {
            ArmResponse expanded = (await Arm.GetAsync(collection, "$expand=restorePoints")).Expect(200);
            string[] points = [.. _there.Where(path => path.StartsWith($"{collection}/restorePoints/", StringComparison.Ordinal))];
            expanded.Node("properties.restorePoints")!.AsArray().Select(point => (string)point!["id"]!).ShouldBe(points, when);
            foreach (string point in points)
            {
                (await Arm.GetAsync(point)).Expect(200)["properties.provisioningState"].ShouldBe("Succeeded", when);
                (await Arm.GetAsync($"{point}/diskRestorePoints")).Expect(200).Count("value").ShouldBe(2, when);
            }
        }
        if (_there.Contains(_world.Vm("vm")))
            (await (await _world.GuestAsync(_world.Disk("data"))).ReadAsync(0, Length)).AsSpan().SequenceEqual(_model).ShouldBeTrue(when);

        static IEnumerable<string> Ids(ArmResponse list) => list.Expect(200).Node("value")!.AsArray().Select(item => ((string)item!["id"]!).ToUpperInvariant()).Order(StringComparer.Ordinal);
    }

    /// <param name="apply">What the call does to the bytes of the live disk.</param>
    private async Task BlobStepAsync(string effect, BlobOperation operation, RawBlob blob, Func<Task<HttpResponseMessage>> call, RawBlob live, Action<byte[]>? apply = null)
    {
        if (effect == Wrong && !Emulator.TestControl.Faults.HasChecksum(operation))
            return;
        string fault = await Arm.AddBlobFaultAsync(blob.Sas, effect, $",\"operation\":\"{operation}\"", ",\"times\":1");
        int? status = await StatusAsync(call);
        // An upload that is cut in its body writes nothing; an answer that has no byte more than those arrives.
        bool isDone = effect != Error && !(effect == Torn && operation == BlobOperation.PutPage);
        switch (effect)
        {
            case Error:
                status.ShouldBe(503, $"{operation}");
                break;
            case Lost:
                status.ShouldBeNull($"{operation}");
                break;
            case Torn:
                if (operation is BlobOperation.GetBlob or BlobOperation.GetPageRanges or BlobOperation.GetPageRangesDiff or BlobOperation.PutPage)
                    status.ShouldBeNull($"{operation}");
                break;
            default:
                status.ShouldNotBeNull($"{operation}").ShouldBeLessThan(300, $"{operation}");
                break;
        }
        if (isDone)
            apply?.Invoke(_model);
        (await Arm.FiredAsync(fault)).ShouldBe(1, $"{operation}");
        await JournaledAsync(fault, new Uri(blob.Sas).AbsolutePath, $"{operation}");
        (await Arm.CallAsync(HttpMethod.Delete, $"faults/{fault}")).Expect(204);
        (await live.ReadAsync(0, Length)).AsSpan().SequenceEqual(_model).ShouldBeTrue($"{operation}: all of it or nothing");

        (await StatusAsync(call)).ShouldNotBeNull($"{operation}").ShouldBeLessThan(300, $"{operation}");
        apply?.Invoke(_model);
        (await live.ReadAsync(0, Length)).AsSpan().SequenceEqual(_model).ShouldBeTrue($"{operation}");
        _done.Add(operation.ToString());
    }

    /// <summary>Waits until the journal tells the fault: a client sees the end of a connection before the request has ended.</summary>
    private async Task JournaledAsync(string fault, string? path, string operation)
    {
        long started = Stopwatch.GetTimestamp();
        int count;
        do
            count = (await Arm.JournalAsync(path, $"&operation={operation}")).Count(entry => entry.Text("faultId") == fault);
        while (count == 0 && Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60));
        count.ShouldBe(1, operation);
    }

    private static bool IsAsync(string operation) => ServedOperations.Find(operation)!.Method.IsDefined(typeof(AsyncOperationAttribute));

    /// <returns>null: the connection ended before the whole answer was there.</returns>
    private static async Task<ArmResponse?> TryAsync(Func<Task<ArmResponse>> call)
    {
        try
        {
            return await call();
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <returns>null: the connection ended before the whole answer was there.</returns>
    private static async Task<int?> StatusAsync(Func<Task<HttpResponseMessage>> call)
    {
        try
        {
            using HttpResponseMessage response = await call();
            await response.Content.ReadAsByteArrayAsync();
            return (int)response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
