using System.Text.Json;
using System.Text.Json.Serialization;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.TestControl;

/// <summary>
/// <c>/emulator{vmId}/guest</c>: what the guest of a virtual machine reports, on which the consistency of its restore points depends. Kept until the machine is deleted.
/// </summary>
public static class GuestState
{
    private const string Path = "/emulator/subscriptions/{subscriptionId}/resourceGroups/{resourceGroup}/providers/Microsoft.Compute/virtualMachines/{vm}/guest";

    public static void MapGuestState(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, GetAsync);
        routes.MapPut(Path, PutAsync);
    }

    private static async Task<GuestReading> GetAsync(string subscriptionId, string resourceGroup, string vm, EmulatorDbContext db, CancellationToken cancellationToken) =>
        Read(await DiskContentLookup.FindMachineAsync(db, subscriptionId, resourceGroup, vm, cancellationToken));

    /// <summary>What the body leaves out stays as it is.</summary>
    private static async Task<GuestReading> PutAsync(string subscriptionId, string resourceGroup, string vm, HttpRequest http,
        EmulatorDbContext db, CatalogWriter writer, CancellationToken cancellationToken)
    {
        GuestRequest request = await ReadAsync(http, cancellationToken);
        GuestAgent? agent = Parse<GuestAgent>("agent", request.Agent);
        GuestConsistency? consistency = Parse<GuestConsistency>("consistency", request.Consistency);
        await using CatalogWrite write = await writer.BeginAsync(db, cancellationToken);
        VirtualMachine found = await DiskContentLookup.FindMachineAsync(db, subscriptionId, resourceGroup, vm, cancellationToken);
        found.GuestAgent = agent ?? found.GuestAgent;
        found.GuestConsistency = consistency ?? found.GuestConsistency;
        await write.CommitAsync();
        return Read(found);
    }

    private static GuestReading Read(VirtualMachine vm) => new(vm.GuestAgent.ToString(), (vm.GuestConsistency ?? vm.DefaultGuestConsistency).ToString());

    private static async Task<GuestRequest> ReadAsync(HttpRequest http, CancellationToken cancellationToken)
    {
        try
        {
            return await JsonSerializer.DeserializeAsync<GuestRequest>(http.Body, JsonSerializerOptions.Web, cancellationToken) ?? throw new JsonException();
        }
        catch (JsonException fault)
        {
            throw ArmErrors.InvalidRequestContent($"{ArmJson.Describe(fault, "guest")} It has the members agent and consistency.").AsException();
        }
    }

    private static T? Parse<T>(string name, string? value) where T : struct, Enum
    {
        if (value is null)
            return null;
        foreach (T known in Enum.GetValues<T>())
            if (known.ToString().Equals(value, StringComparison.OrdinalIgnoreCase))
                return known;
        throw ArmErrors.InvalidParameter(name, $"The value '{value}' of '{name}' is not allowed. Allowed values are: {string.Join(", ", Enum.GetNames<T>())}.").AsException();
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record GuestRequest(string? Agent, string? Consistency);

    private sealed record GuestReading(string Agent, string Consistency);
}
