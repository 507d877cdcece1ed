using System.Buffers.Binary;
using RestorePoints.Emulator.PageBlobs;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class VhdFooterTests
{
    private const string Blob = "http://127.0.0.1/md-impexp-a/b/abcd";

    [Theory]
    [InlineData(64L << 20, 963, 8, 17)]
    [InlineData(1L << 30, 2080, 16, 63)]
    [InlineData(30L << 30, 62415, 16, 63)]
    [InlineData(32L << 30, 16448, 16, 255)]
    [InlineData(127L << 30, 65278, 16, 255)]
    [InlineData(128L << 30, 65535, 16, 255)]
    [InlineData(32L << 40, 65535, 16, 255)]
    public void Geometry_follows_the_format_specification(long size, int cylinders, int heads, int sectors) =>
        VhdFooter.Geometry(size).ShouldBe(((ushort)cylinders, (byte)heads, (byte)sectors));

    [Fact]
    public void Fields_stand_where_the_format_wants_them()
    {
        var id = new Guid("00112233-4455-6677-8899-aabbccddeeff");
        byte[] footer = VhdFooter.Build(64 << 20, id);
        footer.Length.ShouldBe(512);
        footer[..16].ShouldBe([.. "conectix"u8, 0, 0, 0, 2, 0, 1, 0, 0]);
        footer[16..24].ShouldAllBe(b => b == 0xFF);
        footer[28..32].ShouldBe("win "u8.ToArray());
        BinaryPrimitives.ReadInt64BigEndian(footer.AsSpan(40)).ShouldBe(64 << 20);
        BinaryPrimitives.ReadInt64BigEndian(footer.AsSpan(48)).ShouldBe(64 << 20);
        BinaryPrimitives.ReadUInt32BigEndian(footer.AsSpan(60)).ShouldBe(2u);
        footer[68..84].ShouldBe(Convert.FromHexString("00112233445566778899AABBCCDDEEFF"));
        footer[84..].ShouldAllBe(b => b == 0);
        uint sum = (uint)footer.Sum(b => b) - (uint)footer[64..68].Sum(b => b);
        BinaryPrimitives.ReadUInt32BigEndian(footer.AsSpan(64)).ShouldBe(~sum);
    }

    [Fact]
    public void A_footer_that_was_built_has_no_fault() =>
        VhdFooter.FindFault(VhdFooter.Build(20 << 20, Guid.NewGuid()), 20 << 20, Blob).ShouldBeNull();

    [Fact]
    public void An_upload_without_footer_lacks_the_cookie() =>
        VhdFooter.FindFault([], 20 << 20, Blob).ShouldBe(
            $"The specified cookie value in VHD footer indicates that disk 'abcd' with blob {Blob} is not a supported VHD. Disk is expected to have cookie value 'conectix'.");

    [Theory]
    [InlineData(0, "cookie")]
    [InlineData(63, "disk type")]
    [InlineData(55, "current size")]
    [InlineData(70, "checksum")]
    public void Each_fault_of_a_footer_is_named(int damagedByte, string what)
    {
        byte[] footer = VhdFooter.Build(20 << 20, Guid.NewGuid());
        footer[damagedByte] ^= 1;
        VhdFooter.FindFault(footer, 20 << 20, Blob).ShouldNotBeNull().ShouldContain($"The specified {what}");
    }
}
