namespace RestorePoints.Emulator;

/// <summary>
/// The settings of the section <c>Emulator</c>: appsettings.json beside the program, environment (<c>Emulator__HttpPort</c>), command line
/// (<c>--Emulator:HttpPort=…</c>). Validated at start.
/// </summary>
public sealed class EmulatorOptions
{
    public const string Section = "Emulator";

    /// <summary>Port of plain HTTP: a number, <c>0</c> = off, <c>auto</c> = any free one.</summary>
    public string HttpPort { get; set; } = "11000";

    /// <summary>Port of TLS, as <see cref="HttpPort"/>.</summary>
    public string HttpsPort { get; set; } = "11001";

    /// <summary><c>localhost</c> = 127.0.0.1 and ::1; else one IP address.</summary>
    public string BindAddress { get; set; } = "localhost";

    /// <summary>Where metadata, disk data and the certificate live; relative to the caller's directory.</summary>
    public string DataDirectory { get; set; } = ".restorepoints";

    public EmulatorProfile Profile { get; set; } = EmulatorProfile.Fast;

    /// <summary><c>Process</c>: an acknowledged write survives kill -9. <c>Power</c>: it survives power loss.</summary>
    public SnapshotEngine.Durability Durability { get; set; } = SnapshotEngine.Durability.Process;

    /// <summary>What <c>GET /subscriptions</c> lists; with none given, one default subscription.</summary>
    public List<SubscriptionOptions> Subscriptions { get; set; } = [];

    public TlsOptions Tls { get; set; } = new();

    public LimitOptions Limits { get; set; } = new();

    /// <summary><see cref="DataDirectory"/> as an absolute path.</summary>
    public string DataDirectoryPath => Path.GetFullPath(DataDirectory);
}

public enum EmulatorProfile
{
    /// <summary>Operations as fast as the engine, <c>Retry-After: 1</c> everywhere, no throttling.</summary>
    Fast,

    /// <summary>Recorded durations and limits of Azure.</summary>
    Azure,
}

public sealed class SubscriptionOptions
{
    public Guid Id { get; set; }
    public Guid TenantId { get; set; }
    public string DisplayName { get; set; } = "RestorePoints";
}

public sealed class TlsOptions
{
    /// <summary>Further DNS names or IP addresses in the certificate that is made at first start.</summary>
    public List<string> Names { get; set; } = [];

    /// <summary>An own certificate (PEM) instead; needs <see cref="KeyPath"/>.</summary>
    public string? CertificatePath { get; set; }
    public string? KeyPath { get; set; }
}

/// <summary>0 = no limit.</summary>
public sealed class LimitOptions
{
    /// <summary>Restore points of one virtual machine over all collections.</summary>
    public int RestorePointsPerVm { get; set; } = 500;

    /// <summary>Snapshots of one family (the disk restore points of one disk) with an active SAS.</summary>
    public int SasPerFamily { get; set; } = 5;

    /// <summary>Longest duration of a SAS, in seconds (60 days).</summary>
    public int SasSeconds { get; set; } = 5_184_000;

    public int CollectionsPerRegion { get; set; } = 10_000;
}
