using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RestorePoints.Emulator.Hosting;

/// <summary>Makes the certificates of one data directory: an own CA and the server's leaf under it, both ECDSA P-256.</summary>
public static class CertificateAuthority
{
    /// <summary>Clients refuse leaves that are valid for longer than 398 days.</summary>
    public static readonly TimeSpan LeafLifetime = TimeSpan.FromDays(397);

    private static readonly TimeSpan CaLifetime = TimeSpan.FromDays(3650);

    /// <summary>Clients whose clock is a little behind must not find the certificate "not yet valid". Part of the lifetime.</summary>
    private static readonly TimeSpan Backdating = TimeSpan.FromDays(1);

    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");

    /// <summary>The subject differs per data directory: a client that trusts several must be able to tell them apart.</summary>
    public static X509Certificate2 CreateAuthority(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] serial = NewSerial();
        var request = new CertificateRequest($"O=RestorePoints, CN=RestorePoints emulator CA {Convert.ToHexStringLower(serial.AsSpan(0, 4))}", key, HashAlgorithmName.SHA256);
        var subjectKey = new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority(pathLengthConstraint: 0));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(subjectKey);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(subjectKey));
        DateTimeOffset notBefore = now - Backdating;
        using X509Certificate2 bare = request.Create(request.SubjectName, X509SignatureGenerator.CreateForECDsa(key), notBefore, notBefore + CaLifetime, serial);
        return bare.CopyWithPrivateKey(key);
    }

    public static X509Certificate2 IssueServer(X509Certificate2 authority, IEnumerable<string> names, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([ServerAuthentication], critical: false));
        request.CertificateExtensions.Add(AlternativeNames(names));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        DateTimeOffset notBefore = now - Backdating;
        using X509Certificate2 bare = request.Create(authority, notBefore, notBefore + LeafLifetime - TimeSpan.FromSeconds(1), NewSerial());
        return bare.CopyWithPrivateKey(key);
    }

    /// <summary>Whether a client that trusts only <paramref name="authority"/> accepts the leaf at that time.</summary>
    public static bool IsIssuedBy(X509Certificate2 authority, X509Certificate2 leaf, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        return chain.Build(leaf);
    }

    /// <summary>The DNS names and addresses of a certificate, in the form that <see cref="IssueServer"/> takes.</summary>
    public static HashSet<string> NamesOf(X509Certificate2 certificate)
    {
        X509SubjectAlternativeNameExtension? names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        return names is null ? [] : [.. names.EnumerateDnsNames(), .. names.EnumerateIPAddresses().Select(address => address.ToString())];
    }

    private static X509Extension AlternativeNames(IEnumerable<string> names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (string name in names)
            if (IPAddress.TryParse(name, out IPAddress? address))
                builder.AddIpAddress(address);
            else
                builder.AddDnsName(name);
        return builder.Build();
    }

    /// <summary>128 random bits, positive as a number.</summary>
    private static byte[] NewSerial()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        return serial;
    }
}
