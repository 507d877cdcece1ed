using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.VhdImports;

namespace RestorePoints.Emulator;

/// <summary>What the values of the settings must keep, each by itself and together; runs at start, before anything is opened.</summary>
public sealed class EmulatorOptionsValidator : IValidateOptions<EmulatorOptions>
{
    public ValidateOptionsResult Validate(string? name, EmulatorOptions options)
    {
        string[] faults = [.. Endpoints(options), .. Subscriptions(options.Subscriptions), .. Tls(options.Tls), .. PrivateNetworks(options.PrivateNetworks), .. Limits(options.Limits), .. ImportRoots(options.ImportRoots)];
        return faults.Length == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(faults.Select(fault => $"{EmulatorOptions.Section}:{fault}"));
    }

    private static IEnumerable<string> Endpoints(EmulatorOptions options)
    {
        if (!IsPort(options.HttpPort))
            yield return $"HttpPort={options.HttpPort} is not allowed; allowed are 1 to 65535, 0 (off) and auto (any free port).";
        if (!IsPort(options.HttpsPort))
            yield return $"HttpsPort={options.HttpsPort} is not allowed; allowed are 1 to 65535, 0 (off) and auto (any free port).";
        if (options is { HttpPort: "0", HttpsPort: "0" })
            yield return "HttpPort and Emulator:HttpsPort are both 0 (off); at least one must be on.";
        else if (options.HttpPort == options.HttpsPort && options.HttpPort != "auto")
            yield return $"HttpPort and Emulator:HttpsPort are both {options.HttpPort}; they must differ.";
        if (options.BindAddress != "localhost" && !IPAddress.TryParse(options.BindAddress, out _))
            yield return $"BindAddress={options.BindAddress} is not allowed; allowed are localhost and an IP address, such as 127.0.0.1 or 0.0.0.0.";
        if (string.IsNullOrWhiteSpace(options.DataDirectory))
            yield return "DataDirectory is empty; allowed is a path.";
        if (options.SeedPath is { } seed && !File.Exists(seed))
            yield return $"Seed={seed} is no file.";
    }

    private static bool IsPort(string value) =>
        value == "auto" || (ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && value == port.ToString(CultureInfo.InvariantCulture));

    private static IEnumerable<string> Subscriptions(List<SubscriptionOptions> subscriptions)
    {
        for (int i = 0; i < subscriptions.Count; i++)
        {
            if (subscriptions[i].Id == Guid.Empty)
                yield return $"Subscriptions:{i}:Id is missing; allowed is a GUID other than zero.";
            else if (subscriptions.FindIndex(other => other.Id == subscriptions[i].Id) < i)
                yield return $"Subscriptions:{i}:Id={subscriptions[i].Id} is given twice.";
            if (subscriptions[i].TenantId == Guid.Empty)
                yield return $"Subscriptions:{i}:TenantId is zero; allowed is a GUID other than zero.";
            if (string.IsNullOrWhiteSpace(subscriptions[i].DisplayName))
                yield return $"Subscriptions:{i}:DisplayName is empty; leave it out or give a name.";
        }
    }

    private static IEnumerable<string> Tls(TlsOptions tls)
    {
        if (string.IsNullOrEmpty(tls.CertificatePath) != string.IsNullOrEmpty(tls.KeyPath))
            yield return "Tls:CertificatePath and Emulator:Tls:KeyPath belong together; one of them is missing.";
        if (!string.IsNullOrEmpty(tls.CertificatePath) && !File.Exists(tls.CertificatePath))
            yield return $"Tls:CertificatePath={tls.CertificatePath} is no file.";
        if (!string.IsNullOrEmpty(tls.KeyPath) && !File.Exists(tls.KeyPath))
            yield return $"Tls:KeyPath={tls.KeyPath} is no file.";
        if (!string.IsNullOrEmpty(tls.CertificatePath) && tls.Names.Count > 0)
            yield return "Tls:Names has no effect on the certificate of Emulator:Tls:CertificatePath; leave one of them out.";
        for (int i = 0; i < tls.Names.Count; i++)
            if (!IsCertificateName(tls.Names[i]))
                yield return $"Tls:Names:{i}={tls.Names[i]} is not allowed; allowed are DNS names, with *. in front for all below, and IP addresses.";
    }

    private static bool IsCertificateName(string name) =>
        Uri.CheckHostName(name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name) is UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6
        && name.All(char.IsAscii);

    private static IEnumerable<string> PrivateNetworks(List<string> networks)
    {
        for (int i = 0; i < networks.Count; i++)
            if (!IPNetwork.TryParse(networks[i], out _))
                yield return $"PrivateNetworks:{i}={networks[i]} is not allowed; allowed are networks such as 10.1.0.0/16, 192.0.2.7/32 and fd00::/8.";
    }

    private static IEnumerable<string> Limits(LimitOptions limits)
    {
        if (limits.RestorePointsPerVm < 0)
            yield return LimitFault(nameof(limits.RestorePointsPerVm), limits.RestorePointsPerVm);
        if (limits.SasPerFamily < 0)
            yield return LimitFault(nameof(limits.SasPerFamily), limits.SasPerFamily);
        if (limits.SasSeconds < 0)
            yield return LimitFault(nameof(limits.SasSeconds), limits.SasSeconds);
        if (limits.CollectionsPerRegion < 0)
            yield return LimitFault(nameof(limits.CollectionsPerRegion), limits.CollectionsPerRegion);
        if (limits.SnapshotCopiesPerRegion < 0)
            yield return LimitFault(nameof(limits.SnapshotCopiesPerRegion), limits.SnapshotCopiesPerRegion);
        if (limits.InstantAccessPerRegion < 0)
            yield return LimitFault(nameof(limits.InstantAccessPerRegion), limits.InstantAccessPerRegion);
        if (limits.PendingPerDisk < 0)
            yield return LimitFault(nameof(limits.PendingPerDisk), limits.PendingPerDisk);
        if (limits.BackgroundCopies < 0)
            yield return LimitFault(nameof(limits.BackgroundCopies), limits.BackgroundCopies);
    }

    private static IEnumerable<string> ImportRoots(List<string> roots)
    {
        for (int i = 0; i < roots.Count; i++)
        {
            if (ImportRoot.TryParse(roots[i]) is not { } root)
                yield return $"ImportRoots:{i} is not allowed; allowed are a folder and an http:// or https:// URL without user, query and fragment.";
            else if (root.Folder is not null && !Directory.Exists(root.Folder))
                yield return $"ImportRoots:{i}={roots[i]} is no folder.";
        }
    }

    private static string LimitFault(string name, int value) => $"Limits:{name}={value} is not allowed; allowed are 0 (no limit) and more.";
}
