using RestorePoints.Emulator.PageBlobs;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

public sealed class SecretRedactionTests
{
    [Theory]
    [InlineData("http://h/md-a/c/abcd?sv=1&sig=ab%2Bc%3D&comp=page", "http://h/md-a/c/abcd?sv=1&sig=REDACTED&comp=page")]
    [InlineData("?SIG=secret", "?SIG=REDACTED")]
    [InlineData("x-ms-copy-source: https://h/b?sig=se+cret/= end", "x-ms-copy-source: https://h/b?sig=REDACTED end")]
    [InlineData("?from=http%3A%2F%2Fh%3Fsv%3D1%26sig%3Dab%252B%26x%3D1&y=2", "?from=http%3A%2F%2Fh%3Fsv%3D1%26sig%3DREDACTED%26x%3D1&y=2")]
    [InlineData("Authorization: Bearer eyJ0.eyJh-_.sig", "Authorization: Bearer REDACTED")]
    [InlineData("{\"accessSAS\":\"http://h?sig=secret\"}", "{\"accessSAS\":\"http://h?sig=REDACTED\"}")]
    [InlineData("?design=blue&sv=1", "?design=blue&sv=1")]
    public void Signatures_and_tokens_are_taken_out(string text, string expected) => SecretRedaction.RedactSecrets(text).ShouldBe(expected);
}
