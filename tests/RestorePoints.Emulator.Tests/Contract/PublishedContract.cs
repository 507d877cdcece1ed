using System.Text.Json.Nodes;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>The published contract of Microsoft.Compute as it lies in tests/data/azure-api.</summary>
internal static class PublishedContract
{
    /// <summary>Root of the repository.</summary>
    public static string Root { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Parent!.Parent!.Parent!.Parent!.FullName;

    public static string DataDirectory { get; } = Path.Combine(Root, "tests", "data", "azure-api");

    /// <summary>The two OpenAPI documents.</summary>
    public static IReadOnlyList<JsonObject> Swaggers { get; } = [.. Directory.GetFiles(Path.Combine(DataDirectory, "swagger"), "*.json", SearchOption.AllDirectories).Order().Select(Read)];

    public static IReadOnlyList<PublishedOperation> Operations { get; } = [.. Swaggers.SelectMany(OperationsOf).OrderBy(operation => operation.Id, StringComparer.Ordinal)];

    /// <summary>Versions by resource type without the namespace, oldest first.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Versions { get; } =
        Read(Path.Combine(DataDirectory, "api-versions.json"))["resourceTypes"]!.AsObject().ToDictionary(
            type => type.Key["Microsoft.Compute/".Length..],
            type => (IReadOnlyList<string>)[.. type.Value!["versions"]!.AsArray().Select(version => version!.ToString())]);

    /// <summary>Every version of either family.</summary>
    public static IReadOnlyList<string> AllVersions { get; } = [.. Versions.Values.SelectMany(versions => versions).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Properties by the last segment of the resource type.</summary>
    public static IReadOnlyDictionary<string, PropertyTable> Types { get; } = Directory.GetFiles(Path.Combine(DataDirectory, "types"), "*.json")
        .ToDictionary(file => Path.GetFileNameWithoutExtension(file), file => new PropertyTable(Read(file)["properties"]!.AsObject()));

    public static PublishedOperation Operation(string id) => Operations.Single(operation => operation.Id == id);

    public static JsonObject Read(string file) => JsonNode.Parse(File.ReadAllText(file))!.AsObject();

    private static IEnumerable<PublishedOperation> OperationsOf(JsonObject swagger) =>
        from path in swagger["paths"]!.AsObject()
        from method in path.Value!.AsObject()
        select new PublishedOperation(method.Value!["operationId"]!.ToString(), new HttpMethod(method.Key.ToUpperInvariant()), path.Key, method.Value.AsObject(), swagger);
}

/// <param name="Path">Template below the server, with names in braces.</param>
/// <param name="Document">Of the operation.</param>
/// <param name="Swagger">The document that it is from.</param>
internal sealed record PublishedOperation(string Id, HttpMethod Method, string Path, JsonObject Document, JsonObject Swagger)
{
    /// <summary>Without the namespace: <c>restorePointCollections/restorePoints</c>.</summary>
    public string ResourceType { get; } = string.Join('/', Path[(Path.IndexOf("Microsoft.Compute/", StringComparison.Ordinal) + "Microsoft.Compute/".Length)..].Split('/').Where((_, index) => index % 2 == 0)
        .Where(segment => segment is not ("beginGetAccess" or "endGetAccess" or "start" or "powerOff" or "deallocate" or "instanceView")));

    public bool IsList => Id.Split('_')[1].StartsWith("List", StringComparison.Ordinal);

    /// <summary>Schema of an answer; null when it has no body.</summary>
    public JsonObject? Response(int status) => Document["responses"]?[status.ToString()]?["schema"] as JsonObject;

    public IReadOnlyList<int> Statuses => [.. Document["responses"]!.AsObject().Select(response => response.Key).Where(key => key != "default").Select(int.Parse)];

    /// <summary>The template with its names filled in.</summary>
    public string PathWith(IEnumerable<KeyValuePair<string, string>> names) => names.Aggregate(Path, (path, name) => path.Replace($"{{{name.Key}}}", name.Value));
}

/// <summary>The published properties of a resource type: path, first and last version.</summary>
internal sealed class PropertyTable(JsonObject properties)
{
    public IEnumerable<(string Path, string First, string? Last)> Lines => properties.Select(property => (property.Key, First(property.Value!), Last(property.Value!)));

    /// <summary>null: no version has it.</summary>
    public (string First, string? Last)? Find(string path) => properties.FirstOrDefault(property => property.Key.Equals(path, StringComparison.OrdinalIgnoreCase)).Value is { } found
        ? (First(found), Last(found))
        : null;

    public bool IsReadOnly(string path) => properties[path]?["flags"]?.AsArray().Any(flag => flag!.ToString() == "readOnly") == true;

    public IReadOnlyList<string> Enum(string path) => [.. (properties[path]?["enum"] as JsonArray ?? []).Select(value => value!.ToString())];

    /// <summary>The paths of a body that its version does not know.</summary>
    public IEnumerable<string> Strangers(JsonNode? body, string version) => Strangers(body, version, "");

    private IEnumerable<string> Strangers(JsonNode? node, string version, string path)
    {
        if (node is JsonObject container)
        {
            bool isMap = properties.ContainsKey(path + "{}");
            return container.SelectMany(member =>
                Check(member.Value, version, isMap ? path + "{}" : path.Length == 0 ? member.Key : $"{path}.{member.Key}"));
        }
        return node is JsonArray array ? array.SelectMany(element => Check(element, version, path + "[]")) : [];
    }

    private IEnumerable<string> Check(JsonNode? node, string version, string path)
    {
        if (properties[path] is not JsonObject property)
            return [path];
        if (string.CompareOrdinal(version, First(property)) < 0 || (Last(property) is { } last && string.CompareOrdinal(version, last) > 0))
            return [$"{path} ({First(property)}..{Last(property)})"];
        string type = property["type"]!.ToString();
        return type.StartsWith("Microsoft.Compute/restorePointCollections/restorePoints", StringComparison.Ordinal)
            ? PublishedContract.Types["restorePoints"].Strangers(node, version).Select(stranger => $"{path}.{stranger}")
            : type == "any" ? [] : Strangers(node, version, path);
    }

    private static string First(JsonNode property) => property["first"]!.ToString();

    private static string? Last(JsonNode property) => (bool?)property["stillPresent"] == true ? null : property["last"]!.ToString();
}
