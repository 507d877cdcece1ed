using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>fileFormat and getSecureVMGuestStateSAS of beginGetAccess, alike for disks, snapshots and disk restore points.</summary>
public sealed class FileFormatTests(EmulatorFixture fixture) : IAsyncLifetime
{
    private World _world = null!;
    private Dictionary<string, string> _resources = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.CreateAsync(fixture);
        string vm = await _world.VmAsync("vm", await _world.EmptyDiskAsync("os"));
        string disk = await _world.EmptyDiskAsync("disk");
        _resources = new()
        {
            ["disk"] = disk,
            ["snapshot"] = await _world.SnapshotAsync("snapshot", disk),
            ["disk restore point"] = World.OsDiskPoint(await _world.PointAsync(await _world.CollectionAsync("c", vm), "p")),
        };
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public static TheoryData<string, string> Known => new(
        from resource in new[] { "disk", "snapshot", "disk restore point" }
        from version in new[] { "2023-01-02", "2023-10-02", "2026-03-02" }
        select (resource, version));

    [Theory]
    [MemberData(nameof(Known))]
    public async Task VHD_is_given_and_VHDX_and_the_guest_state_are_refused(string resource, string version)
    {
        foreach (string more in new[] { ",\"fileFormat\":\"VHDX\"", ",\"fileFormat\":\"vhdx\"", ",\"fileFormat\":\"RAW\"", ",\"getSecureVMGuestStateSAS\":true" })
        {
            ArmResponse refused = await GrantAsync(resource, version, more);
            (refused.Status, refused.ErrorCode, refused["error.target"]).ShouldBe((400, "InvalidParameter", more.Split('"')[1]), refused.Text);
        }
        foreach (string more in new[] { "", ",\"fileFormat\":\"VHD\"", ",\"fileFormat\":\"vhd\"", ",\"getSecureVMGuestStateSAS\":false" })
        {
            ArmResponse final = await _world.Arm.FinishAsync((await GrantAsync(resource, version, more)).Expect(202));
            RawBlob blob = _world.Blob(final["properties.output.accessSAS"]!);
            (await blob.ReadAsync(1L << 30, 512)).AsSpan(0, 8).ToArray().ShouldBe("conectix"u8.ToArray());
        }
    }

    [Theory]
    [InlineData("disk")]
    [InlineData("snapshot")]
    [InlineData("disk restore point")]
    public async Task An_older_version_knows_no_file_format(string resource)
    {
        ArmResponse final = await _world.Arm.FinishAsync((await GrantAsync(resource, "2022-07-02", ",\"fileFormat\":\"VHDX\"")).Expect(202));
        final["status"].ShouldBe("Succeeded", "a property that a version does not have is not read");
    }

    private Task<ArmResponse> GrantAsync(string resource, string version, string more) =>
        _world.Arm.SendAsync(HttpMethod.Post, $"{_resources[resource]}/beginGetAccess", $$"""{"access":"Read","durationInSeconds":600{{more}}}""", apiVersion: version);
}
