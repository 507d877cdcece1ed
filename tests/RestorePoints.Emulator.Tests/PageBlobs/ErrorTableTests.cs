using System.Text.RegularExpressions;
using System.Xml.Linq;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>Every error of the data plane: status, code, literal message, further elements in their order, and a HEAD without a body.</summary>
public sealed partial class ErrorTableTests(PageBlobServer server) : IClassFixture<PageBlobServer>
{
    private const string NotAuthenticated = "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.";
    private const string NeedsToken = "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.";
    private const string BadHeader = "The value for one of the HTTP headers is not in the correct format.";
    private const string NoHeader = "An HTTP header that's mandatory for this request is not specified.";
    private const string BadParameter = "Value for one of the query parameters specified in the request URI is invalid.";
    private const string BadRange = "The range specified is invalid for the current size of the resource.";
    private const string BadPages = "The page range specified is invalid.";
    private const string NotMet = "The condition specified using HTTP conditional header(s) is not met.";
    private const string Md5 = "AAAAAAAAAAAAAAAAAAAAAA==";
    private const string Crc64 = "AAAAAAAAAAA=";
    private const int Size = 1 << 20;

    /// <summary>Errors of the service that cannot arise here.</summary>
    private static readonly Dictionary<string, string> s_cannotArise = new()
    {
        ["AuthorizationSourceIPMismatch"] = "no URL carries sip, and one that does has a wrong signature",
        ["AuthorizationProtocolMismatch"] = "no URL carries spr, and one that does has a wrong signature",
        ["BlobGenerationMismatch"] = "the points of a disk are of one generation; after Put Blob the blob is the same one",
        ["IncrementalCopySourceMustBeSnapshot"] = "a managed disk offers no incremental copy",
        ["PublicNetworkAccessDisabled"] = "the same case is answered AuthenticationFailed",
        ["ContainerNotFound"] = "who has a SAS has a container, and who has none learns nothing about it",
    };

