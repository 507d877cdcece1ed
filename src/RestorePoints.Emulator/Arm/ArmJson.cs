using System.Collections.Concurrent;
using System.ComponentModel;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace RestorePoints.Emulator.Arm;

/// <summary>
/// JSON as Azure Resource Manager writes it: indented by two spaces, CRLF, nulls left out, properties in declaration order, only those that the
/// api-version knows; timestamps with up to seven fraction digits, trailing zeros trimmed, and a numeric offset, never <c>Z</c>.
/// </summary>
public static class ArmJson
{
    public const string ContentType = "application/json; charset=utf-8";

    /// <summary>How deep a request may nest. Answers put stored bodies a few levels deeper into others, so it is well below what can be written (64).</summary>
    private const int MaxInputDepth = 32;

    private static readonly ConcurrentDictionary<string, JsonSerializerOptions> OptionsByVersion = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<string, JsonSerializerOptions> InputOptionsByVersion = new(StringComparer.Ordinal);

    /// <summary>Serializer options of one api-version; <c>""</c> shows everything.</summary>
    public static JsonSerializerOptions OptionsFor(string apiVersion) => OptionsByVersion.GetOrAdd(apiVersion, Build);

    /// <summary>As <see cref="OptionsFor"/>, for what clients send: limited depth, no name twice in an object, nothing that is read-only.</summary>
    public static JsonSerializerOptions InputOptionsFor(string apiVersion) => InputOptionsByVersion.GetOrAdd(apiVersion, static version =>
    {
        var options = new JsonSerializerOptions(OptionsFor(version)) { MaxDepth = MaxInputDepth, AllowDuplicateProperties = false };
        options.TypeInfoResolver = options.TypeInfoResolver!.WithAddedModifier(ReadAsSent);
        options.MakeReadOnly();
        return options;
    });

    /// <summary>For what we have written ourselves, with every property.</summary>
    public static T Deserialize<T>(string json) => JsonSerializer.Deserialize<T>(json, OptionsFor(""))!;

    public static string Serialize(object value, string apiVersion) =>
        JsonSerializer.Serialize(value, value.GetType(), OptionsFor(apiVersion));

    /// <summary>Part of a body as it will be stored: names are told apart by case, and none stands twice in an object.</summary>
    /// <param name="path">Of the part in the body.</param>
    public static JsonNode? ParseNode(JsonElement part, string path)
    {
        try
        {
            JsonNode? node = JsonNode.Parse(part.GetRawText(), default, new JsonDocumentOptions { AllowDuplicateProperties = false });
            // A string is looked at when it is first written: half of a surrogate pair would be found too late.
            _ = node?.ToJsonString();
            return node;
        }
        catch (InvalidOperationException)
        {
            throw ArmErrors.InvalidRequestContent($"A string in '{path}' is not valid Unicode.").AsException();
        }
        catch (JsonException fault)
        {
            throw ArmErrors.InvalidRequestContent(Describe(fault, path)).AsException();
        }
    }

    /// <summary>Removes members that are null, at any depth: ARM never answers null.</summary>
    public static void RemoveNulls(JsonNode? node)
    {
        if (node is JsonObject container)
        {
            foreach (string name in container.Where(member => member.Value is null).Select(member => member.Key).ToList())
                container.Remove(name);
            foreach (KeyValuePair<string, JsonNode?> member in container)
                RemoveNulls(member.Value);
        }
        else if (node is JsonArray array)
        {
            foreach (JsonNode? element in array)
                RemoveNulls(element);
        }
    }

    /// <summary>JSON merge patch (RFC 7396); nulls must have been removed from the change before.</summary>
    public static void Merge(JsonObject target, JsonObject change)
    {
        foreach ((string name, JsonNode? value) in change)
        {
            if (value is JsonObject inner && target[name] is JsonObject existing)
                Merge(existing, inner);
            else
                target[name] = value?.DeepClone();
        }
    }

    /// <summary>Where the fault of a body is, without the names of our classes that the serializer's own message contains.</summary>
    /// <param name="root">Path of what was read.</param>
    public static string Describe(JsonException fault, string root) =>
        $"The JSON is malformed or a value has the wrong type. Path '{root}{fault.Path?.TrimStart('$')}', line {fault.LineNumber + 1 ?? 1}, position {fault.BytePositionInLine + 1 ?? 1}.";

    public static string Format(DateTimeOffset value) => value.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFzzz", CultureInfo.InvariantCulture);

    private static JsonSerializerOptions Build(string apiVersion)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            WriteIndented = true,
            NewLine = "\r\n",
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            // The default encoder would escape the & and + of a SAS.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            NumberHandling = JsonNumberHandling.Strict,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver
            {
                Modifiers = { typeInfo => RemoveUnknownProperties(typeInfo, apiVersion) },
            },
            Converters = { new TimestampConverter(), new JsonStringEnumConverter() },
        };
        options.MakeReadOnly();
        return options;
    }

    private static void RemoveUnknownProperties(JsonTypeInfo typeInfo, string apiVersion)
    {
        if (typeInfo.Kind != JsonTypeInfoKind.Object || apiVersion.Length == 0)
            return;
        for (int index = typeInfo.Properties.Count - 1; index >= 0; index--)
        {
            if (AttributeOf<SinceAttribute>(typeInfo.Properties[index])?.Includes(apiVersion) == false)
                typeInfo.Properties.RemoveAt(index);
        }
    }

    private static void ReadAsSent(JsonTypeInfo typeInfo)
    {
        if (typeInfo.Kind != JsonTypeInfoKind.Object)
            return;
        for (int index = typeInfo.Properties.Count - 1; index >= 0; index--)
        {
            JsonPropertyInfo property = typeInfo.Properties[index];
            if (AttributeOf<ReadOnlyAttribute>(property)?.IsReadOnly == true)
                typeInfo.Properties.RemoveAt(index);
            else if (AttributeOf<ValuesAttribute>(property) is { } values)
                property.CustomConverter = new SpellingConverter(values.Values);
        }
    }

    private static T? AttributeOf<T>(JsonPropertyInfo property) where T : Attribute =>
        property.AttributeProvider?.GetCustomAttributes(typeof(T), inherit: false).OfType<T>().FirstOrDefault();

    /// <summary>Gives a known value its published spelling; the validator refuses the others.</summary>
    private sealed class SpellingConverter(IReadOnlyList<string> values) : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw new JsonException();
            string? sent = reader.GetString();
            return values.FirstOrDefault(value => value.Equals(sent, StringComparison.OrdinalIgnoreCase)) ?? sent;
        }

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
    }

    private sealed class TimestampConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(Format(value));
    }
}
