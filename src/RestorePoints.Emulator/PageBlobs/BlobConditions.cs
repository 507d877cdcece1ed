using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// Conditional headers, after "Specifying conditional headers for Blob service operations", with the precedence of RFC 9110 (an entity tag
/// goes before a date). An empty If-Match counts as absent: the .NET client sends it when it never saw an ETag.
/// </summary>
internal static class BlobConditions
{
    private const string LeaseId = "x-ms-lease-id";
    private const string SourcePrefix = "x-ms-source-";

    private static readonly string[] s_headers =
        [HeaderNames.IfMatch, HeaderNames.IfNoneMatch, HeaderNames.IfModifiedSince, HeaderNames.IfUnmodifiedSince, LeaseId, .. SequenceConditions.Headers];

    public static bool AreGiven(HttpRequest request)
    {
        foreach (string header in s_headers)
            if (request.Headers[header].Count > 0 && request.Headers[header].ToString().Length > 0)
                return true;
        return false;
    }

    /// <exception cref="StorageException">ConditionNotMet (412), NotModified (304) or what is wrong with the header.</exception>
    public static void CheckRead(HttpRequest request, BlobIdentity blob)
    {
        if (Header(request, HeaderNames.IfNoneMatch) == "*")
            throw StorageErrors.UnsatisfiableCondition.AsException();
        CheckUnchanged(request, blob);
        if (IsUnmodified(request, blob, HeaderNames.IfNoneMatch, HeaderNames.IfModifiedSince))
            throw StorageErrors.NotModified.AsException();
    }

    /// <exception cref="StorageException">ConditionNotMet or SequenceNumberConditionNotMet (412), or what is wrong with the header.</exception>
    public static void CheckWrite(HttpRequest request, BlobIdentity blob)
    {
        CheckUnchanged(request, blob);
        if (IsUnmodified(request, blob, HeaderNames.IfNoneMatch, HeaderNames.IfModifiedSince))
            throw StorageErrors.ConditionNotMet.AsException();
        SequenceConditions.Check(request);
    }

    /// <summary>The conditions on the source of a copy.</summary>
    /// <exception cref="StorageException">SourceConditionNotMet (412), or what is wrong with the header.</exception>
    public static void CheckSource(HttpRequest request, BlobIdentity source)
    {
        if (!IsUnchanged(request, source, SourcePrefix + HeaderNames.IfMatch, SourcePrefix + HeaderNames.IfUnmodifiedSince)
            || IsUnmodified(request, source, SourcePrefix + HeaderNames.IfNoneMatch, SourcePrefix + HeaderNames.IfModifiedSince))
            throw StorageErrors.SourceConditionNotMet.AsException();
    }

    private static void CheckUnchanged(HttpRequest request, BlobIdentity blob)
    {
        if (Header(request, LeaseId) is not null)
            throw StorageErrors.NoLease.AsException();
        if (!IsUnchanged(request, blob, HeaderNames.IfMatch, HeaderNames.IfUnmodifiedSince))
            throw StorageErrors.ConditionNotMet.AsException();
    }

    private static bool IsUnchanged(HttpRequest request, BlobIdentity blob, string match, string since) => Header(request, match) is { } tags
        ? Matches(tags, blob.ETag)
        : Date(request, since) is not { } limit || Seconds(blob.LastModified) <= limit;

    private static bool IsUnmodified(HttpRequest request, BlobIdentity blob, string noneMatch, string since) =>
        Header(request, noneMatch) is { } tags
            ? Matches(tags, blob.ETag)
            : Date(request, since) is { } limit && Seconds(blob.LastModified) <= limit;

    private static bool Matches(string tags, string etag)
    {
        foreach (Range part in tags.AsSpan().Split(','))
        {
            ReadOnlySpan<char> tag = tags.AsSpan(part).Trim();
            if (tag.StartsWith("W/"))
                tag = tag[2..];
            if (tag is "*" || tag.Trim('"').SequenceEqual(etag.AsSpan().Trim('"')))
                return true;
        }
        return false;
    }

    private static DateTimeOffset? Date(HttpRequest request, string name)
    {
        if (Header(request, name) is not { } text)
            return null;
        if (HeaderUtilities.TryParseDate(text, out DateTimeOffset date)
            || DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out date))
            return date;
        throw StorageErrors.InvalidHeaderValue(name, text).AsException();
    }

    private static string? Header(HttpRequest request, string name) => request.Headers[name].ToString() is { Length: > 0 } value ? value : null;

    /// <summary>HTTP dates have no fractions.</summary>
    private static DateTimeOffset Seconds(DateTimeOffset time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerSecond));
}
