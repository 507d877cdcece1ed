using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>What a disk, snapshot or disk restore point asks of a caller beside its SAS. Part of the resource, so a change holds for URLs that exist.</summary>
/// <param name="NetworkAccessPolicy">AllowAll (or null), AllowPrivate, DenyAll.</param>
/// <param name="PublicNetworkAccess">Enabled (or null), Disabled.</param>
/// <param name="NeedsToken">dataAccessAuthMode is AzureActiveDirectory.</param>
public sealed record AccessRules(string? NetworkAccessPolicy, string? PublicNetworkAccess, bool NeedsToken)
{
    public static AccessRules Open { get; } = new(null, null, NeedsToken: false);

    public static AccessRules Of(Disk disk) => OfDisk(disk.NetworkAccessPolicy, disk.PublicNetworkAccess, disk.Settings);

    public static AccessRules Of(Snapshot snapshot) => OfSnapshot(snapshot.NetworkAccessPolicy, snapshot.PublicNetworkAccess, snapshot.Settings);

    public static AccessRules OfDisk(string? networkAccessPolicy, string? publicNetworkAccess, string? settings) =>
        new(networkAccessPolicy, publicNetworkAccess, IsEntra(settings is null ? null : DiskModel.Kept(settings).Properties?.DataAccessAuthMode));

    public static AccessRules OfSnapshot(string? networkAccessPolicy, string? publicNetworkAccess, string? settings) =>
        new(networkAccessPolicy, publicNetworkAccess, IsEntra(settings is null ? null : SnapshotModel.Kept(settings).Properties?.DataAccessAuthMode));

    /// <summary>
    /// Who may come. AllowPrivate: through a private endpoint. DenyAll: nobody may export. Disabled with AllowAll: nobody, since only AllowPrivate
    /// has a disk access and with it a private endpoint. The guest of a disk is no caller from a network.
    /// </summary>
    public CallerNetwork Admits(AccessKind kind) => kind switch
    {
        AccessKind.Guest => CallerNetwork.Any,
        _ when NetworkAccessPolicy == "AllowPrivate" => CallerNetwork.Private,
        AccessKind.Read when NetworkAccessPolicy == "DenyAll" => CallerNetwork.None,
        _ => PublicNetworkAccess == "Disabled" ? CallerNetwork.None : CallerNetwork.Any,
    };

    private static bool IsEntra(string? mode) => "AzureActiveDirectory".Equals(mode, StringComparison.OrdinalIgnoreCase);
}

public enum CallerNetwork
{
    Any,

    /// <summary>One of the setting <c>PrivateNetworks</c>.</summary>
    Private,

    None,
}
