namespace RestorePoints.Emulator.Store;

public static class DiskSize
{
    /// <summary>What ARM shows as <c>diskSizeGB</c>: whole GiB, rounded up. An uploaded disk may be any whole number of MiB.</summary>
    public static long WholeGB(long sizeBytes) => (sizeBytes + (1L << 30) - 1) >> 30;
}
