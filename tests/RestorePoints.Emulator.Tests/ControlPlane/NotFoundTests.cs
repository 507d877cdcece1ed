using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>What is absent is answered differently at every level.</summary>
public sealed class NotFoundTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;
    private string _collection = null!;
    private string _point = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.CreateAsync(fixture);
        string vm = await _world.VmAsync("vm", await _world.EmptyDiskAsync("os"));
        _collection = await _world.CollectionAsync("c", vm);
        _point = World.Point(_collection, "p");
        await _world.PointAsync(_collection, "p");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_malformed_subscription_id_is_named()
    {
        foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Put, HttpMethod.Delete })
        {
            ArmResponse answer = await _world.Arm.SendAsync(method, "/subscriptions/not-a-guid/resourceGroups/rg/providers/Microsoft.Compute/disks/d", method == HttpMethod.Put ? "{}" : null);
            Check(answer, 400, "InvalidSubscriptionId", "not-a-guid");
        }
    }

    [Theory]
    [InlineData("GET", "")]
    [InlineData("GET", "/providers/Microsoft.Compute/disks/d")]
    [InlineData("PUT", "/providers/Microsoft.Compute/disks/d")]
    [InlineData("DELETE", "/providers/Microsoft.Compute/disks/d")]
    [InlineData("GET", "/providers/Microsoft.Compute/snapshots")]
    [InlineData("GET", "/providers/Microsoft.Compute/snapshots/s")]
    [InlineData("PUT", "/providers/Microsoft.Compute/snapshots/s")]
    [InlineData("PATCH", "/providers/Microsoft.Compute/snapshots/s")]
    [InlineData("DELETE", "/providers/Microsoft.Compute/snapshots/s")]
    [InlineData("POST", "/providers/Microsoft.Compute/snapshots/s/beginGetAccess")]
    [InlineData("DELETE", "/providers/Microsoft.Compute/virtualMachines/v")]
    [InlineData("PUT", "/providers/Microsoft.Compute/restorePointCollections/c")]
    [InlineData("PUT", "/providers/Microsoft.Compute/restorePointCollections/c/restorePoints/p")]
    [InlineData("POST", "/providers/Microsoft.Compute/disks/d/beginGetAccess")]
    [InlineData("DELETE", "")]
    public async Task An_absent_group_is_ResourceGroupNotFound(string method, string path)
    {
        string body = path.Contains("/disks/d") && method == "PUT" ? World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")
            : path.Contains("/snapshots/s") && method == "PUT" ? World.SnapshotBody(_world.Disk("os"))
            : method == "POST" ? """{"access":"Read","durationInSeconds":60}"""
            : path.EndsWith("/c", StringComparison.Ordinal) ? CollectionBody(_world.Vm("vm")) : "{}";
        ArmResponse answer = await _world.Arm.SendAsync(new HttpMethod(method), $"{_world.Arm.Subscription}/resourceGroups/absent{path}", method is "PUT" or "PATCH" or "POST" ? body : null);
        Check(answer, 404, "ResourceGroupNotFound", "Resource group 'absent' could not be found.");
    }

    [Theory]
    [InlineData("GET", "disks/absent", "")]
    [InlineData("PATCH", "disks/absent", "")]
    [InlineData("POST", "disks/absent", "/beginGetAccess")]
    [InlineData("POST", "disks/absent", "/endGetAccess")]
    [InlineData("GET", "snapshots/absent", "")]
    [InlineData("PATCH", "snapshots/absent", "")]
    [InlineData("POST", "snapshots/absent", "/beginGetAccess")]
    [InlineData("POST", "snapshots/absent", "/endGetAccess")]
    [InlineData("GET", "virtualMachines/absent", "")]
    [InlineData("POST", "virtualMachines/absent", "/start")]
    [InlineData("GET", "restorePointCollections/absent", "")]
    [InlineData("PATCH", "restorePointCollections/absent", "")]
    public async Task An_absent_tracked_resource_is_answered_by_the_gateway(string method, string resource, string action)
    {
        string? body = method == "PATCH" ? """{"tags":{}}""" : action == "/beginGetAccess" ? """{"access":"Read","durationInSeconds":60}""" : null;
        ArmResponse answer = await _world.Arm.SendAsync(new HttpMethod(method), $"{_world.Compute}/{resource}{action}", body);
        Check(answer, 404, "ResourceNotFound", $"The Resource 'Microsoft.Compute/{resource}' under resource group 'backup-test' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix");
        answer.Header("x-ms-failure-cause").ShouldBe("gateway");
    }

    [Theory]
    [InlineData("disks/absent")]
    [InlineData("snapshots/absent")]
    [InlineData("virtualMachines/absent")]
    [InlineData("restorePointCollections/absent")]
    [InlineData("restorePointCollections/absent/restorePoints/p")]
    [InlineData("restorePointCollections/c/restorePoints/absent")]
    public async Task Deleting_what_does_not_exist_is_204(string resource)
    {
        ArmResponse answer = await _world.Arm.DeleteAsync($"{_world.Compute}/{resource}");
        answer.Status.ShouldBe(204, answer.Text);
        answer.Header("Azure-AsyncOperation").ShouldBeNull();
    }

    [Fact]
    public async Task A_point_below_an_absent_collection_has_no_parent()
    {
        string point = World.Point(_world.Collection("absent"), "p");
        Check(await _world.Arm.PutAsync(point, "{}"), 404, "ParentResourceNotFound", "absent");
        Check(await _world.Arm.GetAsync(point), 404, "ResourceNotFound", "restorePointCollections/absent");
        Check(await _world.Arm.GetAsync($"{point}/diskRestorePoints"), 404, "ResourceNotFound", "restorePointCollections/absent");
        Check(await _world.Arm.PostAsync($"{point}/diskRestorePoints/d/beginGetAccess", """{"access":"Read","durationInSeconds":60}"""), 404, "ResourceNotFound", "restorePointCollections/absent");
    }

    [Fact]
    public async Task An_absent_point_is_answered_by_the_compute_provider()
    {
        ArmResponse answer = await _world.Arm.GetAsync(World.Point(_collection, "absent"));
        Check(answer, 404, "NotFound", "The entity was not found in this Azure location.");
        answer.Header("x-ms-failure-cause").ShouldBeNull();
        answer.Body.Length.ShouldBe(115, "as recorded");
    }

    [Fact]
    public async Task An_absent_disk_restore_point_is_answered_by_the_disk_provider()
    {
        Check(await _world.Arm.GetAsync($"{_point}/diskRestorePoints/absent"), 404, "NotFound", "Resource absent is not found.");
        Check(await _world.Arm.PostAsync($"{_point}/diskRestorePoints/absent/beginGetAccess", """{"access":"Read","durationInSeconds":60}"""), 404, "NotFound", "Resource absent is not found.");
        Check(await _world.Arm.PostAsync($"{_point}/diskRestorePoints/absent/endGetAccess"), 404, "NotFound", "Resource absent is not found.");
    }

    [Theory]
    [InlineData("operations")]
    [InlineData("DiskOperations")]
    public async Task An_unknown_operation_is_NotFound(string family) =>
        Check(await _world.Arm.SendAsync(HttpMethod.Get, $"{_world.Arm.Subscription}/providers/Microsoft.Compute/locations/westeurope/{family}/{Guid.NewGuid()}",
            apiVersion: family == "operations" ? RawArm.ComputeVersion : RawArm.DiskVersion), 404, "NotFound", "");

    [Fact]
    public async Task Names_and_segments_are_compared_without_regard_to_case()
    {
        string shouted = _point.Replace("/resourceGroups/backup-test/", "/resourcegroups/BACKUP-TEST/").Replace("/restorePointCollections/c/", "/RESTOREPOINTCOLLECTIONS/C/");
        ArmResponse answer = (await _world.Arm.GetAsync(shouted)).Expect(200);
        answer["id"].ShouldBe(_point, "the id keeps the spelling of the creation");
    }

    [Fact]
    public async Task Api_versions_are_required_and_checked()
    {
        string disk = _world.Disk("os");
        Check(await _world.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, disk)), 400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.");
        Check(await _world.Arm.SendAsync(HttpMethod.Get, disk, apiVersion: "tomorrow"), 400, "InvalidApiVersionParameter", "tomorrow");
        Check(await _world.Arm.SendAsync(HttpMethod.Get, disk, apiVersion: "2024-07-01"), 400, "NoRegisteredProviderFound", "2023-10-02");
        Check(await _world.Arm.SendAsync(HttpMethod.Get, _world.Snapshot("s"), apiVersion: "2024-07-01"), 400, "NoRegisteredProviderFound", "2023-10-02");
        Check(await _world.Arm.SendAsync(HttpMethod.Get, _collection, apiVersion: "2023-10-02"), 400, "NoRegisteredProviderFound", "2024-07-01");
        Check(await _world.Arm.SendAsync(HttpMethod.Get, $"{_world.Compute}/flyingSaucers/x", apiVersion: "2024-07-01"), 404, "InvalidResourceType", "flyingSaucers");
        (await _world.Arm.SendAsync(HttpMethod.Get, disk, apiVersion: "2099-01-01")).Expect(200);
    }

    private static string CollectionBody(string vm) => $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{vm}}}"}} }""";

    internal static void Check(ArmResponse answer, int status, string code, string messagePart)
    {
        answer.Status.ShouldBe(status, $"{answer.Request}: {answer.Text}");
        answer.ErrorCode.ShouldBe(code, answer.Text);
        answer["error.message"].ShouldNotBeNull().ShouldContain(messagePart);
    }
}
