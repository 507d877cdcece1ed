using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// The certificate that the TLS port shows: made at first start under an own CA in <c>{DataDirectory}/tls/</c> and renewed at start, or the
/// one of the settings. Lives by real time, whatever the emulator's clock says.
/// </summary>
public sealed class TlsCertificates : IDisposable
{
    /// <summary>A leaf with less left than this is renewed at start: an emulator may run for weeks.</summary>
    public static readonly TimeSpan RenewBefore = TimeSpan.FromDays(60);

    private static readonly string[] OwnNames = ["localhost", "127.0.0.1", "::1"];

    private TlsCertificates(X509Certificate2 server, X509Certificate2Collection intermediates, string? authorityPem)
    {
        Server = server;
        Intermediates = intermediates;
        AuthorityPem = authorityPem;
    }

    /// <summary>With its private key.</summary>
    public X509Certificate2 Server { get; }

    /// <summary>Sent after <see cref="Server"/>.</summary>
    public X509Certificate2Collection Intermediates { get; }

    /// <summary>The own CA's certificate; null with a certificate of the settings.</summary>
    public string? AuthorityPem { get; }

    /// <param name="dataDirectory">Held by this process.</param>
    /// <exception cref="StartException">A file cannot be read or written, or the certificate of the settings is none.</exception>
    public static TlsCertificates Open(string dataDirectory, EmulatorOptions options, TimeProvider realTime)
    {
        if (!string.IsNullOrEmpty(options.Tls.CertificatePath))
            return OpenGiven(options.Tls.CertificatePath, options.Tls.KeyPath!);
        string directory = Path.Combine(dataDirectory, "tls");
        try
        {
            return OpenOwn(directory, NamesFor(options), realTime.GetUtcNow());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"the certificate in {directory} cannot be read or made: {e.Message}", e);
        }
    }

    private static TlsCertificates OpenOwn(string directory, HashSet<string> names, DateTimeOffset now)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(directory);
        else
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var authorityFile = new CertificateFile(directory, "ca");
        var serverFile = new CertificateFile(directory, "server");

        X509Certificate2? authority = authorityFile.TryLoad();
        if (authority is null || authority.NotAfter.ToUniversalTime() < now.UtcDateTime + CertificateAuthority.LeafLifetime)
        {
            authority?.Dispose();
            authority = CertificateAuthority.CreateAuthority(now);
            authorityFile.Save(authority);
        }
        using (authority)
        {
            X509Certificate2? server = serverFile.TryLoad();
            if (server is null || !IsGood(server, authority, names, now))
            {
                server?.Dispose();
                server = CertificateAuthority.IssueServer(authority, names, now);
                serverFile.Save(server);
            }
            return new TlsCertificates(Usable(server), [], File.ReadAllText(authorityFile.CertificatePath));
        }
    }

    private static bool IsGood(X509Certificate2 server, X509Certificate2 authority, HashSet<string> names, DateTimeOffset now) =>
        server.NotAfter.ToUniversalTime() - RenewBefore > now.UtcDateTime
        && CertificateAuthority.NamesOf(server).SetEquals(names)
        && CertificateAuthority.IsIssuedBy(authority, server, now);

    private static TlsCertificates OpenGiven(string certificatePath, string keyPath)
    {
        try
        {
            X509Certificate2 server = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
            X509Certificate2Collection intermediates = [];
            intermediates.ImportFromPemFile(certificatePath);
            intermediates.RemoveAt(0);
            return new TlsCertificates(Usable(server), intermediates, authorityPem: null);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new StartException($"{EmulatorOptions.Section}:Tls:CertificatePath={certificatePath} with KeyPath={keyPath} cannot be used: {e.Message}", e);
        }
    }

    /// <summary>The names of the settings beside those that every emulator answers to, in the form that certificates give them back.</summary>
    private static HashSet<string> NamesFor(EmulatorOptions options)
    {
        HashSet<string> names = [.. OwnNames];
        if (IPAddress.TryParse(options.BindAddress, out IPAddress? bound) && !bound.Equals(IPAddress.Any) && !bound.Equals(IPAddress.IPv6Any))
            names.Add(bound.ToString());
        foreach (string name in options.Tls.Names)
            names.Add(IPAddress.TryParse(name, out IPAddress? address) ? address.ToString() : name.ToLowerInvariant());
        return names;
    }

    /// <summary>Windows' TLS takes no key that lives in memory alone.</summary>
    private static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        if (!OperatingSystem.IsWindows())
            return certificate;
        using (certificate)
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
    }

    public void Dispose()
    {
        Server.Dispose();
        foreach (X509Certificate2 certificate in Intermediates)
            certificate.Dispose();
    }
}
