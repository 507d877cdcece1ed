namespace RestorePoints.Emulator.Store;

public static class DiskSize
{
    /// <summary>32,767 GiB: the largest disk that an upload or import can make, in bytes.</summary>
    public const long LargestBytes = 32_767L << 30;

    /// <summary>Size of the OS disk that an image gives, in GiB; the emulator has no images to ask.</summary>
    public static long OfImageGB(string? osType) => osType == "Windows" ? 127 : 30;

    /// <summary>What ARM shows as <c>diskSizeGB</c>: whole GiB, rounded up. An uploaded disk may be any whole number of MiB.</summary>
    public static long WholeGB(long sizeBytes) => (sizeBytes + (1L << 30) - 1) >> 30;
}
