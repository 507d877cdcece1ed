using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.WebUtilities;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.TestControl;

/// <summary>Reads a fault rule; whatever is not known, not possible or without meaning is refused with its name.</summary>
internal static partial class FaultRuleReader
{
    private const int LongestMessage = 4096;
    private const long LongestDelayMs = 24 * 60 * 60 * 1000L;

    public static FaultRule Read(JsonElement body)
    {
        RequireMembers(body, "", "match", "nth", "times", "probability", "seed", "effect");
        FaultMatch match = ReadMatch(Member(body, "match"), out bool? isBlob);
        FaultEffect effect = ReadEffect(Member(body, "effect") ?? throw Refused("effect", "A fault rule needs an effect."));
        RequirePossible(match, isBlob, effect.Type);
        return new FaultRule(match,
            (int)(Integer(body, "", "nth", 1, int.MaxValue) ?? 1),
            (int?)Integer(body, "", "times", 1, int.MaxValue),
            Probability(body),
            (int)(Integer(body, "", "seed", int.MinValue, int.MaxValue) ?? Random.Shared.Next()),
            effect);
    }

    /// <param name="isBlob">Of which plane the operation is; null: none is named.</param>
    private static FaultMatch ReadMatch(JsonElement? match, out bool? isBlob)
    {
        isBlob = null;
        if (match is not { } given)
            return new FaultMatch(null, null, null);
        RequireMembers(given, "match", "operation", "method", "path");
        string? operation = null, method = Text(given, "match", "method");
        if (Text(given, "match", "operation") is { } name)
        {
            operation = OperationNames.Find(name, out bool blob)
                ?? throw Refused("match.operation", $"The operation '{Shown(name)}' does not exist. It is the operationId of an operation that is served, or one of the data plane.");
            isBlob = blob;
        }
        if (method is not null && !MethodPattern.IsMatch(method))
            throw Refused("match.method", $"The value '{Shown(method)}' of 'match.method' is not an HTTP method.");
        PathGlob? path = null;
        if (Text(given, "match", "path") is { } pattern)
            path = PathGlob.Parse(pattern) ?? throw Refused("match.path", $"The value '{Shown(pattern)}' of 'match.path' is not a pattern of paths that begins with '/' or '*'.");
        return new FaultMatch(operation, method?.ToUpperInvariant(), path);
    }

    private static FaultEffect ReadEffect(JsonElement effect)
    {
        RequireMembers(effect, "effect", "type", "status", "code", "message", "retryAfterSeconds", "delayMs", "afterBytes", "percent");
        string? name = Text(effect, "effect", "type");
        if (!Array.Exists(Enum.GetNames<FaultType>(), known => known.Equals(name, StringComparison.OrdinalIgnoreCase)))
            throw Refused("effect.type", $"The value '{Shown(name ?? "")}' of 'effect.type' is not allowed. Allowed values are: {string.Join(", ", Enum.GetNames<FaultType>())}.");
        FaultType type = Enum.Parse<FaultType>(name!, ignoreCase: true);
        string[] members = MembersOf(type);
        foreach (JsonProperty member in effect.EnumerateObject())
            if (member.Value.ValueKind != JsonValueKind.Null && member.Name != "type" && !members.Contains(member.Name))
                throw Refused($"effect.{member.Name}", $"An effect of the type {type} has no '{member.Name}'. It has: {string.Join(", ", members.Prepend("type"))}.");

        var read = new FaultEffect(type, (int?)Integer(effect, "effect", "status", 400, 599), Text(effect, "effect", "code"), Text(effect, "effect", "message"),
            (int?)Integer(effect, "effect", "retryAfterSeconds", 0, int.MaxValue), Integer(effect, "effect", "delayMs", 0, LongestDelayMs),
            Integer(effect, "effect", "afterBytes", 0, long.MaxValue), (int?)Integer(effect, "effect", "percent", 0, 100));
        if (read.Code is { } code && !CodePattern.IsMatch(code))
            throw Refused("effect.code", $"The value '{Shown(code)}' of 'effect.code' is not an error code: 1 to 128 letters, digits, '_', '-' and '.'.");
        if (read.Message is { Length: > LongestMessage })
            throw Refused("effect.message", $"The value of 'effect.message' is longer than {LongestMessage} characters.");
        return type switch
        {
            FaultType.Error => WithError(read, StatusCodes.Status503ServiceUnavailable),
            FaultType.FailOperation => WithError(read, StatusCodes.Status409Conflict),
            FaultType.Delay when read.DelayMs is null => throw Missing("delayMs", type),
            FaultType.StallReplication when read.Percent is null => throw Missing("percent", type),
            _ => read,
        };
    }