    private static readonly Row[] s_rows =
    [
        // Every operation
        Get("version malformed", s => s.Disk, 400, "InvalidHeaderValue", BadHeader, ("HeaderName", "x-ms-version"), ("HeaderValue", "new")).With(("x-ms-version", "new")).WithHead(),
        Get("version in the query malformed", s => s.Disk + "&api-version=new", 400, "InvalidQueryParameterValue", BadParameter,
            ("QueryParameterName", "api-version"), ("QueryParameterValue", "new"), ("Reason", "The version is not a date.")).WithHead(),
        Get("version twice", s => s.Disk + "&api-version=2020-10-02", 400, "MultipleVersionsSpecified", "Both x-ms-version header and api-version query parameter are specified.")
            .With(("x-ms-version", "2020-10-02")).WithHead(),
        Get("no blob", s => s.Disk.Replace("/abcd", ""), 400, "InvalidUri", "The requested URI does not represent any resource on the server.").WithHead(),
        Get("preflight", s => s.Disk, 403, "CorsPreflightFailure", "CORS not enabled or no matching rule found for this request.") with { Method = HttpMethod.Options },
        Get("not offered", s => s.Guest, 405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.") with { Method = HttpMethod.Delete },
        Get("two snapshots", s => s.Newer + "&snapshot=x", 400, "InvalidQueryParameterValue", BadParameter, ("QueryParameterName", "snapshot"), ("QueryParameterValue", "x"),
            ("Reason", "The query parameter is specified more than once with different values.")).WithHead(),
        Get("disk gone", s => s.Gone, 404, "BlobNotFound", "The specified blob does not exist.").WithHead(),
        Get("snapshot of a disk", s => s.Guest + "&snapshot=2026-05-16T20:11:11.0777366Z", 404, "BlobNotFound", "The specified blob does not exist.").WithHead(),

        // Get Blob
        Get("start at the end", s => s.Disk, 416, "InvalidRange", BadRange).With(("x-ms-range", $"bytes={Size + 512}-")).WithReplyHeader("Content-Range", $"bytes */{Size + 512}"),
        Get("md5 without range", s => s.Disk, 400, "InvalidHeaderValue", BadHeader, ("HeaderName", "x-ms-range-get-content-md5"), ("HeaderValue", "true")).With(("x-ms-range-get-content-md5", "true")),
        Get("crc64 of more than 4 MiB", s => s.Large, 400, "InvalidHeaderValue", BadHeader, ("HeaderName", "x-ms-range-get-content-crc64"), ("HeaderValue", "true"))
            .With(("x-ms-range-get-content-crc64", "true"), ("x-ms-range", "bytes=0-4194304")),
        Get("two checksums of a range", s => s.Disk, 400, "BothCrc64AndMd5RangeHeaderPresent", "Both x-ms-range-get-content-crc64 header and x-ms-range-get-content-md5 header are present.")
            .With(("x-ms-range-get-content-md5", "true"), ("x-ms-range-get-content-crc64", "true"), ("x-ms-range", "bytes=0-511")),
        Get("condition of a read", s => s.Disk, 412, "ConditionNotMet", NotMet).With(("If-Match", "\"0x0\"")).WithHead(),
        Get("not modified", s => s.Disk, 304, "ConditionNotMet", "").With(("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")).WithHead(),
        Get("no read of nothing", s => s.Disk, 400, "UnsatisfiableCondition", "The request includes an unsatisfiable condition for this operation.").With(("If-None-Match", "*")).WithHead(),
        Get("lease", s => s.Disk, 412, "LeaseNotPresentWithBlobOperation", "There is currently no lease on the blob.").With(("x-ms-lease-id", "x")).WithHead(),

        // Get Page Ranges
        Get("page list behind the end", s => s.Disk + "&comp=pagelist", 416, "InvalidRange", BadRange).With(("x-ms-range", $"bytes={Size + 512}-")).WithReplyHeader("Content-Range", $"bytes */{Size + 512}"),
        Get("maxresults too small", s => s.Disk + "&comp=pagelist&maxresults=0", 400, "OutOfRangeQueryParameterValue",
            "One of the query parameters specified in the request URI is outside the permissible range.",
            ("QueryParameterName", "maxresults"), ("QueryParameterValue", "0"), ("MinimumAllowed", "1"), ("MaximumAllowed", "10000")),
        Get("maxresults no number", s => s.Disk + "&comp=pagelist&maxresults=x", 400, "InvalidQueryParameterValue", BadParameter,
            ("QueryParameterName", "maxresults"), ("QueryParameterValue", "x"), ("Reason", "The value is not a number.")),
        Get("marker of another", s => s.Disk + "&comp=pagelist&marker=x", 400, "InvalidQueryParameterValue", BadParameter,
            ("QueryParameterName", "marker"), ("QueryParameterValue", "x"), ("Reason", "The marker was not returned by an earlier call.")),

        // Get Page Ranges Diff
        Diff("unknown time", s => s.Newer + "&prevsnapshot=2020-01-01T00:00:00.0000000Z", null, 409, "PreviousSnapshotNotFound", "The previous snapshot is not found."),
        Diff("other host", s => s.Newer, s => "https://elsewhere.example/c/b?sv=2018-11-09", 409, "PreviousSnapshotNotFound", "The previous snapshot is not found."),
        Diff("previous newer", s => s.Older, s => s.Newer, 400, "PreviousSnapshotCannotBeNewer", "The prevsnapshot query parameter value cannot be newer than snapshot query parameter value."),
        Diff("previous no point", s => s.Newer, s => s.Disk, 409, "PreviousSnapshotOperationNotSupported", "Differential Get Page Ranges is not supported on the previous snapshot."),
        Diff("other disk", s => s.Newer, s => s.Other, 409, "BlobOverwritten", "The blob has been recreated since the previous snapshot was taken."),
        Diff("previous revoked", s => s.Newer, s => s.Revoked, 403, "AuthenticationFailed", NotAuthenticated, ("AuthenticationErrorDetail", "SAS identifier cannot be found for specified signed identifier")),
        Diff("version without the header", s => s.Newer, s => s.Older, 409, "FeatureVersionMismatch", "The operation or one of its parameters needs a newer value of x-ms-version.").With(("x-ms-version", "2018-11-09")),
        Diff("no url", s => s.Newer, _ => "older", 400, "InvalidHeaderValue", BadHeader, ("HeaderName", "x-ms-previous-snapshot-url"), ("HeaderValue", "older")),
        Diff("a url as time", s => s.Newer + "&prevsnapshot=http%3A%2F%2Fx", null, 400, "InvalidQueryParameterValue", BadParameter,
            ("QueryParameterName", "prevsnapshot"), ("QueryParameterValue", "http://x"), ("Reason", "The value is not the time of a snapshot.")),
        Diff("two spellings", s => s.Newer + "&prevsnapshot=2026-01-01T00:00:00Z", s => s.Older, 400, "InvalidInput", "One of the request inputs is not valid."),

        // Put Page
        Put("not aligned", "bytes=1-512", 416, "InvalidPageRange", BadPages),
        Put("malformed", "0-511", 416, "InvalidPageRange", BadPages),
        Put("behind the end", $"bytes={Size}-{Size + 511}", 416, "InvalidPageRange", BadPages),
        Put("over the end", $"bytes={Size - 512}-{Size + 511}", 416, "InvalidPageRange", BadPages) with { Body = new byte[1024] },
        Put("too large", "bytes=0-4194815", 413, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit.", ("MaxLimit", "4194304")) with { Body = new byte[4194816] },
        Put("length and range differ", "bytes=0-1023", 400, "InvalidHeaderValue", BadHeader, ("HeaderName", "Content-Length"), ("HeaderValue", "512")),
        Put("no range", "", 400, "MissingRequiredHeader", NoHeader, ("HeaderName", "x-ms-range")),
        Put("md5 wrong", "bytes=0-511", 400, "Md5Mismatch", "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
            ("UserSpecifiedMd5", Md5), ("ServerCalculatedMd5", ContentMd5.Compute(new byte[512]))).With(("Content-MD5", Md5)),
        Put("md5 malformed", "bytes=0-511", 400, "InvalidMd5", "The MD5 value specified in the request is invalid. MD5 value must be 128 bits and base64 encoded.").With(("Content-MD5", "x")),
        Put("crc64 wrong", "bytes=0-511", 400, "Crc64Mismatch", "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
            ("UserSpecifiedCrc64", Crc64), ("ServerCalculatedCrc64", Crc64Nvme.ToBase64(Crc64Nvme.Compute(new byte[512])))).With(("x-ms-content-crc64", Crc64)),
        Put("crc64 malformed", "bytes=0-511", 400, "InvalidCrc64", "The CRC64 value specified in the request is invalid. CRC64 value must be 64 bits and base64 encoded.").With(("x-ms-content-crc64", "x")),
        Put("two checksums", "bytes=0-511", 400, "BothCrc64AndMd5HeaderPresent", "Both x-ms-content-crc64 header and Content-MD5 header are present.").With(("Content-MD5", Md5), ("x-ms-content-crc64", Crc64)),
        Put("read-only", "bytes=0-511", 403, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.") with { Url = s => s.Disk + "&comp=page" },
        Put("snapshot", "bytes=0-511", 400, "InvalidOperation", "Invalid operation against a blob snapshot.") with { Url = s => s.Guest + "&comp=page&snapshot=2026-05-16T20:11:11.0777366Z" },
        Put("no length", "bytes=0-511", 411, "MissingContentLengthHeader", "The Content-Length header was not specified.").With(("Transfer-Encoding", "chunked")),
        Put("sequence number", "bytes=0-511", 412, "SequenceNumberConditionNotMet", "The sequence number condition specified was not met.").With(("x-ms-if-sequence-number-lt", "0")),
        Put("condition of a write", "bytes=0-511", 412, "ConditionNotMet", NotMet).With(("If-None-Match", "*")),
        Put("other blob type", "", 409, "InvalidBlobType", "The blob type is invalid for this operation.").With(("x-ms-blob-type", "BlockBlob")) with { Url = s => s.Guest, Body = [] },
        Put("create only", "", 409, "BlobAlreadyExists", "The specified blob already exists.").With(("x-ms-blob-type", "PageBlob"), ("x-ms-blob-content-length", "512"), ("If-None-Match", "*")) with { Url = s => s.Guest, Body = [] },

        // Put Page From URL
        Copy("no source range", s => s.Disk, "", 400, "MissingRequiredHeader", NoHeader, ("HeaderName", "x-ms-source-range")),
        Copy("source condition", s => s.Disk, "bytes=0-511", 412, "SourceConditionNotMet", "The source condition specified using HTTP conditional header(s) is not met.").With(("x-ms-source-if-match", "\"0x0\"")),
        Copy("source elsewhere", _ => "https://elsewhere.example/c/b", "bytes=0-511", 400, "CannotVerifyCopySource",
            "The copy source is not a URL of this emulator, and the emulator sends no requests to others."),
        Copy("source without sas", s => s.Disk.Split('?')[0], "bytes=0-511", 404, "CannotVerifyCopySource", "The specified resource does not exist.",
            ("CopySourceStatusCode", "404"), ("CopySourceErrorCode", "ResourceNotFound"), ("CopySourceErrorMessage", "The specified resource does not exist.")),

        // SAS
        Get("bad signature", s => Without(s.Disk, "sig") + $"&sig={Uri.EscapeDataString(Convert.ToBase64String(new byte[32]))}", 403, "AuthenticationFailed", NotAuthenticated,
            ("AuthenticationErrorDetail", @"^Signature did not match\. String to sign used was \n\n\n/blob/md-")).WithHead(),
        Get("expired", s => s.Expired, 403, "AuthenticationFailed", NotAuthenticated,
            ("AuthenticationErrorDetail", @"^Signature not valid in the specified time frame: Start \[\w{3}, [^]]* GMT\] - Expiry \[\w{3}, [^]]* GMT\] - Current \[\w{3}, [^]]* GMT\]$")).WithHead(),
        Get("revoked", s => s.Revoked, 403, "AuthenticationFailed", NotAuthenticated, ("AuthenticationErrorDetail", "SAS identifier cannot be found for specified signed identifier")).WithHead(),
        Get("both", s => s.Disk + "&sp=r", 403, "AuthenticationFailed", NotAuthenticated,
            ("AuthenticationErrorDetail", "Access policy fields can be associated with signature or SAS identifier but not both")).WithHead(),
        Get("sig missing", s => Without(s.Disk, "sig"), 403, "AuthenticationFailed", NotAuthenticated, ("AuthenticationErrorDetail", "sig is mandatory. Cannot be empty")).WithHead(),
        Get("empty field", s => s.Disk + "&sip=", 403, "AuthenticationFailed", NotAuthenticated, ("AuthenticationErrorDetail", "sip is optional but cannot be empty")).WithHead(),
        Get("signature short", s => Without(s.Disk, "sig") + "&sig=AAAA", 403, "AuthenticationFailed", NotAuthenticated, ("AuthenticationErrorDetail", "Signature size is invalid")).WithHead(),
        Get("not well formed", s => Without(s.Disk, "si"), 403, "AuthenticationFailed", NotAuthenticated, ("AuthenticationErrorDetail", "Signature fields not well formed.")).WithHead(),
        Get("network off", s => s.Closed, 403, "AuthenticationFailed", NotAuthenticated, ("AuthenticationErrorDetail", "The specified signed resource is not allowed for this resource level")).WithHead(),
        Get("anonymous", s => s.Disk.Split('?')[0], 404, "ResourceNotFound", "The specified resource does not exist.").WithHead(),
        Get("token missing", s => s.Protected, 401, "NoAuthenticationInformation", NeedsToken).WithHead()
            .WithReplyHeader("WWW-Authenticate", "^Bearer authorization_uri=http://127\\.0\\.0\\.1:\\d+/[0-9a-f-]{36}/oauth2/authorize resource_id=https://disk\\.azure\\.com/$"),
        Get("token wrong", s => s.Protected, 401, "InvalidAuthenticationInfo", NeedsToken, ("AuthenticationErrorDetail", "Signature validation failed.")).With(("Authorization", "Bearer x")).WithHead(),
    ];

    public static TheoryData<string> Names => [.. s_rows.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task An_error_is_told_as_the_service_tells_it(string name)
    {
        Row row = s_rows.Single(row => row.Name == name);
        Scene scene = await Scene.CreateAsync(server);
        (string, string)[] headers = [.. row.Headers(scene)];
        HttpResponseMessage response = await server.SendAsync(row.Method, row.Url(scene), row.Body, headers);
        ((int)response.StatusCode, response.Header("x-ms-error-code")).ShouldBe((row.Status, row.Code));
        response.Header("x-ms-version").ShouldNotBeNull();
        if (row.ReplyHeader is var (header, expected))
            ShouldBe(response.Header(header), expected);
        if (row.Status == 304)
            (await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ShouldBeEmpty();
        else
            await ShouldTellAsync(response, row);
        if (!row.Head)
            return;

        HttpResponseMessage head = await server.SendAsync(HttpMethod.Head, row.Url(scene), null, headers);
        ((int)head.StatusCode, head.Header("x-ms-error-code"), head.Header("Content-Type")).ShouldBe((row.Status, row.Code, null));
        (await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ShouldBeEmpty();
    }

    [Fact]
    public void The_table_has_every_error_of_the_catalogue_and_no_other()
    {
        string catalogue = File.ReadAllText(Repository.File("src", "RestorePoints.Emulator", "PageBlobs", "StorageErrors.cs"));
        string[] codes = [.. CodeInSource().Matches(catalogue).Select(match => match.Groups[1].Value).Distinct().Order()];
        s_rows.Select(row => row.Code).Append("InternalError").Append("ServerBusy").Distinct().Order().ShouldBe(codes);
        codes.Intersect(s_cannotArise.Keys).ShouldBeEmpty();
    }

    private static async Task ShouldTellAsync(HttpResponseMessage response, Row row)
    {
        XElement error = await response.ShouldFailAsync(row.Status, row.Code);
        string[] lines = error.Element("Message")!.Value.Split('\n');
        lines.Length.ShouldBe(3);
        lines[0].ShouldBe(row.Message);
        lines[1].ShouldBe($"RequestId:{response.Header("x-ms-request-id")}");
        lines[2].ShouldMatch(@"^Time:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$");
        XElement[] extra = [.. error.Elements().Skip(2)];
        extra.Select(element => element.Name.LocalName).ShouldBe(row.Extra.Select(expected => expected.Element));
        foreach ((XElement element, (_, string value)) in extra.Zip(row.Extra))
            ShouldBe(element.Value, value);
    }

    /// <param name="expected">A regular expression when it begins with a circumflex.</param>
    private static void ShouldBe(string? actual, string expected)
    {
        if (expected.StartsWith('^'))
            actual.ShouldNotBeNull().ShouldMatch(expected);
        else
            actual.ShouldBe(expected);
    }

    private static string Without(string url, string field) => Regex.Replace(url, $@"&{field}=[^&]*", "");

    private static Row Get(string name, Func<Scene, string> url, int status, string code, string message, params (string, string)[] extra) =>
        new(name, HttpMethod.Get, url, _ => [], status, code, message, extra);

    private static Row Diff(string name, Func<Scene, string> url, Func<Scene, string>? previous, int status, string code, string message, params (string, string)[] extra) =>
        new(name, HttpMethod.Get, scene => url(scene) + "&comp=pagelist", scene => previous is null ? [] : [("x-ms-previous-snapshot-url", previous(scene))], status, code, message, extra);

    private static Row Put(string name, string range, int status, string code, string message, params (string, string)[] extra) =>
        new(name, HttpMethod.Put, scene => scene.Guest + "&comp=page", _ => [("x-ms-page-write", "update"), ("x-ms-range", range)], status, code, message, extra) { Body = new byte[512] };

    private static Row Copy(string name, Func<Scene, string> source, string sourceRange, int status, string code, string message, params (string, string)[] extra) =>
        new(name, HttpMethod.Put, scene => scene.Guest + "&comp=page",
            scene => [("x-ms-page-write", "update"), ("x-ms-range", "bytes=0-511"), ("x-ms-source-range", sourceRange), ("x-ms-copy-source", source(scene))], status, code, message, extra);

    [GeneratedRegex("""new\((?:\d+|status|cause\.Status), "(\w+)",""")]
    private static partial Regex CodeInSource();

    private sealed record Row(string Name, HttpMethod Method, Func<Scene, string> Url, Func<Scene, IEnumerable<(string, string)>> Headers,
        int Status, string Code, string Message, (string Element, string Value)[] Extra)
    {
        public byte[]? Body { get; init; }

        public bool Head { get; init; }

        public (string Name, string Value)? ReplyHeader { get; init; }

        public Row With(params (string, string)[] headers) => this with { Headers = scene => [.. Headers(scene), .. headers] };

        public Row WithHead() => this with { Head = true };

        public Row WithReplyHeader(string name, string value) => this with { ReplyHeader = (name, value) };
    }

    /// <summary>The URLs that the rows speak of.</summary>
    private sealed record Scene(string Disk, string Guest, string Older, string Newer, string Other, string Large, string Gone, string Revoked, string Expired, string Closed, string Protected)
    {
        public static async Task<Scene> CreateAsync(PageBlobServer server)
        {
            Disk disk = await server.NewDiskAsync(Size), gone = await server.NewDiskAsync(Size), closed = await server.NewDiskAsync(Size), secured = await server.NewDiskAsync(Size);
            DiskRestorePoint older = await server.NewPointAsync(disk), newer = await server.NewPointAsync(disk), revoked = await server.NewPointAsync(disk);
            string revokedUrl = await server.GrantAsync(revoked);
            await server.RevokeAsync(revoked.Id);
            string expired = await server.GrantAsync(await server.NewPointAsync(disk), TimeSpan.FromMinutes(1));
            server.Clock.Advance(TimeSpan.FromMinutes(2));
            var scene = new Scene(
                await server.GrantAsync(disk, AccessKind.Read), await server.GrantAsync(disk, AccessKind.Guest), await server.GrantAsync(older), await server.GrantAsync(newer),
                await server.GrantAsync(await server.NewPointAsync(closed)), await server.GrantAsync(await server.NewDiskAsync(8 << 20), AccessKind.Read),
                await server.GrantAsync(gone, AccessKind.Read), revokedUrl, expired, await server.GrantAsync(closed, AccessKind.Read), await server.GrantAsync(secured, AccessKind.Read));
            server.Engine.DeleteHead(gone.Id);
            server.Grants.Change(closed.Id, new AccessRules("DenyAll", null, NeedsToken: false));
            server.Grants.Change(secured.Id, new AccessRules(null, null, NeedsToken: true));
            return scene;
        }
    }
}
