using System.Text;
using System.Xml.Linq;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.BadInput;

/// <summary>
/// Two equal machines with a restore point each: requests are thrown at the first one (<see cref="World"/>), the second one
/// must never change.
/// </summary>
public sealed class Canary(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _untouched = null!;
    private string _before = "";

    public World World { get; private set; } = null!;
    public string Disk { get; private set; } = "";
    public string FreeDisk { get; private set; } = "";
    public string ManagedSnapshot { get; private set; } = "";
    public string Vm { get; private set; } = "";
    public string Collection { get; private set; } = "";
    public string Point { get; private set; } = "";
    public string DiskPoint { get; private set; } = "";
    public RawBlob Guest { get; private set; } = null!;
    public RawBlob ReadOnly { get; private set; } = null!;
    public RawBlob Snapshot { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        World = await World.CreateAsync(fixture);
        _untouched = await World.CreateAsync(fixture);
        foreach (World world in new[] { _untouched, World })
        {
            Disk = await world.UploadDiskAsync("os", World.Noise(51, (int)World.UploadBytes));
            FreeDisk = await world.UploadDiskAsync("free", World.Noise(52, (int)World.UploadBytes));
            ManagedSnapshot = await world.SnapshotAsync("s", FreeDisk, incremental: true);
            Vm = await world.VmAsync("vm", Disk);
            Collection = await world.CollectionAsync("c", Vm);
            Point = World.Point(Collection, "p");
            DiskPoint = World.OsDiskPoint(await world.PointAsync(Collection, "p"));
        }
        Guest = await World.GuestAsync(Disk);
        ReadOnly = World.Blob(await World.Arm.GrantAsync(FreeDisk));
        Snapshot = World.Blob(await World.Arm.GrantAsync(DiskPoint));
        _before = await StateAsync(_untouched);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public async Task ShouldBeUnchangedAsync() => (await StateAsync(_untouched)).ShouldBe(_before);

    /// <summary>Everything of one subscription: resources as text, bytes as hash.</summary>
    public static async Task<string> StateAsync(World world)
    {
        RawArm arm = world.Arm;
        var state = new StringBuilder();
        foreach (string path in new[]
        {
            world.Group, $"{world.Compute}/disks", $"{world.Compute}/snapshots", $"{world.Compute}/virtualMachines", $"{world.Compute}/restorePointCollections",
            world.Disk("os"), world.Disk("free"), world.Snapshot("s"), world.Vm("vm"), world.Collection("c"), World.Point(world.Collection("c"), "p"),
        })
        {
            state.AppendLine((await arm.GetAsync(path)).Expect(200).Text);
        }
        foreach (string disk in new[] { world.Disk("os"), world.Disk("free") })
            state.AppendLine(await (await world.GuestAsync(disk)).ContentHashAsync(World.UploadBytes));
        return state.ToString();
    }

    /// <summary>An error of ARM: a 4xx with the envelope and the usual headers.</summary>
    public static void ShouldBeRefused(ArmResponse answer, int? status = null, string? code = null)
    {
        if (status is null)
            answer.Status.ShouldBeInRange(400, 499, $"{answer.Request}: {answer.Text}");
        else
            answer.Status.ShouldBe(status.Value, $"{answer.Request}: {answer.Text}");
        answer.Header("Content-Type").ShouldNotBeNull($"{answer.Request}: HTTP {answer.Status} without a body").ShouldStartWith("application/json");
        answer["error.code"].ShouldNotBeNullOrEmpty($"{answer.Request}: {answer.Text}");
        answer["error.message"].ShouldNotBeNullOrEmpty($"{answer.Request}: {answer.Text}");
        answer.Header("x-ms-request-id").ShouldNotBeNullOrEmpty();
        if (code is not null)
            answer.ErrorCode.ShouldBe(code, $"{answer.Request}: {answer.Text}");
    }

    /// <summary>An error of the blob service: a 4xx with the XML body and its code in a header.</summary>
    public static async Task ShouldBeStorageErrorAsync(HttpResponseMessage answer, int? status = null, string? code = null)
    {
        string text = await answer.Content.ReadAsStringAsync(), request = $"{answer.RequestMessage!.Method} {answer.RequestMessage.RequestUri}";
        if (status is null)
            ((int)answer.StatusCode).ShouldBeInRange(400, 499, $"{request}: {text}");
        else
            ((int)answer.StatusCode).ShouldBe(status.Value, $"{request}: {text}");
        string header = answer.Headers.TryGetValues("x-ms-error-code", out IEnumerable<string>? values) ? values.Single() : throw new ShouldAssertException($"{request}: HTTP {(int)answer.StatusCode} without x-ms-error-code: {text}");
        if (code is not null)
            header.ShouldBe(code, text);
        if (answer.RequestMessage.Method == HttpMethod.Head)
        {
            text.ShouldBeEmpty();
            return;
        }
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/xml");
        XElement error = XDocument.Parse(text.TrimStart('\uFEFF')).Root!;
        error.Name.LocalName.ShouldBe("Error");
        error.Element("Code")!.Value.ShouldBe(header);
        error.Element("Message")!.Value.ShouldNotBeEmpty();
    }
}
