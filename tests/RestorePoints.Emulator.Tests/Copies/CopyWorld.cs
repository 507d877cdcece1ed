using System.Diagnostics;

namespace RestorePoints.Emulator.Tests.Copies;

/// <summary>A machine in westeurope with an OS disk and a data disk, a collection of it, and a collection in northeurope that takes copies.</summary>
internal sealed class CopyWorld
{
    public const string Target = "northeurope";

    /// <summary>What the OS disk has at first.</summary>
    public static readonly byte[] Os = World.Noise(1, (int)World.UploadBytes);

    /// <summary>What the data disk has at first.</summary>
    public static readonly byte[] Data = World.Noise(2, (int)World.UploadBytes);

    public required World World { get; init; }
    public required string OsDisk { get; init; }
    public required string DataDisk { get; init; }
    public required string Source { get; init; }
    public required string Copies { get; init; }

    public RawArm Arm => World.Arm;

    public static async Task<CopyWorld> CreateAsync(RawArm arm)
    {
        World world = await World.CreateAsync(arm);
        string os = await world.UploadDiskAsync("os", Os), data = await world.UploadDiskAsync("data", Data);
        string source = await world.CollectionAsync("source", await world.VmAsync("vm", os, data));
        var copies = new CopyWorld { World = world, OsDisk = os, DataDisk = data, Source = source, Copies = world.Collection("copies") };
        (await arm.PutAsync(copies.Copies, CollectionBody(source))).Expect(201);
        return copies;
    }

    public static string CollectionBody(string source, string location = Target) => $$$"""{"location":"{{{location}}}","properties":{"source":{"id":"{{{source}}}"}} }""";

    public static string CopyBody(string sourcePoint, string more = "") => $$$"""{"properties":{"sourceRestorePoint":{"id":"{{{sourcePoint}}}"}{{{more}}}} }""";

    public string SourcePoint(string name) => World.Point(Source, name);

    public string Copy(string name) => World.Point(Copies, name);

    /// <summary>Follows the initiation; the bytes may still be on their way.</summary>
    public async Task<ArmResponse> StartCopyAsync(string name, string sourcePoint)
    {
        await Arm.SucceedAsync(Arm.PutAsync(Copy(name), CopyBody(sourcePoint)));
        return (await Arm.GetAsync(Copy(name))).Expect(200);
    }

    /// <summary>Waits until the copy is no longer Creating.</summary>
    public async Task InitiatedAsync(string copy)
    {
        long started = Stopwatch.GetTimestamp();
        while ((await Arm.GetAsync(copy)).Expect(200)["properties.provisioningState"] == "Creating")
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(60))
                throw new TimeoutException($"{copy} is still being initiated.");
    }

    /// <summary>Waits for the last byte as a client does, by the instance view.</summary>
    public async Task<ArmResponse> CopyAsync(string name, string sourcePoint)
    {
        await StartCopyAsync(name, sourcePoint);
        return await CompletedAsync(Copy(name));
    }

    public async Task<ArmResponse> CompletedAsync(string copy)
    {
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60))
        {
            ArmResponse point = (await Arm.GetAsync(copy, "$expand=instanceView")).Expect(200);
            if (point["properties.instanceView.statuses.0.code"] is not "ReplicationState/replicating")
                return point;
        }
        throw new TimeoutException($"{copy} is still replicating.");
    }
}
