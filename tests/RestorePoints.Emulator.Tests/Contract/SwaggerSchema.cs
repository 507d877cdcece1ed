using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>Checks a body against a schema of an OpenAPI 2.0 document: the subset that the documents use.</summary>
internal static class SwaggerSchema
{
    /// <returns>One line for each fault: the path and what is wrong.</returns>
    public static IEnumerable<string> Faults(JsonObject swagger, JsonObject schema, JsonNode? body, string path = "$")
    {
        if (schema["$ref"] is { } reference)
            return Faults(swagger, Resolve(swagger, reference.ToString()), body, path);
        if (body is null)
            return [$"{path} is null"];
        IEnumerable<string> faults = (schema["allOf"] as JsonArray ?? []).SelectMany(part => Faults(swagger, part!.AsObject(), body, path));
        if (Type(schema) is { } type && !IsOfType(type, schema["format"]?.ToString(), body))
            return [.. faults, $"{path} is not of the type {type} {schema["format"]}: {body.ToJsonString()}"];
        if (schema["enum"] is JsonArray values && !values.Any(value => value!.ToString() == body.ToString()))
            return [.. faults, $"{path} has the value '{body}' and not one of {values.ToJsonString()}"];
        if (body is JsonArray array)
            return faults.Concat(array.SelectMany((element, index) => Faults(swagger, schema["items"]!.AsObject(), element, $"{path}[{index}]")));
        if (body is not JsonObject container)
            return faults;

        foreach (JsonNode? required in schema["required"] as JsonArray ?? [])
            if (!container.ContainsKey(required!.ToString()))
                faults = faults.Append($"{path}.{required} is missing");
        foreach ((string name, JsonNode? value) in container)
        {
            if ((schema["properties"]?[name] ?? schema["additionalProperties"]) is JsonObject member)
                faults = faults.Concat(Faults(swagger, member, value, $"{path}.{name}"));
        }
        return faults;
    }

    private static JsonObject Resolve(JsonObject swagger, string reference) =>
        reference.TrimStart('#', '/').Split('/').Aggregate((JsonNode)swagger, (node, step) => node[step] ?? throw new KeyNotFoundException(reference)).AsObject();

    private static string? Type(JsonObject schema) => schema["type"]?.ToString() ?? (schema["properties"] is null ? null : "object");

    private static bool IsOfType(string type, string? format, JsonNode body) => (type, body.GetValueKind()) switch
    {
        ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("boolean", JsonValueKind.True or JsonValueKind.False) or ("number", JsonValueKind.Number) => true,
        ("integer", JsonValueKind.Number) => format == "int64" ? long.TryParse(body.ToString(), out _) : int.TryParse(body.ToString(), out _),
        ("string", JsonValueKind.String) => format switch
        {
            "date-time" => DateTimeOffset.TryParse(body.ToString(), CultureInfo.InvariantCulture, out _),
            "uuid" => Guid.TryParse(body.ToString(), out _),
            "uri" => Uri.TryCreate(body.ToString(), UriKind.Absolute, out _),
            null or "byte" or "password" => true,
            _ => throw new NotSupportedException($"The format '{format}' of a string."),
        },
        _ => false,
    };
}
