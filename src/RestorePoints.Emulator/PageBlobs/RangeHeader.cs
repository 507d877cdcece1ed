namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The range of a request, after "Specifying the range header for Blob service operations": <c>x-ms-range</c> goes before <c>Range</c>, and
/// the only forms are <c>bytes=a-</c> and <c>bytes=a-b</c>. Suffix ranges and several ranges are not among them.
/// </summary>
/// <param name="First">First byte; numbers beyond 63 bits count as the greatest.</param>
/// <param name="Last">Last byte; null: to the end.</param>
internal readonly record struct RangeHeader(long First, long? Last)
{
    public const string StorageHeader = "x-ms-range";
    public const string SourceHeader = "x-ms-source-range";

    /// <summary>What the request has, whichever header: its name and value, or null.</summary>
    public static (string Name, string Value)? Find(HttpRequest request)
    {
        if (request.Headers[StorageHeader].ToString() is { Length: > 0 } own)
            return (StorageHeader, own);
        return request.Headers.Range.ToString() is { Length: > 0 } standard ? ("Range", standard) : null;
    }

    /// <summary>null: not in one of the two forms.</summary>
    public static RangeHeader? Parse(string text)
    {
        const string unit = "bytes=";
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        if (!rest.StartsWith(unit, StringComparison.OrdinalIgnoreCase))
            return null;
        rest = rest[unit.Length..].Trim();
        int dash = rest.IndexOf('-');
        if (dash < 0 || ParseNumber(rest[..dash].Trim()) is not { } first)
            return null;
        ReadOnlySpan<char> end = rest[(dash + 1)..].Trim();
        if (end.IsEmpty)
            return new(first, null);
        return ParseNumber(end) is { } last && last >= first ? new(first, last) : null;
    }

    /// <summary>The bytes of a blob that a read gets; an end behind the blob is cut. null: no range, or none to honour, so all of it.</summary>
    /// <exception cref="StorageException">InvalidRange: starts at or behind the end.</exception>
    public static ByteRange? OfRead(HttpRequest request, long lengthBytes) =>
        Find(request) is { } header && Parse(header.Value) is { } range ? range.Within(lengthBytes) : null;

    /// <summary>The part of a blob that a page list covers, in whole sectors; without a range, all of it.</summary>
    public static ByteRange OfPageList(HttpRequest request, long lengthBytes)
    {
        if (Find(request) is not { } header)
            return new(0, lengthBytes);
        if (Parse(header.Value) is not { } range)
            throw StorageErrors.InvalidHeaderValue(header.Name, header.Value).AsException();
        return range.Within(lengthBytes).ToSectors(lengthBytes);
    }

    /// <summary>The pages that a write names: both ends given, whole sectors.</summary>
    public static ByteRange OfWrite(HttpRequest request)
    {
        if (Find(request) is not { } header)
            throw StorageErrors.MissingRequiredHeader(StorageHeader).AsException();
        if (Parse(header.Value) is not { Last: { } last and < long.MaxValue } range || new ByteRange(range.First, last + 1) is not { IsAligned: true } pages)
            throw StorageErrors.InvalidPageRange.AsException();
        return pages;
    }

    /// <summary>The bytes of a copy's source: both ends given, whole sectors, as long as the pages that they go to.</summary>
    public static ByteRange OfSource(HttpRequest request, long lengthBytes)
    {
        string text = request.Headers[SourceHeader].ToString();
        if (text.Length == 0)
            throw StorageErrors.MissingRequiredHeader(SourceHeader).AsException();
        return Parse(text) is { Last: { } last and < long.MaxValue } range && new ByteRange(range.First, last + 1) is { IsAligned: true } source && source.LengthBytes == lengthBytes
            ? source
            : throw StorageErrors.InvalidHeaderValue(SourceHeader, text).AsException();
    }

    private ByteRange Within(long lengthBytes)
    {
        if (First >= lengthBytes)
            throw StorageErrors.InvalidRange(lengthBytes).AsException();
        return new(First, Last is { } last && last < lengthBytes ? last + 1 : lengthBytes);
    }

    private static long? ParseNumber(ReadOnlySpan<char> digits)
    {
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
            return null;
        return long.TryParse(digits, out long number) ? number : long.MaxValue;
    }
}
