using System.Security.Cryptography;
using System.Text;

namespace RestorePoints.Emulator.Store;

/// <summary>The family that incremental snapshots and disk restore points of one disk share: one per incarnation of the disk.</summary>
public static class SnapshotFamily
{
    /// <param name="volumeId">The volume in the engine: the disk's uniqueId.</param>
    public static Guid IdOf(Guid volumeId) => new(SHA256.HashData(Encoding.UTF8.GetBytes($"family/{volumeId}")).AsSpan(0, 16));
}
