using Microsoft.AspNetCore.WebUtilities;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The query of a blob URL, decoded once. Unknown items are ignored, as the service does. A repeated item counts once when all its
/// values are equal: the .NET client sends <c>snapshot</c> twice when it is given a URL that has one already.
/// </summary>
internal sealed class BlobQuery
{
    private readonly List<KeyValuePair<string, string>> _items = new(8);

    /// <param name="query">Encoded, with or without its question mark.</param>
    public BlobQuery(string? query)
    {
        foreach (QueryStringEnumerable.EncodedNameValuePair pair in new QueryStringEnumerable(query))
            _items.Add(new(pair.DecodeName().ToString(), pair.DecodeValue().ToString()));
    }

    /// <summary>The first value of an item, possibly empty; null when the query does not have it.</summary>
    public string? this[string name]
    {
        get
        {
            foreach ((string key, string value) in _items)
                if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
                    return value;
            return null;
        }
    }

    /// <summary>The value of an item that must not be given twice with different values.</summary>
    public string? Single(string name)
    {
        string? first = this[name];
        foreach ((string key, string value) in _items)
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase) && value != first)
                throw StorageErrors.InvalidQueryParameterValue(name, value, "The query parameter is specified more than once with different values.").AsException();
        return first;
    }
}
