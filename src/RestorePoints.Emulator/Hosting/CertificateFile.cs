using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RestorePoints.Emulator.Hosting;

/// <summary>A certificate and its private key as two PEM files, <c>{name}.pem</c> and <c>{name}.key.pem</c>, the key with mode 0600.</summary>
public sealed class CertificateFile(string directory, string name)
{
    public string CertificatePath { get; } = Path.Combine(directory, name + ".pem");
    public string KeyPath { get; } = Path.Combine(directory, name + ".key.pem");

    /// <summary>Null when there is none, or a pair that does not belong together: what a kill between the two writes leaves.</summary>
    public X509Certificate2? TryLoad()
    {
        if (!File.Exists(CertificatePath) || !File.Exists(KeyPath))
            return null;
        try
        {
            return X509Certificate2.CreateFromPemFile(CertificatePath, KeyPath);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Replaces both files, the key first: a certificate that is there was published whole.</summary>
    public void Save(X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        Replace(KeyPath, key.ExportPkcs8PrivateKeyPem(), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Replace(CertificatePath, certificate.ExportCertificatePem(),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    /// <summary>The mode is set when the file is made, so that no moment shows the key to others.</summary>
    private static void Replace(string path, string pem, UnixFileMode mode)
    {
        string temporary = path + ".new";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = mode;
        using (var writer = new StreamWriter(temporary, options))
        {
            writer.WriteLine(pem);
            writer.Flush();
            ((FileStream)writer.BaseStream).Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }
}
