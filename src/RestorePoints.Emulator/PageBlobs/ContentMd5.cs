using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>The Content-MD5 of the storage protocol: against accidents on the way, not against attackers.</summary>
internal static class ContentMd5
{
    public const int LengthBytes = MD5.HashSizeInBytes;

    [SuppressMessage("Security", "CA5351", Justification = "The protocol names MD5.")]
    public static string Compute(ReadOnlySpan<byte> data) => Convert.ToBase64String(MD5.HashData(data));
}
