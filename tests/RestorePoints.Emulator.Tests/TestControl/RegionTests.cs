using Microsoft.Data.Sqlite;
using RestorePoints.Emulator.Tests.PageBlobs;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.TestControl;

/// <summary>A lost region. Regions are shared by all subscriptions: these tests lose regions that no other test uses.</summary>
public sealed class RegionTests(EmulatorFixture fixture)
{
    private const string Empty = "\"createOption\":\"Empty\"";
    private const string OneGiB = ",\"diskSizeGB\":1";

    [Fact]
    public async Task Calls_on_resources_of_a_lost_region_are_refused_and_those_of_others_served()
    {
        World world = await World.CreateAsync(fixture);
        string here = await world.EmptyDiskAsync("here", location: "westus3"), there = await world.EmptyDiskAsync("there", location: "norwayeast");
        ArmResponse polled = (await world.Arm.PatchAsync(here, """{"tags":{"a":"1"}}""")).Expect(202);
        await world.Arm.FinishAsync(polled);
        RawBlob guest = await world.GuestAsync(here), other = await world.GuestAsync(there);
        byte[] page = World.Noise(1, 512);
        await guest.WriteAsync(0, page);
        await SetAsync(world.Arm, "West US 3", "Offline");
        try
        {
            ArmResponse refused = await world.Arm.GetAsync(here);
            (refused.Status, refused.ErrorCode, refused.Header("Retry-After")).ShouldBe((503, "ServiceUnavailable", "1"));
            refused["error.message"]!.ShouldContain("westus3");
            (await world.Arm.PutAsync(here, World.DiskBody(Empty, OneGiB, "westus3"))).Expect(503);
            (await world.Arm.PutAsync(world.Disk("new"), World.DiskBody(Empty, OneGiB, "West US 3"))).Expect(503);
            (await world.Arm.PatchAsync(here, """{"tags":{}}""")).Expect(503);
            (await world.Arm.PostAsync($"{here}/beginGetAccess", """{"access":"Read","durationInSeconds":60}""")).Expect(503);
            (await world.Arm.DeleteAsync(here)).Expect(503);
            (await world.Arm.DeleteAsync(world.Group)).Expect(503);
            (await world.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, polled.Header("Azure-AsyncOperation")))).Expect(503);
            using HttpResponseMessage read = await guest.SendAsync(HttpMethod.Get), head = await guest.SendAsync(HttpMethod.Head), lists = await guest.SendAsync(HttpMethod.Get, "pagelist"),
                write = await guest.SendAsync(HttpMethod.Put, "page", new ByteArrayContent(new byte[512]), ("x-ms-page-write", "update"), ("x-ms-range", "bytes=0-511"));
            await read.ShouldFailAsync(503, "ServerBusy");
            await lists.ShouldFailAsync(503, "ServerBusy");
            await write.ShouldFailAsync(503, "ServerBusy");
            ((int)head.StatusCode, head.Header("x-ms-error-code")).ShouldBe((503, "ServerBusy"));

