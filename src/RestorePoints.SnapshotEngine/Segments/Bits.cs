using System.Numerics;

namespace RestorePoints.SnapshotEngine;

/// <summary>A bitmap, one bit per slot.</summary>
internal sealed class Bits(int length)
{
    private readonly ulong[] _words = new ulong[(length + 63) / 64];

    public int Length => length;

    public bool this[int index] => (_words[index >> 6] >> (index & 63) & 1) != 0;

    public void Set(int start, int count)
    {
        for (int i = start; i < start + count;)
        {
            ulong mask = Mask(i, start + count, out int end);
            _words[i >> 6] |= mask;
            i = end;
        }
    }

    public void Clear(int start, int count)
    {
        for (int i = start; i < start + count;)
        {
            ulong mask = Mask(i, start + count, out int end);
            _words[i >> 6] &= ~mask;
            i = end;
        }
    }

    public int CountSet()
    {
        int count = 0;
        foreach (ulong word in _words) count += BitOperations.PopCount(word);
        return count;
    }

    /// <summary>The first index in [start, end) whose bit is clear, or end.</summary>
    public int NextClear(int start, int end) => Next(start, end, ulong.MaxValue);

    /// <summary>The first index in [start, end) whose bit is set, or end.</summary>
    public int NextSet(int start, int end) => Next(start, end, 0);

    private int Next(int start, int end, ulong flip)
    {
        while (start < end)
        {
            ulong word = (_words[start >> 6] ^ flip) >> (start & 63);
            if (word != 0) return Math.Min(end, start + BitOperations.TrailingZeroCount(word));
            start = (start | 63) + 1;
        }

        return end;
    }

    private static ulong Mask(int start, int end, out int next)
    {
        next = Math.Min(end, (start | 63) + 1);
        int count = next - start;
        return (count == 64 ? ulong.MaxValue : (1UL << count) - 1) << (start & 63);
    }
}
