using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>What a disk of a SKU and size is provisioned with. Source: the recorded values and the public size tables of managed disks.</summary>
/// <param name="SkuTier"><c>sku.tier</c>.</param>
/// <param name="Tier"><c>properties.tier</c>, Premium SSD only.</param>
/// <param name="Iops">Operations per second.</param>
/// <param name="MBps">10^6 bytes per second.</param>
public sealed record DiskPerformance(string SkuTier, string? Tier, long Iops, long MBps)
{
    private static readonly (long UpToGiB, string Tier, long Iops, long MBps)[] PremiumTiers =
    [
        (4, "P1", 120, 25), (8, "P2", 120, 25), (16, "P3", 120, 25), (32, "P4", 120, 25), (64, "P6", 240, 50), (128, "P10", 500, 100),
        (256, "P15", 1_100, 125), (512, "P20", 2_300, 150), (1_024, "P30", 5_000, 200), (2_048, "P40", 7_500, 250), (4_096, "P50", 7_500, 250),
        (8_192, "P60", 16_000, 500), (16_384, "P70", 18_000, 750), (long.MaxValue, "P80", 20_000, 900),
    ];

    public static readonly string[] SkuNames =
        ["Standard_LRS", "Premium_LRS", "StandardSSD_LRS", "UltraSSD_LRS", "Premium_ZRS", "StandardSSD_ZRS", "PremiumV2_LRS"];

    public static IEnumerable<string> PremiumTierNames => PremiumTiers.Select(entry => entry.Tier);

    /// <summary>Whether the owner of a disk chooses its operations and bytes per second. For other SKUs they follow from the size, whatever a request says.</summary>
    public static bool IsChosenByOwner(string skuName) => skuName is "UltraSSD_LRS" or "PremiumV2_LRS";

    public static bool IsPremiumSsd(string skuName) => skuName is "Premium_LRS" or "Premium_ZRS";

    /// <param name="tier">Asked-for performance tier of a Premium SSD; it counts when it is above that of the size.</param>
    public static DiskPerformance Of(string skuName, long sizeBytes, string? tier = null)
    {
        long sizeGiB = DiskSize.WholeGB(sizeBytes);
        if (IsPremiumSsd(skuName))
        {
            int ofSize = Array.FindIndex(PremiumTiers, entry => sizeGiB <= entry.UpToGiB), requested = Array.FindIndex(PremiumTiers, entry => entry.Tier.Equals(tier, StringComparison.OrdinalIgnoreCase));
            (_, string name, long iops, long mbps) = PremiumTiers[Math.Max(ofSize, requested)];
            return new("Premium", name, iops, mbps);
        }
        switch (skuName)
        {
            case "PremiumV2_LRS":
                return new("Premium", null, 3_000, 125);
            case "UltraSSD_LRS":
                return new("Ultra", null, 500, 8);
            default:
                return sizeGiB switch
                {
                    <= 4_096 => new("Standard", null, 500, 60),
                    <= 8_192 => new("Standard", null, 1_300, 300),
                    _ => new("Standard", null, 2_000, 500),
                };
        }
    }
}
