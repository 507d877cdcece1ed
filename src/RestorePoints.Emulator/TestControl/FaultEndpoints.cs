using System.Text.Json;
using System.Text.Json.Serialization;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.TestControl;

/// <summary><c>/emulator/faults[/{id}]</c>: what shall go wrong.</summary>
public static class FaultEndpoints
{
    /// <summary>What a rule does not have is left out.</summary>
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    public static void MapFaults(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/emulator/faults");
        group.MapGet("", (Faults faults) => Results.Json(new { Value = faults.Rules.Select(RuleModel.From) }, s_json));
        group.MapPost("", async (HttpRequest request, Faults faults) =>
        {
            using JsonDocument body = await EmulatorBody.ReadAsync(request);
            FaultRule rule = FaultRuleReader.Read(body.RootElement);
            faults.Add(rule);
            request.HttpContext.Response.Headers.Location = $"{request.BaseUrl()}/emulator/faults/{rule.Id}";
            return Results.Json(RuleModel.From(rule), s_json, statusCode: StatusCodes.Status201Created);
        });
        group.MapDelete("", (Faults faults) =>
        {
            faults.Clear();
            return Results.NoContent();
        });
        group.MapGet("/{id}", (string id, Faults faults) => faults.Find(id) is { } rule
            ? Results.Json(RuleModel.From(rule), s_json)
            : throw ArmErrors.FaultNotFound(RequestJournal.Shown(id)).AsException());
        // A repeat, or a rule that a reset took, is no failure.
        group.MapDelete("/{id}", (string id, Faults faults) =>
        {
            faults.Remove(id);
            return Results.NoContent();
        });
    }

    private sealed record RuleModel(string Id, MatchModel Match, int Nth, int? Times, double Probability, int Seed, EffectModel Effect, int Fired)
    {
        public static RuleModel From(FaultRule rule) => new(rule.Id, new MatchModel(rule.Match.Operation, rule.Match.Method, rule.Match.Path?.Pattern),
            rule.Nth, rule.Times, rule.Probability, rule.Seed, EffectModel.From(rule.Effect), rule.Fired);
    }

    private sealed record MatchModel(string? Operation, string? Method, string? Path);

    private sealed record EffectModel(FaultType Type, int? Status, string? Code, string? Message, int? RetryAfterSeconds, long? DelayMs, long? AfterBytes, int? Percent)
    {
        public static EffectModel From(FaultEffect effect) => new(effect.Type, effect.Status, effect.Code, effect.Message, effect.RetryAfterSeconds, effect.DelayMs, effect.AfterBytes, effect.Percent);
    }
}
