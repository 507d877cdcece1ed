using System.Security.Cryptography;
using System.Text;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// A service SAS that names a stored access policy: what is signed and what the URL says. After "Create a service SAS" of the Azure
/// Storage REST reference; with <c>si</c> alone, permission and expiry are on the server and not in the URL.
/// </summary>
internal static class SharedAccessSignature
{
    public const string BlobName = "abcd";

    /// <summary><c>sv</c> of the URL of a disk (<c>sr=b</c>).</summary>
    public const string DiskVersion = "2018-03-28";

    /// <summary><c>sv</c> of the URL of a disk restore point (<c>sr=bs</c>): the first that signs the snapshot.</summary>
    public const string SnapshotVersion = "2018-11-09";

    private const string EncryptionScopeVersion = "2020-12-06";

    /// <summary>Fields that a policy or the service could give but that our URLs never carry.</summary>
    public static readonly string[] FieldsNeverIssued = ["sp", "st", "se", "sip", "spr", "ses", "rscc", "rscd", "rsce", "rscl", "rsct"];

    /// <summary>Blob snapshot time as it stands in URLs: seven fractional digits.</summary>
    public static string FormatSnapshotTime(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'");

    public static string StringToSign(BlobAddress address, BlobQuery query)
    {
        string version = query["sv"] ?? "";
        bool signsSnapshot = string.CompareOrdinal(version, SnapshotVersion) >= 0;
        var text = new StringBuilder(256);
        Line("sp"); Line("st"); Line("se");
        text.Append($"/blob/{address.Account}/{address.Container}/{address.Blob}\n");
        Line("si"); Line("sip"); Line("spr"); Line("sv");
        if (signsSnapshot)
        {
            Line("sr");
            text.Append(query["sr"] == "bs" ? query["snapshot"] : "").Append('\n');
            if (string.CompareOrdinal(version, EncryptionScopeVersion) >= 0)
                Line("ses");
        }
        Line("rscc"); Line("rscd"); Line("rsce"); Line("rscl");
        return text.Append(query["rsct"]).ToString();

        void Line(string field) => text.Append(query[field]).Append('\n');
    }

    public static byte[] Sign(byte[] key, string stringToSign) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(stringToSign));

    /// <summary>
    /// Whether <c>sig</c> is this signature, in constant time; also when a client left its plus signs unencoded and they arrive as spaces.
    /// null: it is not 256 bits of base64.
    /// </summary>
    public static bool? IsSignature(string text, byte[] signature)
    {
        Span<byte> decoded = stackalloc byte[HMACSHA256.HashSizeInBytes + 3];
        return Convert.TryFromBase64String(text.Replace(' ', '+'), decoded, out int length) && length == HMACSHA256.HashSizeInBytes
            ? CryptographicOperations.FixedTimeEquals(decoded[..length], signature)
            : null;
    }
}