    private static string[] MembersOf(FaultType type) => type switch
    {
        FaultType.Error => ["status", "code", "message", "retryAfterSeconds"],
        FaultType.FailOperation => ["status", "code", "message"],
        FaultType.Delay => ["delayMs"],
        FaultType.Cut => ["afterBytes"],
        FaultType.StallReplication => ["percent"],
        _ => [],
    };

    /// <summary>The code is by default the reason phrase of the status, without blanks.</summary>
    private static FaultEffect WithError(FaultEffect effect, int defaultStatus)
    {
        int status = effect.Status ?? defaultStatus;
        string reason = ReasonPhrases.GetReasonPhrase(status).Replace(" ", "", StringComparison.Ordinal);
        return effect with { Status = status, Code = effect.Code ?? (CodePattern.IsMatch(reason) ? reason : "InjectedFault"), Message = effect.Message ?? "A fault rule asked for this error." };
    }

    private static void RequirePossible(FaultMatch match, bool? isBlob, FaultType type)
    {
        bool possible = type switch
        {
            FaultType.WrongChecksum => isBlob is null || (isBlob == true && Faults.HasChecksum(Enum.Parse<PageBlobs.BlobOperation>(match.Operation!))),
            FaultType.FailOperation or FaultType.StallReplication => isBlob != true,
            _ => true,
        };
        if (!possible)
            throw Refused("match.operation", $"The operation '{match.Operation}' cannot have an effect of the type {type}.");
    }

    private static double Probability(JsonElement body)
    {
        if (Member(body, "probability") is not { } value)
            return 1;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double probability) && probability is >= 0 and <= 1
            ? probability
            : throw Refused("probability", $"The value '{Shown(value.GetRawText())}' of 'probability' is not a number from 0 to 1.");
    }

    private static void RequireMembers(JsonElement container, string path, params string[] known)
    {
        if (container.ValueKind != JsonValueKind.Object)
            throw Refused(path.Length == 0 ? "$" : path, $"The value of '{(path.Length == 0 ? "$" : path)}' must be a JSON object.");
        foreach (JsonProperty member in container.EnumerateObject())
            if (!known.Contains(member.Name, StringComparer.Ordinal))
                throw Refused(Name(path, Shown(member.Name)), $"The member '{Name(path, Shown(member.Name))}' is not known. Known ones are: {string.Join(", ", known)}.");
    }

    private static long? Integer(JsonElement container, string path, string name, long least, long most)
    {
        if (Member(container, name) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= least && number <= most
            ? number
            : throw Refused(Name(path, name), $"The value '{Shown(value.GetRawText())}' of '{Name(path, name)}' is not an integer from {least.ToString(CultureInfo.InvariantCulture)} to {most.ToString(CultureInfo.InvariantCulture)}.");
    }

    private static string? Text(JsonElement container, string path, string name)
    {
        if (Member(container, name) is not { } value)
            return null;
        try
        {
            if (value.ValueKind == JsonValueKind.String)
                return value.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
        }
        throw Refused(Name(path, name), $"The value of '{Name(path, name)}' is not a string.");
    }

    /// <summary>null is as good as absent.</summary>
    private static JsonElement? Member(JsonElement container, string name) =>
        container.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string Name(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private static string Shown(string text) => RequestJournal.Shown(text);

    private static ArmException Missing(string name, FaultType type) => Refused($"effect.{name}", $"An effect of the type {type} needs '{name}'.");

    private static ArmException Refused(string target, string message) => ArmErrors.InvalidParameter(target, message).AsException();

    [GeneratedRegex(@"\A[A-Za-z0-9_.-]{1,128}\z", RegexOptions.CultureInvariant)]
    private static partial Regex CodePattern { get; }

    [GeneratedRegex(@"\A[A-Za-z]{1,32}\z", RegexOptions.CultureInvariant)]
    private static partial Regex MethodPattern { get; }
}
