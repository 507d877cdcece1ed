using System.Globalization;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The <c>x-ms-version</c> of a request. Any date is served and echoed, future ones too; what an old version did not know yet is refused
/// or left out by <see cref="IsAtLeast"/>.
/// </summary>
internal readonly record struct ServiceVersion(string Text)
{
    public const string Header = "x-ms-version";

    /// <summary>What a request without a version gets, so that plain curl can page and diff.</summary>
    public const string Newest = "2026-10-06";

    public bool IsAtLeast(string version) => string.CompareOrdinal(Text, version) >= 0;

    public static ServiceVersion Of(HttpRequest request, BlobQuery query)
    {
        string header = request.Headers[Header].ToString();
        string? parameter = query["api-version"];
        if (header.Length > 0 && parameter is not null)
            throw StorageErrors.MultipleVersionsSpecified.AsException();
        string text = header.Length > 0 ? header : parameter ?? Newest;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _))
            return new ServiceVersion(text);
        throw header.Length > 0
            ? StorageErrors.InvalidHeaderValue(Header, header).AsException()
            : StorageErrors.InvalidQueryParameterValue("api-version", text, "The version is not a date.").AsException();
    }
}
