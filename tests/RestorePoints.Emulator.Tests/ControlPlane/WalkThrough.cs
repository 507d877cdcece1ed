using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>
/// One life of everything, from the resource group to its deletion, with every answer kept by a name such as <c>disk PUT</c>. For calls with
/// an operation there are also <c>… poll</c> (the final status body) and <c>… result</c> (what the Location URL gives at the end).
/// </summary>
public sealed class WalkThrough(EmulatorFixture fixture) : IAsyncLifetime
{
    private readonly Dictionary<string, ArmResponse> _answers = [];

    public World World { get; private set; } = null!;

    public ArmResponse this[string name] => _answers[name];

    public IEnumerable<KeyValuePair<string, ArmResponse>> Answers => _answers;

    public async ValueTask InitializeAsync()
    {
        RawArm arm = fixture.NewSubscription();
        World = await World.CreateAsync(arm);
        string disk = World.Disk("data"), upload = World.Disk("upload"), vm = World.Vm("vm"), collection = World.Collection("daily");
        await KeepAsync("group PUT", arm.PutAsync(World.Group, """{"location":"westeurope"}"""));
        await KeepAsync("group GET", arm.GetAsync(World.Group));

        await KeepAsync("disk PUT", arm.PutAsync(disk,
            """{"location":"West Europe","tags":{"zeta":"1","alpha":"2"},"sku":{"name":"Premium_LRS"},"properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":10}}"""));
        await KeepAsync("disk GET", arm.GetAsync(disk));
        await KeepAsync("disk PATCH", arm.PatchAsync(disk, """{"tags":{"beta":"3"}}"""));
        await KeepAsync("disk beginGetAccess", arm.PostAsync($"{disk}/beginGetAccess", """{"access":"Read","durationInSeconds":1800}"""));
        await KeepAsync("disk GET with SAS", arm.GetAsync(disk));
        await KeepAsync("disk endGetAccess", arm.PostAsync($"{disk}/endGetAccess"));
        await KeepAsync("disk GET without SAS", arm.GetAsync(disk));
        await KeepAsync("upload PUT", arm.PutAsync(upload, World.DiskBody("\"createOption\":\"Upload\",\"uploadSizeBytes\":21474836992")));
        await KeepAsync("upload GET", arm.GetAsync(upload));

        string snapshot = World.Snapshot("full"), increment = World.Snapshot("increment"), empty = World.Snapshot("empty");
        await KeepAsync("snapshot PUT", arm.PutAsync(snapshot, World.SnapshotBody(disk, location: "West Europe")));
        await KeepAsync("snapshot GET", arm.GetAsync(snapshot));
        await KeepAsync("incremental PUT", arm.PutAsync(increment,
            $$$"""{"location":"westeurope","tags":{"zeta":"1"},"sku":{"name":"premium_lrs"},"properties":{"incremental":true,"creationData":{"createOption":"Copy","sourceResourceId":"{{{disk}}}"}} }"""));
        await KeepAsync("incremental GET", arm.GetAsync(increment));
        await KeepAsync("empty snapshot PUT", arm.PutAsync(empty, """{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":10}}"""));
        await KeepAsync("empty snapshot GET", arm.GetAsync(empty));
        await KeepAsync("snapshot PATCH", arm.PatchAsync(empty, """{"properties":{"diskSizeGB":20},"tags":{"beta":"3"}}"""));
        await KeepAsync("snapshot GET patched", arm.GetAsync(empty));
        await KeepAsync("snapshot beginGetAccess", arm.PostAsync($"{increment}/beginGetAccess", """{"access":"Read","durationInSeconds":1800}"""));
        await KeepAsync("snapshot GET with SAS", arm.GetAsync(increment));
        await KeepAsync("snapshot endGetAccess", arm.PostAsync($"{increment}/endGetAccess"));
        await KeepAsync("snapshot GET without SAS", arm.GetAsync(increment));
        await KeepAsync("snapshot list in group", arm.GetAsync($"{World.Compute}/snapshots"));
        await KeepAsync("snapshot list in subscription", arm.GetAsync($"{arm.Subscription}/providers/Microsoft.Compute/snapshots"));
        await KeepAsync("snapshot DELETE", arm.DeleteAsync(snapshot));
        await KeepAsync("snapshot GET deleted", arm.GetAsync(snapshot));

        await KeepAsync("VM PUT", arm.PutAsync(vm, World.ImageVmBody("vm",
            $$"""{"lun":0,"createOption":"Attach","caching":"None","managedDisk":{"id":"{{disk}}"} },{"lun":3,"createOption":"Empty","diskSizeGB":5}""")));
        await KeepAsync("VM GET", arm.GetAsync(vm));
        await KeepAsync("VM PATCH", arm.PatchAsync(vm, """{"tags":{"role":"guest"}}"""));
        await KeepAsync("VM instanceView", arm.GetAsync($"{vm}/instanceView"));
        await KeepAsync("VM GET $expand", arm.GetAsync(vm, "$expand=instanceView"));
        await KeepAsync("VM powerOff", arm.PostAsync($"{vm}/powerOff"));
        await KeepAsync("VM deallocate", arm.PostAsync($"{vm}/deallocate"));
        await KeepAsync("VM start", arm.PostAsync($"{vm}/start"));

        await KeepAsync("RPC PUT", arm.PutAsync(collection, $$$"""{"location":"West Europe","properties":{"source":{"id":"{{{vm}}}"}} }"""));
        await KeepAsync("RPC PUT again", arm.PutAsync(collection, $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{vm}}}"}} }"""));
        await KeepAsync("RPC PATCH", arm.PatchAsync(collection, """{"tags":{"kind":"daily"}}"""));
        await KeepAsync("RPC GET empty $expand", arm.GetAsync(collection, "$expand=restorePoints"));
        await KeepAsync("RP PUT", arm.PutAsync(World.Point(collection, "p1"), "{}"));
        await KeepAsync("RP GET", arm.GetAsync(World.Point(collection, "p1")));
        await KeepAsync("RP GET $expand", arm.GetAsync(World.Point(collection, "p1"), "$expand=instanceView"));
        await KeepAsync("RPC GET", arm.GetAsync(collection));
        await KeepAsync("RPC GET $expand", arm.GetAsync(collection, "$expand=restorePoints"));
        await KeepAsync("RPC list in group", arm.GetAsync($"{World.Compute}/restorePointCollections"));
        await KeepAsync("RPC list in subscription", arm.GetAsync($"{arm.Subscription}/providers/Microsoft.Compute/restorePointCollections"));

        string drp = World.OsDiskPoint(this["RP GET"]);
        await KeepAsync("DRP GET", arm.GetAsync(drp));
        await KeepAsync("DRP list", arm.GetAsync($"{World.Point(collection, "p1")}/diskRestorePoints"));
        await KeepAsync("DRP beginGetAccess", arm.PostAsync($"{drp}/beginGetAccess", """{"access":"Read","durationInSeconds":1800}"""));
        await KeepAsync("DRP endGetAccess", arm.PostAsync($"{drp}/endGetAccess"));
        string restored = World.Disk("restored");
        await KeepAsync("restored PUT", arm.PutAsync(restored, World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{drp}\"", ",\"diskSizeGB\":40")));
        await KeepAsync("restored GET", arm.GetAsync(restored));

        await KeepAsync("RP DELETE", arm.DeleteAsync(World.Point(collection, "p1")));
        await KeepAsync("RP GET deleted", arm.GetAsync(World.Point(collection, "p1")));
        await KeepAsync("RPC DELETE", arm.DeleteAsync(collection));
        await KeepAsync("RPC GET deleted", arm.GetAsync(collection));
        await KeepAsync("VM DELETE", arm.DeleteAsync(vm));
        await KeepAsync("disk DELETE", arm.DeleteAsync(disk));
        await KeepAsync("disk GET deleted", arm.GetAsync(disk));
        await KeepAsync("group DELETE", arm.DeleteAsync(World.Group));
        await KeepAsync("group GET deleted", arm.GetAsync(World.Group));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task KeepAsync(string name, Task<ArmResponse> call)
    {
        ArmResponse answer = await call;
        _answers[name] = answer;
        if (answer.Header("Azure-AsyncOperation") is null && answer.Header("Location") is null)
            return;
        ArmResponse poll = await World.Arm.FinishAsync(answer);
        _answers[$"{name} poll"] = poll;
        if (answer.Header("Azure-AsyncOperation") is not null && poll["status"] != "Succeeded")
            throw new InvalidOperationException($"{name} did not succeed: {poll.Text}");
        if (answer.Header("Location") is { } location)
            _answers[$"{name} result"] = await World.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, location));
    }
}
