using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// Which part of a list a request asks for: at most <c>$top</c> items after the key that its <c>$skipToken</c> holds. A page goes on after a key, not after
/// a number of rows, so rows that come or go in between move no other row over the border.
/// </summary>
public sealed class ListPage
{
    /// <summary>Items of a page when <c>$top</c> does not say fewer; the page size of ARM's own lists.</summary>
    public const int MaxSize = 1000;

    private const string SkipToken = "$skipToken", Top = "$top";
    private const int CheckBytes = 8;

    private readonly HttpRequest _request;

    private ListPage(HttpRequest request, int size, string[]? after)
    {
        _request = request;
        Size = size;
        After = after;
    }

    public int Size { get; }

    /// <summary>Key of the last item of the page before; null for the first page.</summary>
    public IReadOnlyList<string>? After { get; }

    /// <param name="keyParts">How many parts a key of this list has.</param>
    public static ListPage Of(HttpRequest request, int keyParts)
    {
        string? token = request.Query[SkipToken].FirstOrDefault(), top = request.Query[Top].FirstOrDefault();
        int size = MaxSize;
        if (top is not null && (!int.TryParse(top, NumberStyles.None, CultureInfo.InvariantCulture, out size) || size == 0))
            throw ArmErrors.InvalidTop(top).AsException();
        string[]? after = token is null ? null : KeyOf(token, request) ?? throw ArmErrors.InvalidSkipToken(token).AsException();
        if (after is not null && after.Length != keyParts)
            throw ArmErrors.InvalidSkipToken(token!).AsException();
        return new ListPage(request, Math.Min(size, MaxSize), after);
    }

    /// <param name="rows">Those after <see cref="After"/> in the order of their keys, one more than <see cref="Size"/> when there are more.</param>
    /// <param name="keyOf">The key by which the rows are ordered, unique in the list.</param>
    public ListModel<T> Answer<T>(List<T> rows, Func<T, string[]> keyOf)
    {
        if (rows.Count <= Size)
            return new(rows);
        rows.RemoveRange(Size, rows.Count - Size);
        return new(rows, NextLink(keyOf(rows[^1])));
    }

    /// <summary>A page of a list that is in memory, ordered by its key without regard to case.</summary>
    public static ListModel<T> Of<T>(HttpRequest request, IEnumerable<T> items, Func<T, string> keyOf)
    {
        ListPage page = Of(request, keyParts: 1);
        IEnumerable<T> rest = items.OrderBy(keyOf, StringComparer.OrdinalIgnoreCase);
        if (page.After is { } after)
            rest = rest.Where(item => StringComparer.OrdinalIgnoreCase.Compare(keyOf(item), after[0]) > 0);
        return page.Answer(rest.Take(page.Size + 1).ToList(), item => [keyOf(item)]);
    }

    /// <summary>The request's own URL with its other parameters as they were sent.</summary>
    private string NextLink(string[] key)
    {
        IEnumerable<string> others = _request.QueryString.Value!.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Where(item => !Uri.UnescapeDataString(item.Split('=')[0]).Equals(SkipToken, StringComparison.OrdinalIgnoreCase));
        return $"{_request.BaseUrl()}{_request.Path.ToUriComponent()}?{string.Join('&', others.Append($"{SkipToken}={TokenOf(key)}"))}";
    }

    private string TokenOf(string[] key)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(key);
        return Base64Url.EncodeToString([.. CheckOf(json, _request), .. json]);
    }

    private static string[]? KeyOf(string token, HttpRequest request)
    {
        try
        {
            byte[] bytes = Base64Url.DecodeFromChars(token);
            return bytes.Length > CheckBytes && bytes.AsSpan(0, CheckBytes).SequenceEqual(CheckOf(bytes[CheckBytes..], request))
                ? JsonSerializer.Deserialize<string[]>(bytes.AsSpan(CheckBytes))
                : null;
        }
        catch (Exception fault) when (fault is FormatException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Tells a token of this list from one that was damaged or is of another list.</summary>
    private static ReadOnlySpan<byte> CheckOf(byte[] json, HttpRequest request) =>
        SHA256.HashData([.. Encoding.UTF8.GetBytes(request.Path.Value!.TrimEnd('/').ToLowerInvariant()), 0, .. json]).AsSpan(0, CheckBytes);
}
