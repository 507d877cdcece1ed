using Microsoft.AspNetCore.Http;
using RestorePoints.Emulator.PageBlobs;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class RangeHeaderTests
{
    private const long Length = 1000;

    [Theory]
    [InlineData("bytes=0-", 0, 1000)]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=10-19", 10, 20)]
    [InlineData("bytes=999-", 999, 1000)]
    [InlineData("bytes=10-5000", 10, 1000)]
    [InlineData("bytes=10-99999999999999999999999", 10, 1000)]
    [InlineData("BYTES = 10 - 19", null, null)]
    [InlineData("Bytes=10-19", 10, 20)]
    [InlineData("bytes=-512", null, null)]
    [InlineData("bytes=-", null, null)]
    [InlineData("bytes=0-1,5-6", null, null)]
    [InlineData("bytes=9-3", null, null)]
    [InlineData("bytes=a-b", null, null)]
    [InlineData("bytes=+1-+5", null, null)]
    [InlineData("bytes=0x1-0x5", null, null)]
    [InlineData("bytes=１-２", null, null)]
    [InlineData("pages=0-1", null, null)]
    [InlineData("", null, null)]
    public void A_read_gets_a_single_range_or_everything(string header, int? start, int? end)
    {
        ByteRange? range = RangeHeader.OfRead(Request(("Range", header)), Length);
        range.ShouldBe(start is null ? null : new ByteRange(start.Value, end!.Value));
    }

    [Theory]
    [InlineData("bytes=1000-")]
    [InlineData("bytes=1000-1001")]
    [InlineData("bytes=99999999999999999999999-")]
    public void A_read_behind_the_end_is_refused(string header) =>
        Should.Throw<StorageException>(() => RangeHeader.OfRead(Request(("Range", header)), Length)).Error.ShouldSatisfyAllConditions(
            error => error.Code.ShouldBe("InvalidRange"), error => error.Headers.ShouldBe([("Content-Range", "bytes */1000")]));

    [Fact]
    public void The_storage_header_goes_before_the_standard_one() =>
        RangeHeader.OfRead(Request(("Range", "bytes=0-1"), ("x-ms-range", "bytes=5-6")), Length).ShouldBe(new ByteRange(5, 7));

    [Theory]
    [InlineData("bytes=0-511", true)]
    [InlineData("bytes=512-", false)]
    [InlineData("bytes=0-510", false)]
    [InlineData("bytes=1-512", false)]
    [InlineData("bytes=0-9223372036854775807", false)]
    [InlineData("bytes=0-99999999999999999999", false)]
    [InlineData("nonsense", false)]
    public void A_write_names_whole_sectors_with_both_ends(string header, bool accepted)
    {
        if (accepted)
            RangeHeader.OfWrite(Request(("x-ms-range", header))).ShouldBe(new ByteRange(0, 512));
        else
            Should.Throw<StorageException>(() => RangeHeader.OfWrite(Request(("x-ms-range", header)))).Error.Code.ShouldBe("InvalidPageRange");
    }

    [Fact]
    public void A_page_list_covers_whole_sectors() =>
        RangeHeader.OfPageList(Request(("x-ms-range", "bytes=600-1030")), 2048).ShouldBe(new ByteRange(512, 1536));

    private static HttpRequest Request(params (string Name, string Value)[] headers)
    {
        HttpRequest request = new DefaultHttpContext().Request;
        foreach ((string name, string value) in headers)
            request.Headers[name] = value;
        return request;
    }
}
