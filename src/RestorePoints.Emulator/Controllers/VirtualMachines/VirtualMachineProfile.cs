using System.Text.Json;
using System.Text.Json.Nodes;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>The part of a virtual machine's <c>properties</c> that has a meaning here; the rest is echoed. Reading it checks the types.</summary>
public sealed record VirtualMachineProfile
{
    public JsonObject? HardwareProfile { get; init; }
    public StorageProfile? StorageProfile { get; init; }
    public OsProfile? OsProfile { get; init; }
    public JsonObject? NetworkProfile { get; init; }
    public JsonObject? SecurityProfile { get; init; }
    public JsonObject? DiagnosticsProfile { get; init; }
    public string? LicenseType { get; init; }
    public string? UserData { get; init; }

    public static VirtualMachineProfile Read(JsonObject properties)
    {
        try
        {
            return properties.Deserialize<VirtualMachineProfile>(ArmJson.OptionsFor(""))!;
        }
        catch (JsonException fault)
        {
            throw ArmErrors.InvalidRequestContent(ArmJson.Describe(fault, "properties")).AsException();
        }
    }
}

public sealed record OsProfile
{
    public string? ComputerName { get; init; }
    public JsonObject? WindowsConfiguration { get; init; }
    public JsonObject? LinuxConfiguration { get; init; }
}

public sealed record StorageProfile
{
    public VirtualMachineDisk? OsDisk { get; init; }
    public IReadOnlyList<VirtualMachineDisk>? DataDisks { get; init; }
    public string? DiskControllerType { get; init; }
}

/// <summary>An entry of <c>osDisk</c> or <c>dataDisks</c>.</summary>
public sealed record VirtualMachineDisk
{
    /// <summary>0 to 63; absent on an OS disk.</summary>
    public int? Lun { get; init; }
    public string? Name { get; init; }
    public string? CreateOption { get; init; }
    public string? OsType { get; init; }
    public string? Caching { get; init; }
    public bool? WriteAcceleratorEnabled { get; init; }
    public long? DiskSizeGB { get; init; }
    public ManagedDiskParameters? ManagedDisk { get; init; }

    /// <summary>Of a data disk by Copy: a disk or snapshot; by Restore: a disk restore point.</summary>
    public ApiEntityReference? SourceResource { get; init; }

    /// <summary>Of an unmanaged disk, which is refused.</summary>
    public JsonObject? Vhd { get; init; }
    public string? DeleteOption { get; init; }
    public bool? ToBeDetached { get; init; }
}

public sealed record ManagedDiskParameters
{
    public string? Id { get; init; }
    public string? StorageAccountType { get; init; }
    public ApiEntityReference? DiskEncryptionSet { get; init; }
}
