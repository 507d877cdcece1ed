using System.Text.Json;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.TestControl;

/// <summary><c>/emulator/regions[/{region}]</c>: which regions are lost.</summary>
public static class RegionEndpoints
{
    public static void MapRegions(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/emulator/regions");
        group.MapGet("", (RegionStates regions, RegionStores stores) =>
            new { Value = stores.Existing().Union(regions.All.Keys).Order(StringComparer.Ordinal).Select(name => ModelOf(regions, name)) });
        group.MapGet("/{region}", (string region, RegionStates regions) => ModelOf(regions, NameOf(region)));
        group.MapPut("/{region}", async (string region, HttpRequest request, RegionStates regions, EmulatorDbContext db, CatalogWriter writer) =>
        {
            string name = NameOf(region);
            using JsonDocument body = await EmulatorBody.ReadAsync(request);
            RegionState state = StateOf(body.RootElement);
            await using (CatalogWrite write = await writer.BeginAsync(db, CancellationToken.None))
            {
                await RegionStates.SetAsync(db, name, state);
                await write.CommitAsync();
                await regions.LoadAsync(db);
            }
            return ModelOf(regions, name);
        });
    }

    private static string NameOf(string region) =>
        Regions.IsWellFormed(region) ? Regions.Normalize(region) : throw ArmErrors.InvalidParameter("region", $"'{RequestJournal.Shown(region)}' is not the name of a region: it has letters and digits only.").AsException();

    private static RegionState StateOf(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object)
            throw Refused("$", "The body must be a JSON object.");
        foreach (JsonProperty member in body.EnumerateObject())
            if (member.Name != "state")
                throw Refused(RequestJournal.Shown(member.Name), $"The member '{RequestJournal.Shown(member.Name)}' is not known. Known ones are: state.");
        string? sent = body.TryGetProperty("state", out JsonElement state) && state.ValueKind == JsonValueKind.String ? state.GetRawText().Trim('"') : null;
        foreach (RegionState known in Enum.GetValues<RegionState>())
            if (known.ToString().Equals(sent, StringComparison.OrdinalIgnoreCase))
                return known;
        throw Refused("state", $"The value '{RequestJournal.Shown(sent ?? "")}' of 'state' is not allowed. Allowed values are: {string.Join(", ", Enum.GetNames<RegionState>())}.");
    }

    private static RegionModel ModelOf(RegionStates regions, string name) => new(name, (regions.IsOffline(name) ? RegionState.Offline : RegionState.Online).ToString());

    private static ArmException Refused(string target, string message) => ArmErrors.InvalidParameter(target, message).AsException();

    private sealed record RegionModel(string Name, string State);
}
