using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>The rate headers: names and sizes as recorded, counting down, by the emulator's clock.</summary>
public sealed class RateHeaderTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;
    private string _vm = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.CreateAsync(fixture);
        _vm = await _world.VmAsync("vm", await _world.EmptyDiskAsync("os"));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    private string CollectionBody => $$$"""{"location":"{{{World.Location}}}","properties":{"source":{"id":"{{{_vm}}}"}} }""";

    [Fact]
    public async Task Calls_of_a_subscription_are_counted_by_reads_writes_and_deletes()
    {
        RawArm fresh = fixture.NewSubscription();
        string group = $"{fresh.Subscription}/resourceGroups/g";
        (await fresh.PutAsync(group, """{"location":"westeurope"}""")).Header("x-ms-ratelimit-remaining-subscription-writes").ShouldBe("1199");
        (await fresh.PutAsync(group, """{"location":"westeurope"}""")).Header("x-ms-ratelimit-remaining-subscription-writes").ShouldBe("1198");
        ArmResponse read = await fresh.GetAsync($"{group}/providers/Microsoft.Compute/disks/none");
        read.Header("x-ms-ratelimit-remaining-subscription-reads").ShouldBe("11999");
        read.Header("x-ms-ratelimit-remaining-resource").ShouldBeNull("the gateway answers");
        (await fresh.GetAsync(group)).Header("x-ms-ratelimit-remaining-subscription-reads").ShouldBe("11998");
        (await fresh.DeleteAsync($"{group}/providers/Microsoft.Compute/disks/none")).Header("x-ms-ratelimit-remaining-subscription-deletes").ShouldBe("14999");
        (await fixture.NewSubscription().GetAsync("/subscriptions")).Header("x-ms-ratelimit-remaining-subscription-reads").ShouldBeNull("of no subscription");
    }

    [Fact]
    public async Task Collections_and_points_count_under_the_names_of_their_version()
    {
        string collection = _world.Collection("c"), point = World.Point(collection, "p");
        Rates(await Arm.PutAsync(collection, CollectionBody)).ShouldBe("PutRestorePointCollectionResource;14,PutRestorePointCollectionSubscriptionMaximum;149");
        Rates(await Arm.PutAsync(_world.Collection("d"), CollectionBody)).ShouldBe("PutRestorePointCollectionResource;14,PutRestorePointCollectionSubscriptionMaximum;148");
        Rates(await Arm.PutAsync(collection, CollectionBody)).ShouldBe("PutRestorePointCollectionResource;13,PutRestorePointCollectionSubscriptionMaximum;147");
        Rates(await Arm.PatchAsync(collection, "{}")).ShouldBe("UpdateRestorePointCollectionResource;14,UpdateRestorePointCollectionSubscriptionMaximum;149");
        Rates(await Arm.SendAsync(HttpMethod.Put, collection, CollectionBody, apiVersion: "2022-11-01")).ShouldBe("CreateRestorePoints3Min;119,CreateRestorePoints30Min;599");
        ArmResponse accepted = await Arm.PutAsync(point, "{}");
        Rates(accepted).ShouldBe("PutRestorePointResource;5,PutRestorePointSubscriptionMaximum;149,CreateApplicationConsistentRestorePoint;2");
        Rates(await Arm.FinishAsync(accepted))!.ShouldMatch(@"^GetOperationResource;[45]\d,GetOperationSubscriptionMaximum;149\d\d$");
        Rates(await Arm.GetAsync(point)).ShouldBe("LowCostGetRestorePointSubscriptionMaximum;599");
        Rates(await Arm.GetAsync(collection)).ShouldBe("LowCostGetRestorePointSubscriptionMaximum;598");
        Rates(await Arm.GetAsync($"{_world.Compute}/restorePointCollections")).ShouldBeNull("not recorded in this version");
        Rates(await Arm.SendAsync(HttpMethod.Get, $"{_world.Compute}/restorePointCollections", apiVersion: "2022-11-01")).ShouldBe("HighCostGetRestorePoint3Min;119,HighCostGetRestorePoint30Min;1199");
        Rates(await Arm.GetAsync(World.Point(collection, "none"))).ShouldBe("LowCostGetRestorePointSubscriptionMaximum;597", "the compute provider answers 404");
        Rates(await Arm.DeleteAsync(point)).ShouldBe("DeleteRestorePointSubscriptionMaximum;359");
    }

    [Fact]
    public async Task Disks_and_snapshots_count_in_windows_of_3_and_30_minutes()
    {
        string disk = _world.Disk("os"), snapshot = _world.Snapshot("s");
        // The world has made one disk.
        Rates(await Arm.PatchAsync(disk, "{}")).ShouldBe("CreateUpdateDisks3Min;998,CreateUpdateDisks30Min;7998");
        Rates(await Arm.PutAsync(snapshot, World.SnapshotBody(disk))).ShouldBe("HighCostSnapshotCreateHydrate3Min;999,HighCostSnapshotCreateHydrate30Min;7999");
        Rates(await Arm.GetAsync(disk)).ShouldBe("LowCostGet3Min;14999,LowCostGet30Min;119999");
        Rates(await Arm.GetAsync($"{_world.Compute}/snapshots")).ShouldBe("HighCostGet3Min;239,HighCostGet30Min;1919");
        Rates(await Arm.PostAsync($"{disk}/endGetAccess")).ShouldBe("HighCostDiskHydrate3Min;999,HighCostDiskHydrate30Min;7999");
        ArmResponse deletion = await Arm.DeleteAsync(snapshot);
        Rates(deletion).ShouldBe("DeleteDisks3Min;2999,DeleteDisks30Min;23999");
        Rates(await Arm.FinishAsync(deletion))!.ShouldStartWith("GetOperation3Min;499");
    }

    [Fact]
    public async Task Windows_end_by_the_clock()
    {
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        await http.FreezeClockAsync();
        _world = await World.CreateAsync(new RawArm(http, Guid.NewGuid()));
        string disk = await _world.EmptyDiskAsync("d");
        Rates(await Arm.PatchAsync(disk, "{}")).ShouldBe("CreateUpdateDisks3Min;998,CreateUpdateDisks30Min;7998");
        await http.AdvanceAsync(TimeSpan.FromMinutes(3));
        Rates(await Arm.PatchAsync(disk, "{}")).ShouldBe("CreateUpdateDisks3Min;999,CreateUpdateDisks30Min;7997");
        await http.AdvanceAsync(TimeSpan.FromHours(1));
        ArmResponse later = await Arm.PatchAsync(disk, "{}");
        Rates(later).ShouldBe("CreateUpdateDisks3Min;999,CreateUpdateDisks30Min;7999");
        later.Header("x-ms-ratelimit-remaining-subscription-writes").ShouldBe("1199");
    }

    private static string? Rates(ArmResponse answer) => answer.Header("x-ms-ratelimit-remaining-resource")?.Replace("Microsoft.Compute/", "");
}
