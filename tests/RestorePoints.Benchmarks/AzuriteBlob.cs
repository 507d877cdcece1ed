using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace RestorePoints.Benchmarks;

/// <summary>A page blob in Azurite's development account, whose name and key are published, with an account SAS.</summary>
internal static class AzuriteBlob
{
    private const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    private const string Version = "2019-12-12";

    public static async Task<Uri> CreateAsync(Uri server, long lengthBytes)
    {
        string query = Sas(TimeProvider.System.GetUtcNow().AddDays(1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        using var wire = new HttpWire(server);
        await wire.SendAsync(HttpWire.Request("PUT", new Uri(server, $"/{Account}/disks?restype=container&{query}"), 0, ("x-ms-version", Version)), default, 201);
        var blob = new Uri(server, $"/{Account}/disks/disk?{query}");
        await wire.SendAsync(HttpWire.Request("PUT", blob, 0, ("x-ms-version", Version), ("x-ms-blob-type", "PageBlob"),
            ("x-ms-blob-content-length", lengthBytes.ToString(CultureInfo.InvariantCulture))), default, 201);
        return blob;
    }

    private static string Sas(string expiry)
    {
        string toSign = $"{Account}\nrwdlac\nb\nsco\n\n{expiry}\n\n\n{Version}\n";
        string signature = Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(Key), Encoding.UTF8.GetBytes(toSign)));
        return $"sv={Version}&ss=b&srt=sco&sp=rwdlac&se={Uri.EscapeDataString(expiry)}&sig={Uri.EscapeDataString(signature)}";
    }
}
