using RestorePoints.Emulator.Tests.PageBlobs;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>The examples of docs/faults.md, one after the other; their rules are for every subscription, so they have a server of their own.</summary>
public sealed class FaultRecipeTests
{
    [Fact]
    public async Task The_examples_of_the_page_of_faults_do_what_they_say()
    {
        Assert.SkipUnless(ClientProgram.Exists("curl"), "curl is missing.");
        using var directory = new TemporaryDirectory();
        await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path);
        using HttpClient http = EmulatorFixture.NewClient(emulator);
        World world = await World.CreateAsync(new RawArm(http, Guid.NewGuid()));
        RawBlob guest = await world.GuestAsync(await world.EmptyDiskAsync("d"));
        string collection = await world.CollectionAsync("c", await world.VmAsync("vm", world.Disk("d")));

        await RunAsync("A client that has to try again");
        using (HttpResponseMessage busy = await guest.SendAsync(HttpMethod.Get, headers: ("x-ms-range", "bytes=0-511")))
            await busy.ShouldFailAsync(503, "ServerBusy");
        (await guest.ReadAsync(0, 512)).Length.ShouldBe(512);

        await RunAsync("A restore point that fails because the agent of its virtual machine does not answer");
        (await world.Arm.FinishAsync((await world.Arm.PutAsync(World.Point(collection, "p1"), "{}")).Expect(201))).ErrorCode.ShouldBe("VMAgentStatusCommunicationError");
        await world.PointAsync(collection, "p2");

        (await RunAsync("What went wrong, and the end of all rules")).ShouldContain("\"operation\":\"RestorePoints_Create\"");
        (await world.Arm.CallAsync(HttpMethod.Get, "faults")).Count("value").ShouldBe(0);

        Task<string> RunAsync(string heading) => ClientProgram.ShellAsync(Recipe.At(emulator, Recipe.Read("docs/faults.md", heading, "sh")), directory.Path);
    }
}