            (await world.Arm.GetAsync($"{world.Compute}/disks")).Expect(200).Count("value").ShouldBe(2, "lists are ARM's own");
            await other.WriteAsync(0, page);
            await world.Arm.SucceedAsync(world.Arm.DeleteAsync(there));
            (await world.Arm.GetAsync(world.Disk("absent"))).Expect(404);
        }
        finally
        {
            await SetAsync(world.Arm, "westus3", "Online");
        }
        (await guest.ReadAsync(0, 512)).ShouldBe(page, "as it was");
        (await world.Arm.GetAsync(here)).Expect(200)["tags.a"].ShouldBe("1");
        await world.Arm.SucceedAsync(world.Arm.DeleteAsync(here));
    }

    [Fact]
    public async Task An_operation_that_was_accepted_waits_for_its_region()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        string disk, polling;
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            World world = await World.CreateAsync(new RawArm(http, subscription));
            disk = await world.EmptyDiskAsync("d", location: "eastus");
            ArmResponse accepted = (await world.Arm.PatchAsync(disk, """{"tags":{"a":"1"}}""")).Expect(202);
            await world.Arm.FinishAsync(accepted);
            polling = new Uri(accepted.Header("Azure-AsyncOperation")!).PathAndQuery;
            await SetAsync(world.Arm, "eastus", "Offline");
            await emulator.KillAsync();
        }
        // As if the kill had come before the operation ran.
        Change(directory, "UPDATE Operations SET Status = 'InProgress', EndTime = NULL, Output = NULL WHERE Kind = 'UpdateDisk'");
        Change(directory, "UPDATE Disks SET Tags = NULL, ProvisioningState = 'Updating'");

        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient client = EmulatorFixture.NewClient(again);
        var arm = new RawArm(client, subscription);
        await (await World.CreateAsync(new RawArm(client, Guid.NewGuid()))).EmptyDiskAsync("other");
        (await arm.GetAsync(disk[..disk.LastIndexOf('/')]))["value.0.properties.provisioningState"].ShouldBe("Updating", "its operation waits");
        await SetAsync(arm, "eastus", "Online");
        ArmResponse poll;
        do
            poll = (await arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, polling))).Expect(200);
        while (poll["status"] == "InProgress");
        poll["status"].ShouldBe("Succeeded");
        (await arm.GetAsync(disk)).Expect(200)["tags.a"].ShouldBe("1");
    }

    [Fact]
    public async Task A_lost_region_stays_lost_over_a_restart_and_comes_back_with_a_reset()
    {
        using var directory = new TemporaryDirectory();
        Guid subscription = Guid.NewGuid();
        string disk;
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            World world = await World.CreateAsync(new RawArm(http, subscription));
            disk = await world.EmptyDiskAsync("d", location: "eastus");
            await SetAsync(world.Arm, "eastus", "offline");
            await SetAsync(world.Arm, "westus", "Online");
            (await world.Arm.CallAsync(HttpMethod.Get, "regions")).Expect(200).Text.ShouldBe("""{"value":[{"name":"eastus","state":"Offline"},{"name":"westus","state":"Online"}]}""");
            (await world.Arm.CallAsync(HttpMethod.Get, "regions/uksouth")).Expect(200).Text.ShouldBe("""{"name":"uksouth","state":"Online"}""");
            await emulator.KillAsync();
        }
        await using EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient client = EmulatorFixture.NewClient(again);
        var arm = new RawArm(client, subscription);
        (await arm.GetAsync(disk)).Expect(503);
        (await arm.CallAsync(HttpMethod.Post, $"reset?subscription={Guid.NewGuid()}")).Expect(204);
        (await arm.GetAsync(disk)).Expect(503);
        (await arm.CallAsync(HttpMethod.Post, "reset")).Expect(204);
        (await arm.CallAsync(HttpMethod.Get, "regions/eastus"))["state"].ShouldBe("Online");
    }

    [Theory]
    [InlineData("eastus", "{}", "state")]
    [InlineData("eastus", """{"state":"Gone"}""", "state")]
    [InlineData("eastus", """{"state":"1"}""", "state")]
    [InlineData("eastus", """{"state":true}""", "state")]
    [InlineData("eastus", """{"state":"Online","why":1}""", "why")]
    [InlineData("eastus", "[]", "$")]
    [InlineData("east-us", """{"state":"Online"}""", "region")]
    public async Task A_state_that_is_not_understood_is_refused(string region, string body, string target)
    {
        ArmResponse answer = (await fixture.NewSubscription().CallAsync(HttpMethod.Put, $"regions/{region}", body)).Expect(400);
        (answer.ErrorCode, answer["error.target"]).ShouldBe(("InvalidParameter", target));
    }

    private static void Change(TemporaryDirectory directory, string sql)
    {
        using var catalog = new SqliteConnection($"Data Source={Path.Combine(directory.Path, "catalog.db")};Pooling=False");
        catalog.Open();
        using SqliteCommand command = catalog.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery().ShouldBe(1);
    }

    private static async Task SetAsync(RawArm arm, string region, string state) =>
        (await arm.CallAsync(HttpMethod.Put, $"regions/{region}", $$"""{"state":"{{state}}"}""")).Expect(200);
}
