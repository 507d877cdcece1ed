using RestorePoints.Emulator.Identity;
using RestorePoints.Emulator.TestControl;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The catalogue of the data plane's errors: status, code and literal text, after "Blob service error codes" and "Common REST API error
/// codes" of the Azure Storage REST reference.
/// </summary>
internal static class StorageErrors
{
    // Access

    public static StorageError AuthenticationFailed(string detail) => new(403, "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
        ("AuthenticationErrorDetail", detail));

    /// <summary>A token is needed beside the SAS.</summary>
    public static StorageError NoAuthenticationInformation(string challenge) => new(401, "NoAuthenticationInformation",
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.")
    { Headers = [("WWW-Authenticate", challenge)] };

    public static StorageError InvalidAuthenticationInfo(TokenFault fault, string challenge) => new(401, "InvalidAuthenticationInfo",
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        ("AuthenticationErrorDetail", fault switch
        {
            TokenFault.Audience => "Audience validation failed. Audience did not match.",
            TokenFault.Lifetime => "Lifetime validation failed. The token is expired.",
            TokenFault.Tenant => "Issuer validation failed. Issuer did not match.",
            _ => "Signature validation failed.",
        }))
    { Headers = [("WWW-Authenticate", challenge)] };

    public static StorageError AuthorizationPermissionMismatch { get; } = new(403, "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.");

    public static StorageError CorsPreflightFailure { get; } = new(403, "CorsPreflightFailure",
        "CORS not enabled or no matching rule found for this request.");

    /// <summary>What an anonymous caller learns about a private blob.</summary>
    public static StorageError ResourceNotFound { get; } = new(404, "ResourceNotFound", "The specified resource does not exist.");

    public static StorageError BlobNotFound { get; } = new(404, "BlobNotFound", "The specified blob does not exist.");

    // Request

    public static StorageError InvalidUri { get; } = new(400, "InvalidUri", "The requested URI does not represent any resource on the server.");

    public static StorageError InvalidInput { get; } = new(400, "InvalidInput", "One of the request inputs is not valid.");

    public static StorageError InvalidHeaderValue(string name, string value) => new(400, "InvalidHeaderValue",
        "The value for one of the HTTP headers is not in the correct format.", ("HeaderName", name), ("HeaderValue", value));

    public static StorageError MissingRequiredHeader(string name) => new(400, "MissingRequiredHeader",
        "An HTTP header that's mandatory for this request is not specified.", ("HeaderName", name));

    public static StorageError InvalidQueryParameterValue(string name, string value, string reason) => new(400, "InvalidQueryParameterValue",
        "Value for one of the query parameters specified in the request URI is invalid.",
        ("QueryParameterName", name), ("QueryParameterValue", value), ("Reason", reason));

    public static StorageError OutOfRangeQueryParameterValue(string name, string value, string minimum, string maximum) => new(400, "OutOfRangeQueryParameterValue",
        "One of the query parameters specified in the request URI is outside the permissible range.",
        ("QueryParameterName", name), ("QueryParameterValue", value), ("MinimumAllowed", minimum), ("MaximumAllowed", maximum));

    public static StorageError MultipleVersionsSpecified { get; } = new(400, "MultipleVersionsSpecified",
        "Both x-ms-version header and api-version query parameter are specified.");

    public static StorageError UnsupportedHttpVerb { get; } = new(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.");

    public static StorageError MissingContentLength { get; } = new(411, "MissingContentLengthHeader", "The Content-Length header was not specified.");

    public static StorageError RequestBodyTooLarge(long limitBytes) => new(413, "RequestBodyTooLarge",
        "The request body is too large and exceeds the maximum permissible limit.", ("MaxLimit", limitBytes.ToString()));

    /// <summary>The request ended before, or broke, what it announced.</summary>
    public static StorageError UnreadableRequest(int status) => new(status, "InvalidInput", "One of the request inputs is not valid.");

    // Conditions

    public static StorageError ConditionNotMet { get; } = new(412, "ConditionNotMet",
        "The condition specified using HTTP conditional header(s) is not met.");

    public static StorageError NotModified { get; } = ConditionNotMet with { Status = 304 };

    public static StorageError UnsatisfiableCondition { get; } = new(400, "UnsatisfiableCondition",
        "The request includes an unsatisfiable condition for this operation.");

    public static StorageError SequenceNumberConditionNotMet { get; } = new(412, "SequenceNumberConditionNotMet",
        "The sequence number condition specified was not met.");

    public static StorageError SourceConditionNotMet { get; } = new(412, "SourceConditionNotMet",
        "The source condition specified using HTTP conditional header(s) is not met.");

    public static StorageError NoLease { get; } = new(412, "LeaseNotPresentWithBlobOperation", "There is currently no lease on the blob.");

    public static StorageError BlobAlreadyExists { get; } = new(409, "BlobAlreadyExists", "The specified blob already exists.");

    public static StorageError InvalidBlobType { get; } = new(409, "InvalidBlobType", "The blob type is invalid for this operation.");

    // Ranges and checksums

    public static StorageError InvalidRange(long lengthBytes) => new(416, "InvalidRange",
        "The range specified is invalid for the current size of the resource.")
    { Headers = [("Content-Range", $"bytes */{lengthBytes}")] };

    public static StorageError InvalidPageRange { get; } = new(416, "InvalidPageRange", "The page range specified is invalid.");

    public static StorageError InvalidMd5 { get; } = new(400, "InvalidMd5",
        "The MD5 value specified in the request is invalid. MD5 value must be 128 bits and base64 encoded.");

    public static StorageError Md5Mismatch(string sent, string computed) => new(400, "Md5Mismatch",
        "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
        ("UserSpecifiedMd5", sent), ("ServerCalculatedMd5", computed));

    public static StorageError InvalidCrc64 { get; } = new(400, "InvalidCrc64",
        "The CRC64 value specified in the request is invalid. CRC64 value must be 64 bits and base64 encoded.");

    public static StorageError Crc64Mismatch(string sent, string computed) => new(400, "Crc64Mismatch",
        "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
        ("UserSpecifiedCrc64", sent), ("ServerCalculatedCrc64", computed));

    public static StorageError BothCrc64AndMd5 { get; } = new(400, "BothCrc64AndMd5HeaderPresent",
        "Both x-ms-content-crc64 header and Content-MD5 header are present.");

    public static StorageError BothCrc64AndMd5Range { get; } = new(400, "BothCrc64AndMd5RangeHeaderPresent",
        "Both x-ms-range-get-content-crc64 header and x-ms-range-get-content-md5 header are present.");

    // Copies

    /// <summary>The source cannot be read: status and message are those that its own reader would get.</summary>
    public static StorageError CannotVerifyCopySource(StorageError cause) => new(cause.Status, "CannotVerifyCopySource", cause.Message,
        [("CopySourceStatusCode", cause.Status.ToString()), ("CopySourceErrorCode", cause.Code), ("CopySourceErrorMessage", cause.Message), .. cause.Extra])
    {
        Headers = [("x-ms-copy-source-status-code", cause.Status.ToString()), ("x-ms-copy-source-error-code", cause.Code), .. cause.Headers],
    };

    /// <summary>The emulator sends no requests: a source elsewhere cannot be read, whatever it is.</summary>
    public static StorageError CopySourceElsewhere { get; } = new(400, "CannotVerifyCopySource",
        "The copy source is not a URL of this emulator, and the emulator sends no requests to others.");

    // Snapshots and differences

    public static StorageError WriteToSnapshot { get; } = new(400, "InvalidOperation", "Invalid operation against a blob snapshot.");

    public static StorageError PreviousSnapshotNotFound { get; } = new(409, "PreviousSnapshotNotFound", "The previous snapshot is not found.");

    public static StorageError PreviousSnapshotCannotBeNewer { get; } = new(400, "PreviousSnapshotCannotBeNewer",
        "The prevsnapshot query parameter value cannot be newer than snapshot query parameter value.");

    public static StorageError PreviousSnapshotOperationNotSupported { get; } = new(409, "PreviousSnapshotOperationNotSupported",
        "Differential Get Page Ranges is not supported on the previous snapshot.");

    public static StorageError BlobOverwritten { get; } = new(409, "BlobOverwritten",
        "The blob has been recreated since the previous snapshot was taken.");

    public static StorageError FeatureVersionMismatch { get; } = new(409, "FeatureVersionMismatch",
        "The operation or one of its parameters needs a newer value of x-ms-version.");

    // The emulator's own failures

    /// <summary>Of a lost region.</summary>
    public static StorageError ServerBusy { get; } = new(503, "ServerBusy", "The server is busy.");

    /// <summary>Of a fault rule.</summary>
    public static StorageError Injected(FaultEffect effect) => new(effect.Status!.Value, effect.Code!, effect.Message!)
    {
        Headers = effect.RetryAfterSeconds is { } seconds ? [("Retry-After", seconds.ToString())] : [],
    };

    public static StorageError InternalError { get; } = new(500, "InternalError", "Server encountered an internal error. Please try again after some time.");
}
