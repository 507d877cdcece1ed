using System.Text.Json;

namespace RestorePoints.Emulator.Store;

/// <summary>The tags of a resource in the order of the request. Immutable: a change replaces the whole set, as ARM does.</summary>
public sealed class Tags(IReadOnlyList<KeyValuePair<string, string>> pairs) : IEquatable<Tags>
{
    public IReadOnlyList<KeyValuePair<string, string>> Pairs { get; } = pairs;

    public static Tags? From(IReadOnlyDictionary<string, string>? tags) => tags is null ? null : new Tags([.. tags]);

    /// <summary>A dictionary that enumerates in the stored order.</summary>
    public Dictionary<string, string> ToDictionary() => new(Pairs);

    public string ToJson() => JsonSerializer.Serialize(Pairs.Select(pair => new[] { pair.Key, pair.Value }));

    public static Tags FromJson(string json) =>
        new([.. JsonSerializer.Deserialize<string[][]>(json)!.Select(pair => KeyValuePair.Create(pair[0], pair[1]))]);

    public bool Equals(Tags? other) => other is not null && Pairs.SequenceEqual(other.Pairs);

    public override bool Equals(object? obj) => Equals(obj as Tags);

    public override int GetHashCode() => Pairs.Count == 0 ? 0 : HashCode.Combine(Pairs.Count, Pairs[0]);
}
