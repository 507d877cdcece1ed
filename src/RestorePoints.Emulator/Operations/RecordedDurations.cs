namespace RestorePoints.Emulator.Operations;

/// <summary>
/// How long operations take on Azure, from startTime to endTime as recorded. What was not recorded takes as long as what is most like it; kinds that are not listed take as long as a small
/// call of the disk provider.
/// </summary>
public static class RecordedDurations
{
    /// <summary>Application-consistent, of a Windows machine.</summary>
    public static readonly TimeSpan WindowsRestorePoint = TimeSpan.FromSeconds(106);

    /// <summary>With instant access and a Premium SSD v2 disk.</summary>
    public static readonly TimeSpan InstantAccessRestorePoint = TimeSpan.FromMinutes(5);

    public static readonly TimeSpan VirtualMachineCreation = TimeSpan.FromSeconds(42.5);

    /// <summary>A disk or snapshot that is made empty or for an upload.</summary>
    public static readonly TimeSpan EmptyDisk = TimeSpan.FromSeconds(0.12);

    private static readonly TimeSpan SmallCall = TimeSpan.FromSeconds(0.15);

    private static readonly Dictionary<string, TimeSpan> ByKind = new()
    {
        [nameof(CreateRestorePoint)] = TimeSpan.FromSeconds(35.5),
        [nameof(CopyRestorePoint)] = TimeSpan.FromSeconds(5.7),
        [nameof(DeleteRestorePoint)] = TimeSpan.FromSeconds(10.1),
        [nameof(DeleteRestorePointCollection)] = TimeSpan.FromMilliseconds(31),
        [nameof(CreateDisk)] = TimeSpan.FromSeconds(0.58),
        [nameof(ImportDisk)] = TimeSpan.FromSeconds(0.58),
        [nameof(CreateSnapshot)] = TimeSpan.FromSeconds(0.75),
        [nameof(ImportSnapshot)] = TimeSpan.FromSeconds(0.75),
        [nameof(CopySnapshot)] = TimeSpan.FromSeconds(1.4),
        [nameof(GrantAccess)] = TimeSpan.FromSeconds(0.25),
        // Not recorded.
        [nameof(ReplicateDiskRestorePoint)] = TimeSpan.FromSeconds(60),
        [nameof(ReplicateSnapshot)] = TimeSpan.FromSeconds(60),
        [nameof(UpdateVirtualMachine)] = TimeSpan.FromSeconds(10),
        [nameof(ChangePowerState)] = TimeSpan.FromSeconds(10),
        [nameof(DeleteVirtualMachine)] = TimeSpan.FromSeconds(10),
        [nameof(DeleteResourceGroup)] = TimeSpan.FromSeconds(15),
    };

    public static TimeSpan Of(string kind) => ByKind.GetValueOrDefault(kind, SmallCall);
}
