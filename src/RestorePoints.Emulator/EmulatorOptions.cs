using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator;

/// <summary>
/// The settings of the section <c>Emulator</c>: appsettings.json beside the program, environment (<c>Emulator__HttpPort</c>), command line
/// (<c>--Emulator:HttpPort=…</c>). Read by <see cref="EmulatorOptionsReader"/>, checked at start by <see cref="EmulatorOptionsValidator"/>.
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

    /// <summary>Default of the six settings that <see cref="ProfileDefaults"/> lists; each of them may still be set by itself.</summary>
    public EmulatorProfile Profile { get; set; } = EmulatorProfile.Fast;

    /// <summary><c>Process</c>: an acknowledged write survives kill -9. <c>Power</c>: it survives power loss.</summary>
    public Durability Durability { get; set; } = Durability.Process;

    /// <summary>Whether ARM calls need a token of this emulator.</summary>
    public AuthenticationMode Authentication { get; set; } = AuthenticationMode.Optional;

    /// <summary>How long operations take. Default by <see cref="Profile"/>.</summary>
    public OperationTimeMode OperationTime { get; set; } = OperationTimeMode.Immediate;

    /// <summary>Which answers carry <c>Retry-After</c>. Default by <see cref="Profile"/>.</summary>
    public RetryAfterMode RetryAfter { get; set; } = RetryAfterMode.Always;

    /// <summary>What an api-version newer than the newest known one gets. Default by <see cref="Profile"/>.</summary>
    public UnknownApiVersionMode UnknownApiVersion { get; set; } = UnknownApiVersionMode.Newest;

    /// <summary>What a subscription that <see cref="Subscriptions"/> does not list gets. Default by <see cref="Profile"/>.</summary>
    public UnknownSubscriptionMode UnknownSubscription { get; set; } = UnknownSubscriptionMode.Accept;

    /// <summary>Whether requests are throttled as Azure does. Default by <see cref="Profile"/>.</summary>
    public ThrottlingMode Throttling { get; set; } = ThrottlingMode.Off;

    /// <summary>Whether preview features need a registration first. Default by <see cref="Profile"/>.</summary>
    public FeaturesMode Features { get; set; } = FeaturesMode.Registered;

    /// <summary>What <c>GET /subscriptions</c> lists; with none given, one default subscription. Never empty once read.</summary>
    public List<SubscriptionOptions> Subscriptions { get; set; } = [];

    public TlsOptions Tls { get; set; } = new();

    /// <summary>CIDR networks whose callers count as coming through the private endpoint of a disk access; with none given, this machine's own addresses.</summary>
    public List<string> PrivateNetworks { get; set; } = [];

    public LimitOptions Limits { get; set; } = new();

    /// <summary>
    /// What <c>createOption: Import</c> may read: folders (a path, relative to the caller's directory, or <c>file:///</c>) with everything below them, and
    /// <c>http(s)</c> URLs with every path that begins with their segments.
    /// </summary>
    public List<string> ImportRoots { get; set; } = [];

    /// <summary>The subscription of the settings with this id; any other id belongs to the tenant of the first.</summary>
    public SubscriptionOptions SubscriptionOf(Guid id) => Subscriptions.Find(known => known.Id == id) ?? new SubscriptionOptions { Id = id, TenantId = Subscriptions[0].TenantId };

    /// <summary>An archive of <c>/emulator/state/export</c> that an empty world begins with, also after a reset; relative to the caller's directory. null: none.</summary>
    public string? Seed { get; set; }

    /// <summary><see cref="Seed"/> as an absolute path.</summary>
    public string? SeedPath => string.IsNullOrEmpty(Seed) ? null : Path.GetFullPath(Seed);

    /// <summary><see cref="DataDirectory"/> as an absolute path.</summary>
    public string DataDirectoryPath => Path.GetFullPath(DataDirectory);
}

public sealed class SubscriptionOptions
{
    /// <summary>The subscription that exists when none is configured.</summary>
    public static readonly Guid DefaultId = new("00000000-0000-0000-0000-000000000001");
    public static readonly Guid DefaultTenantId = new("00000000-0000-0000-0000-00000000000a");

    public Guid Id { get; set; }
    public Guid TenantId { get; set; } = DefaultTenantId;
    public string DisplayName { get; set; } = "RestorePoints";
}

public sealed class TlsOptions
{
    /// <summary>Further DNS names or IP addresses in the certificate that is made at first start.</summary>
    public List<string> Names { get; set; } = [];

    /// <summary>
    /// An own certificate instead (PEM, intermediate certificates after it); needs <see cref="KeyPath"/> and excludes <see cref="Names"/>.
    /// Relative to the caller's directory.
    /// </summary>
    public string? CertificatePath { get; set; }

    /// <summary>The private key of <see cref="CertificatePath"/> (PEM, not encrypted).</summary>
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

    /// <summary>Snapshots of one subscription that are copied to one region at the same time.</summary>
    public int SnapshotCopiesPerRegion { get; set; } = 100;

    /// <summary>Restore points with instant access that are being created, of one subscription in one region.</summary>
    public int InstantAccessPerRegion { get; set; } = 50;

    /// <summary>Points of one Ultra or Premium SSD v2 disk that are copied in the background.</summary>
    public int PendingPerDisk { get; set; } = 3;

    /// <summary>Disk restore points of one subscription that are copied in the background.</summary>
    public int BackgroundCopies { get; set; } = 50;
}
