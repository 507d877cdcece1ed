using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>Account and container names that follow from a disk or full snapshot alone, in the form of the service: 12 characters of base 36.</summary>
internal static class LineageName
{
    private const string Digits = "0123456789abcdefghijklmnopqrstuvwxyz";

    public static string Of(string part, AccessKind kind, Guid lineage)
    {
        ulong number = BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.ASCII.GetBytes($"{part}/{kind}/{lineage}")));
        return string.Create(12, number, static (name, rest) =>
        {
            for (int at = 0; at < name.Length; at++, rest /= 36)
                name[at] = Digits[(int)(rest % 36)];
        });
    }
}
