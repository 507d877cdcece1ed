using System.Text;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Requests that meet each other, and resources that are half made or half gone.</summary>
public sealed class RaceTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private const int Rounds = 12;
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.CreateAsync(fixture);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawArm Arm => _world.Arm;

    [Fact]
    public async Task What_a_PUT_acknowledged_beside_a_DELETE_is_there_afterwards()
    {
        string vm = await _world.VmAsync("vm", await _world.EmptyDiskAsync("os"));
        for (int round = 0; round < Rounds; round++)
        {
            string collection = _world.Collection($"c{round}");
            await _world.CollectionAsync($"c{round}", vm);
            Task<ArmResponse> delete = Arm.DeleteAsync(collection);
            ArmResponse put = await Arm.PutAsync(collection, $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{vm}}}"}} }""");
            await Arm.FinishAsync((await delete).Expect(202));
            // Created again after the delete; or met the collection before the delete, or while it was being deleted.
            (await Arm.GetAsync(collection)).Status.ShouldBe(put.Status == 201 ? 200 : 404, put.Text);
            put.Text.ShouldNotContain("Deleting");
        }
    }

    [Fact]
    public async Task A_disk_copied_while_its_source_grows_has_one_of_the_two_sizes_and_leaves_no_point_behind()
    {
        for (int round = 0; round < Rounds; round++)
        {
            string source = await _world.EmptyDiskAsync($"source{round}");
            Task<ArmResponse> grow = Arm.PatchAsync(source, """{"properties":{"diskSizeGB":2}}""");
            Task<ArmResponse> copy = Arm.PutAsync(_world.Disk($"copy{round}"), World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{source}\""));
            await Arm.SucceedAsync(grow);
            await Arm.SucceedAsync(copy);
            (await Arm.GetAsync(_world.Disk($"copy{round}")))["properties.diskSizeGB"].ShouldBeOneOf("1", "2");
        }
    }

    [Theory]
    [InlineData("snapshot")]
    [InlineData("disk")]
    public async Task A_change_accepted_right_behind_a_creation_runs_after_it(string type)
    {
        const int rounds = 100, senders = 3;
        string source = await _world.EmptyDiskAsync("source");
        int besideCreation = 0;
        for (int round = 0; round < rounds; round++)
        {
            string path = type == "snapshot" ? _world.Snapshot($"r{round}") : _world.Disk($"r{round}");
            Task<ArmResponse> creation = Arm.PutAsync(path, type == "snapshot" ? World.SnapshotBody(source) : World.DiskBody($"\"createOption\":\"Copy\",\"sourceResourceId\":\"{source}\""));
            foreach (ArmResponse change in await Task.WhenAll(Enumerable.Range(0, senders).Select(_ => ChangeAsync(path, creation))))
            {
                change.Status.ShouldBe(202, $"round {round}: {change.Text}");
                (await Arm.FinishAsync(change))["status"].ShouldBe("Succeeded", $"round {round}");
            }
            await Arm.SucceedAsync(creation);
            ArmResponse shown = (await Arm.GetAsync(path)).Expect(200);
            shown["properties.provisioningState"].ShouldBe("Succeeded", $"round {round}");
            shown["properties.diskSizeGB"].ShouldBe("2", $"round {round}");
            shown["tags.a"].ShouldBe("b", $"round {round}");
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{besideCreation} of {rounds * senders} changes were accepted before the creation had answered.");

        async Task<ArmResponse> ChangeAsync(string path, Task<ArmResponse> creation)
        {
            ArmResponse change;
            do
                // Grows, which needs the bytes that the creation makes.
                change = await Arm.PatchAsync(path, """{"tags":{"a":"b"},"properties":{"diskSizeGB":2}}""");
            while (change.Status == 404);
            if (!creation.IsCompleted)
                Interlocked.Increment(ref besideCreation);
            return change;
        }
    }

    [Fact]
    public async Task A_deleted_disk_has_no_access_granted_beside_its_deletion()
    {
        for (int round = 0; round < Rounds; round++)
        {
            string disk = await _world.EmptyDiskAsync($"d{round}");
            Task<ArmResponse> grant = Arm.PostAsync($"{disk}/beginGetAccess", """{"access":"Read","durationInSeconds":600}""");
            Task<ArmResponse> delete = Arm.DeleteAsync(disk);
            bool granted = await SucceedsAsync(await grant), deleted = await SucceedsAsync(await delete);
            (granted && deleted).ShouldBeFalse("a SAS to nothing");
            (await Arm.GetAsync(disk)).Status.ShouldBe(deleted ? 404 : 200);
        }
    }

    [Fact]
    public async Task The_limit_of_active_SAS_of_a_disk_holds_when_all_are_asked_for_at_once()
    {
        string collection = await _world.CollectionAsync("c", await _world.VmAsync("vm", await _world.EmptyDiskAsync("os")));
        List<string> points = [];
        for (int i = 0; i < 8; i++)
            points.Add(World.OsDiskPoint(await _world.PointAsync(collection, $"p{i}")));
        ArmResponse[] answers = await Task.WhenAll(points.Select(point => Arm.PostAsync($"{point}/beginGetAccess", """{"access":"Read","durationInSeconds":600}""")));
        bool[] granted = await Task.WhenAll(answers.Select(SucceedsAsync));
        granted.Count(yes => yes).ShouldBe(5);
    }

    [Fact]
    public async Task Resetting_one_subscription_disturbs_no_transfer_of_another()
    {
        RawBlob guest = await _world.GuestAsync(await _world.EmptyDiskAsync("os"));
        byte[] page = Encoding.ASCII.GetBytes(new string('x', 4096));
        using var stop = new CancellationTokenSource();
        Task resets = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/emulator/reset?subscription={Guid.NewGuid()}"))).Expect(204);
        }, TestContext.Current.CancellationToken);
        for (int i = 0; i < 200; i++)
            await guest.WriteAsync(i * 4096L, page);
        await stop.CancelAsync();
        await resets;
    }

    private async Task<bool> SucceedsAsync(ArmResponse accepted)
    {
        if (accepted.Status >= 400)
            return false;
        ArmResponse final = await Arm.FinishAsync(accepted);
        return final["status"] == "Succeeded";
    }
}
