using RestorePoints.Emulator.PageBlobs;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class Crc64NvmeTests
{
    [Fact]
    public void Check_value_is_that_of_the_catalogue() =>
        Crc64Nvme.Compute("123456789"u8).ShouldBe(0xAE8B14860A799888UL);

    [Fact]
    public void Crc_of_nothing_is_zero() => Crc64Nvme.Compute([]).ShouldBe(0UL);

    [Fact]
    public void Every_length_agrees_with_the_bitwise_definition()
    {
        byte[] data = StorageReply.Bytes(600, seed: 1);
        for (int length = 0; length <= data.Length; length++)
            Crc64Nvme.Compute(data.AsSpan(0, length)).ShouldBe(Bitwise(data.AsSpan(0, length)));
    }

    [Fact]
    public void Parts_add_up_to_the_whole()
    {
        byte[] data = StorageReply.Bytes(1000, seed: 2);
        for (int cut = 0; cut <= data.Length; cut += 37)
            Crc64Nvme.Append(Crc64Nvme.Compute(data.AsSpan(0, cut)), data.AsSpan(cut)).ShouldBe(Crc64Nvme.Compute(data));
    }

    private static ulong Bitwise(ReadOnlySpan<byte> data)
    {
        ulong crc = ulong.MaxValue;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x9A6C9329AC4BC9B5 : crc >> 1;
        }
        return ~crc;
    }
}
