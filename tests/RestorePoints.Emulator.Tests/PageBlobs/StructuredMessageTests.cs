using RestorePoints.Emulator.PageBlobs;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class StructuredMessageTests
{
    [Theory]
    [InlineData(512, 551)]
    [InlineData(4096, 4135)]
    [InlineData(4 << 20, (4 << 20) + 39)]
    public void Framed_length_is_what_clients_send(long content, long framed) => StructuredMessage.FramedBytes(content).ShouldBe(framed);

    [Theory]
    [InlineData(4096, 4096)]
    [InlineData(4096, 512)]
    [InlineData(4096, 1)]
    [InlineData(1000, 999)]
    public void Any_segment_size_is_decoded(int length, int segmentBytes)
    {
        byte[] data = StorageReply.Bytes(length, seed: 3);
        byte[] message = StructuredMessages.Encode(data, segmentBytes);
        StructuredMessage.Decode(message).ShouldBe(length);
        message[..length].ShouldBe(data);
    }

    [Fact]
    public void A_changed_data_byte_is_a_checksum_mismatch()
    {
        byte[] message = StructuredMessages.Encode(StorageReply.Bytes(512, seed: 4), 512);
        message[100] ^= 1;
        Should.Throw<StorageException>(() => StructuredMessage.Decode(message)).Error.Code.ShouldBe("Crc64Mismatch");
    }

    [Fact]
    public void Every_cut_and_every_damaged_frame_byte_is_refused()
    {
        byte[] message = StructuredMessages.Encode(StorageReply.Bytes(64, seed: 5), 32);
        for (int length = 0; length < message.Length; length++)
        {
            byte[] cut = message.AsSpan(0, length).ToArray();
            Should.Throw<StorageException>(() => StructuredMessage.Decode(cut), $"length {length}");
        }
        for (int at = 0; at < message.Length; at++)
        {
            byte[] damaged = [.. message];
            damaged[at] ^= 0x80;
            Should.Throw<StorageException>(() => StructuredMessage.Decode(damaged), $"byte {at}");
        }
    }

    [Theory]
    [InlineData(512, 1)]
    [InlineData(4 << 20, 65)]
    public void The_limit_of_a_framed_body_holds_the_smallest_segments_that_there_can_be(int length, int segmentBytes) =>
        ((long)StructuredMessages.Encode(new byte[length], segmentBytes).Length).ShouldBeLessThanOrEqualTo(StructuredMessage.MostFramedBytes(length));

    [Fact]
    public void Large_contents_get_larger_segments_so_that_their_number_fits() =>
        StructuredMessage.SegmentBytesFor(32L << 40).ShouldBeGreaterThan((32L << 40) / 65536);
}
