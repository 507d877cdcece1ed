using RestorePoints.Emulator.Hosting;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class SecretRedactionTests
{
    [Theory]
    [InlineData("GET /md-1/abcd?sv=2018-03-28&sr=b&si=g&sig=aB%2Bc%3D&x=1 200", "GET /md-1/abcd?sv=2018-03-28&sr=b&si=g&sig=[removed]&x=1 200")]
    [InlineData("?SIG=secret", "?SIG=[removed]")]
    [InlineData("?%73ig=secret&a=b", "?%73ig=[removed]&a=b")]
    [InlineData("?u=https%3A%2F%2Fh%2Fmd%3Fsi%3Dx%26sig%3Dabc%252B%26b", "?u=https%3A%2F%2Fh%2Fmd%3Fsi%3Dx%26sig%3D[removed]%26b")]
    [InlineData("?u=%2526sig%253Dabc%2526b", "?u=%2526sig%253D[removed]%2526b")]
    [InlineData("""{"accessSAS":"http://h/md/x?si=g&sig=abc"}""", """{"accessSAS":"http://h/md/x?si=g&sig=[removed]"}""")]
    [InlineData("client_id=x&client_secret=p~w&scope=y", "client_id=x&client_secret=[removed]&scope=y")]
    [InlineData("""{"access_token":"eyJ.a.b"}""", """{"access_token":"[removed]"}""")]
    [InlineData("Authorization: Bearer eyJhbGci.eyJ-_.sig", "Authorization: Bearer [removed]")]
    [InlineData("/subscriptions/s/providers/design=1?design=2&signed=3", "/subscriptions/s/providers/design=1?design=2&signed=3")]
    public void Takes_out_what_opens_something_and_leaves_the_rest(string text, string redacted) => SecretRedaction.Redact(text).ShouldBe(redacted);
}
