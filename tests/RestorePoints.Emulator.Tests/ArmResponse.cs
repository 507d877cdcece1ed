using System.Text;
using System.Text.Json.Nodes;

namespace RestorePoints.Emulator.Tests;

/// <summary>An answer as it came over the wire.</summary>
/// <param name="Request">Method and URL, for messages.</param>
public sealed record ArmResponse(string Request, int Status, ILookup<string, string> Headers, byte[] Body)
{
    private JsonNode? _json;

    public bool HasBody => Body.Length > 0;

    public string Text => Encoding.UTF8.GetString(Body);

    public JsonNode Json => _json ??= JsonNode.Parse(Body) ?? throw new InvalidOperationException("The body is null.");

    public string? ErrorCode => this["error.code"];

    /// <summary>The value at a path such as <c>properties.dataDisks.0.name</c> as text; null when absent.</summary>
    public string? this[string path] => Node(path)?.ToString();

    public JsonNode? Node(string path)
    {
        JsonNode? node = Json;
        foreach (string step in path.Length == 0 ? [] : path.Split('.'))
        {
            node = node switch
            {
                JsonArray array => int.Parse(step) < array.Count ? array[int.Parse(step)] : null,
                JsonObject found => found[step],
                _ => null,
            };
        }
        return node;
    }

    /// <summary>The property names of the object at a path, in the order of the body, separated by blanks.</summary>
    public string Keys(string path = "") => string.Join(' ', Node(path)!.AsObject().Select(pair => pair.Key));

    public int Count(string path) => Node(path)!.AsArray().Count;

    public string? Header(string name) => Headers[name].FirstOrDefault();

    public ArmResponse Expect(params int[] statuses) => statuses.Contains(Status)
        ? this
        : throw new InvalidOperationException($"{Request}: HTTP {Status}, expected {string.Join(" or ", statuses)}: {Text}");
}
