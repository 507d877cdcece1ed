using System.Globalization;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// <c>maxresults</c> and <c>marker</c> of the page lists, from version 2020-10-02 on. Without <c>maxresults</c> a list is always complete: many
/// clients never follow a marker and would take the rest for empty.
/// </summary>
/// <param name="MaxResults">null: all.</param>
/// <param name="Start">Where the list goes on; 0: at the beginning.</param>
internal readonly record struct PageListPaging(int? MaxResults, long Start)
{
    private const string FirstVersion = "2020-10-02";
    private const int Cap = 10_000;
    private const string MarkerPrefix = "1!";

    public static PageListPaging Of(BlobCall call) => call.Version.IsAtLeast(FirstVersion)
        ? new(ParseMaxResults(call.Query.Single("maxresults")), ParseMarker(call.Query.Single("marker")))
        : default;

    /// <summary>Opaque for clients: the offset of the first range that is not in this answer.</summary>
    public static string MarkerOf(long offsetBytes) => $"{MarkerPrefix}{offsetBytes:x16}";

    private static int? ParseMaxResults(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            throw StorageErrors.InvalidQueryParameterValue("maxresults", text, "The value is not a number.").AsException();
        if (number <= 0)
            throw StorageErrors.OutOfRangeQueryParameterValue("maxresults", text, "1", Cap.ToString()).AsException();
        return (int)Math.Min(number, Cap);
    }

    private static long ParseMarker(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return 0;
        if (text.StartsWith(MarkerPrefix, StringComparison.Ordinal)
            && long.TryParse(text.AsSpan(MarkerPrefix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long offset)
            && offset >= 0 && offset % ByteRange.SectorBytes == 0)
            return offset;
        throw StorageErrors.InvalidQueryParameterValue("marker", text, "The marker was not returned by an earlier call.").AsException();
    }
}
