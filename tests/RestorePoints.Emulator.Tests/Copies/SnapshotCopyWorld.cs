using System.Diagnostics;

namespace RestorePoints.Emulator.Tests.Copies;

/// <summary>A disk in westeurope whose incremental snapshots are copied to northeurope by CopyStart.</summary>
internal sealed class SnapshotCopyWorld
{
    public const string Target = CopyWorld.Target;

    /// <summary>What the disk has at first.</summary>
    public static readonly byte[] Data = World.Noise(3, (int)World.UploadBytes);

    public required World World { get; init; }
    public required string Disk { get; init; }

    public RawArm Arm => World.Arm;

    public static async Task<SnapshotCopyWorld> CreateAsync(RawArm arm)
    {
        World world = await World.CreateAsync(arm);
        return new SnapshotCopyWorld { World = world, Disk = await world.UploadDiskAsync("disk", Data) };
    }

    /// <param name="more">Further properties, with a comma before each.</param>
    public static string Body(string source, string more = ",\"incremental\":true", string location = Target) =>
        $$$"""{"location":"{{{location}}}","properties":{"creationData":{"createOption":"CopyStart","sourceResourceId":"{{{source}}}"}{{{more}}}} }""";

    /// <summary>An incremental snapshot in the region of the disk.</summary>
    public Task<string> SnapshotAsync(string name) => World.SnapshotAsync(name, Disk, incremental: true);

    /// <summary>Follows the initiation; the bytes may still be on their way.</summary>
    public async Task<string> StartAsync(string name, string source, string location = Target)
    {
        await Arm.SucceedAsync(Arm.PutAsync(World.Snapshot(name), Body(source, location: location)));
        return World.Snapshot(name);
    }

    /// <summary>Waits for the last byte as a client does.</summary>
    public async Task<string> CopyAsync(string name, string source, string location = Target)
    {
        await EndedAsync(await StartAsync(name, source, location));
        return World.Snapshot(name);
    }

    /// <summary>Waits until the copy is complete or has failed.</summary>
    public Task<ArmResponse> EndedAsync(string snapshot) =>
        SeenAsync(snapshot, shown => shown["properties.completionPercent"] == "100.0" || shown["properties.provisioningState"] == "Failed");

    public async Task<ArmResponse> SeenAsync(string snapshot, Predicate<ArmResponse> enough)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            ArmResponse shown = (await Arm.GetAsync(snapshot)).Expect(200);
            if (enough(shown))
                return shown;
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(60))
                throw new TimeoutException(shown.Text);
        }
    }
}
