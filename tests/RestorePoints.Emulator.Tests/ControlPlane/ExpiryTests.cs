using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>A SAS ends with its time, by the emulator's clock and across a crash. A server of its own: the clock is everyone's.</summary>
public sealed class ExpiryTests
{
    [Fact]
    public async Task An_expired_sas_is_refused_and_stays_so_after_a_crash()
    {
        using var directory = new TemporaryDirectory();
        var subscription = Guid.NewGuid();
        string drp, sas, kept;
        await using (EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            World world = await World.CreateAsync(new RawArm(http, subscription));
            string disk = await world.EmptyDiskAsync("os");
            string collection = await world.CollectionAsync("c", await world.VmAsync("vm", disk));
            drp = World.OsDiskPoint(await world.PointAsync(collection, "p"));
            sas = await world.Arm.GrantAsync(drp, seconds: 3600);
            kept = await world.Arm.GrantAsync(World.OsDiskPoint(await world.PointAsync(collection, "q")), seconds: 86400);
            (await world.Blob(sas).ReadAsync(0, 512)).Length.ShouldBe(512);
            (await world.Arm.DeleteAsync(World.Point(collection, "p"))).Expect(409);

            await AdvanceAsync(http, "01:00:01");
            await ShouldBeExpiredAsync(world.Blob(sas));
            (await world.Blob(kept).ReadAsync(0, 512)).Length.ShouldBe(512, "the other has a day");
            await emulator.KillAsync();
        }
        await using (EmulatorProcess again = await EmulatorProcess.StartAsync(directory.Path))
        {
            using HttpClient http = EmulatorFixture.NewClient(again);
            var arm = new RawArm(http, subscription);
            await ShouldBeExpiredAsync(new RawBlob(http, Rebase(sas, again)));
            (await new RawBlob(http, Rebase(kept, again)).ReadAsync(0, 512)).Length.ShouldBe(512);
            string fresh = await arm.GrantAsync(drp);
            fresh.ShouldNotBe(sas);
            (await new RawBlob(http, fresh).ReadAsync(0, 512)).Length.ShouldBe(512);
            await AdvanceAsync(http, "01:00:01");
            await arm.SucceedAsync(arm.DeleteAsync(drp[..drp.IndexOf("/diskRestorePoints", StringComparison.Ordinal)]));
        }
    }

    private static string Rebase(string sas, EmulatorProcess server) => Crash.PointKeeper.Rebase(sas, server.Http);

    private static async Task AdvanceAsync(HttpClient http, string by)
    {
        using var body = new StringContent($$"""{"by":"{{by}}"}""", System.Text.Encoding.UTF8, "application/json");
        (await http.PostAsync("/emulator/clock/advance", body)).EnsureSuccessStatusCode();
    }

    private static async Task ShouldBeExpiredAsync(RawBlob blob)
    {
        using HttpResponseMessage answer = await blob.SendAsync(HttpMethod.Get, headers: ("x-ms-range", "bytes=0-511"));
        ((int)answer.StatusCode).ShouldBe(403);
        string text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        text.ShouldContain("<Code>AuthenticationFailed</Code>");
        text.ShouldContain("Signature not valid in the specified time frame");
    }
}
