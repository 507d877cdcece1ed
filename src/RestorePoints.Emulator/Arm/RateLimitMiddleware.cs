using System.Globalization;

namespace RestorePoints.Emulator.Arm;

/// <summary>How many creations of one kind are left to a machine or collection in this hour; shown among the rate headers of the answer.</summary>
/// <param name="Policy">Name without <c>Microsoft.Compute/</c>.</param>
public sealed record HourlyRemainder(string Policy, int Left);

/// <summary>
/// The headers that tell how many calls are left: of the subscription (<c>x-ms-ratelimit-remaining-subscription-reads</c>, <c>-writes</c>, <c>-deletes</c>) and of the policies of the
/// compute and disk providers (<c>x-ms-ratelimit-remaining-resource</c>). Names and sizes as recorded; they count down and refuse nothing.
/// </summary>
public sealed class RateLimitMiddleware(RequestDelegate next, RemainingCalls calls)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1), Hour = TimeSpan.FromHours(1);

    /// <summary>The names of the compute provider changed with it.</summary>
    private const string NewNamesSince = "2023-07-01";

    /// <param name="PerResource">Counted for each resource, else for the subscription.</param>
    private sealed record Policy(string Name, int Limit, TimeSpan Window, bool PerResource = false);

    private static readonly Policy[] CreateRestorePoints = In3And30Minutes("CreateRestorePoints", 120, 600), GetRestorePoints = In3And30Minutes("LowCostGetRestorePoint", 500, 2_500),
        ListRestorePoints = In3And30Minutes("HighCostGetRestorePoint", 120, 1_200), DeleteRestorePoints = In3And30Minutes("DeleteRestorePoints", 350, 1_000),
        CreateUpdateDisks = In3And30Minutes("CreateUpdateDisks", 1_000, 8_000), CreateSnapshots = In3And30Minutes("HighCostSnapshotCreateHydrate", 1_000, 8_000),
        GrantDisks = In3And30Minutes("HighCostDiskHydrate", 1_000, 8_000), DeleteDisks = In3And30Minutes("DeleteDisks", 3_000, 24_000),
        GetDisks = In3And30Minutes("LowCostGet", 15_000, 120_000), ListDisks = In3And30Minutes("HighCostGet", 240, 1_920);

    private static readonly Policy[] GetRestorePointsNow = [new("LowCostGetRestorePointSubscriptionMaximum", 600, Minute)],
        DeleteRestorePointsNow = [new("DeleteRestorePointSubscriptionMaximum", 360, Minute)];

    /// <summary>By operationId, or by type for the polling URLs. Of the compute provider: what it is called before <see cref="NewNamesSince"/>, and since.</summary>
    private static readonly Dictionary<string, (Policy[] Old, Policy[] New)> Policies = new()
    {
        ["RestorePointCollections_CreateOrUpdate"] = (CreateRestorePoints, PerResourceAndMaximum("PutRestorePointCollection", 15, 150)),
        ["RestorePointCollections_Update"] = (CreateRestorePoints, PerResourceAndMaximum("UpdateRestorePointCollection", 15, 150)),
        ["RestorePointCollections_Get"] = (GetRestorePoints, GetRestorePointsNow),
        ["RestorePointCollections_List"] = (ListRestorePoints, []),
        ["RestorePointCollections_ListAll"] = (ListRestorePoints, []),
        ["RestorePointCollections_Delete"] = (DeleteRestorePoints, DeleteRestorePointsNow),
        ["RestorePoints_Create"] = (CreateRestorePoints, PerResourceAndMaximum("PutRestorePoint", 6, 150)),
        ["RestorePoints_Get"] = (GetRestorePoints, GetRestorePointsNow),
        ["RestorePoints_Delete"] = (DeleteRestorePoints, DeleteRestorePointsNow),
        ["locations/operations"] = (In3And30Minutes("GetOperation", 15_000, 30_000), PerResourceAndMaximum("GetOperation", 60, 15_000)),
        ["Disks_CreateOrUpdate"] = (CreateUpdateDisks, CreateUpdateDisks),
        ["Disks_Update"] = (CreateUpdateDisks, CreateUpdateDisks),
        ["Disks_GrantAccess"] = (GrantDisks, GrantDisks),
        ["Disks_RevokeAccess"] = (GrantDisks, GrantDisks),
        ["Disks_Delete"] = (DeleteDisks, DeleteDisks),
        ["Disks_Get"] = (GetDisks, GetDisks),
        ["Disks_List"] = (ListDisks, ListDisks),
        ["Disks_ListByResourceGroup"] = (ListDisks, ListDisks),
        ["Snapshots_CreateOrUpdate"] = (CreateSnapshots, CreateSnapshots),
        ["Snapshots_Update"] = (CreateUpdateDisks, CreateUpdateDisks),
        ["Snapshots_GrantAccess"] = (CreateSnapshots, CreateSnapshots),
        ["Snapshots_RevokeAccess"] = (CreateSnapshots, CreateSnapshots),
        ["Snapshots_Delete"] = (DeleteDisks, DeleteDisks),
        ["Snapshots_Get"] = (GetDisks, GetDisks),
        ["Snapshots_List"] = (ListDisks, ListDisks),
        ["Snapshots_ListByResourceGroup"] = (ListDisks, ListDisks),
        // Not recorded; taken to be as those of snapshots.
        ["DiskRestorePoint_GrantAccess"] = (CreateSnapshots, CreateSnapshots),
        ["DiskRestorePoint_RevokeAccess"] = (CreateSnapshots, CreateSnapshots),
        ["DiskRestorePoint_Get"] = (GetDisks, GetDisks),
        ["DiskRestorePoint_ListByRestorePoint"] = (ListDisks, ListDisks),
        ["locations/DiskOperations"] = (In3And30Minutes("GetOperation", 50_000, 400_000), In3And30Minutes("GetOperation", 50_000, 400_000)),
    };

    public Task InvokeAsync(HttpContext context)
    {
        EndpointMetadataCollection? metadata = context.GetEndpoint()?.Metadata;
        if (metadata?.GetMetadata<ArmResourceTypeAttribute>() is { } resourceType && context.Request.RouteValues["subscriptionId"] is string text && Guid.TryParseExact(text, "D", out Guid subscription))
        {
            string operation = metadata.GetMetadata<OperationIdAttribute>()?.Id ?? resourceType.Type;
            context.Response.OnStarting(() =>
            {
                Stamp(context, subscription.ToString(), operation);
                return Task.CompletedTask;
            });
        }
        return next(context);
    }

    private void Stamp(HttpContext context, string subscription, string operation)
    {
        (string kind, int limit) = context.Request.Method switch
        {
            "GET" or "HEAD" => ("reads", 12_000),
            "DELETE" => ("deletes", 15_000),
            _ => ("writes", 1_200),
        };
        context.Response.Headers[$"x-ms-ratelimit-remaining-subscription-{kind}"] = Text(calls.Spend(kind, subscription, limit, Hour));
        // What the gateway answers has not reached a provider.
        if (context.Response.Headers.ContainsKey("x-ms-failure-cause") || !Policies.TryGetValue(operation, out var policies))
            return;
        bool hasNewNames = !ApiVersions.IsBefore(context.ApiVersion(), NewNamesSince);
        List<string> left = [.. (hasNewNames ? policies.New : policies.Old).Select(policy =>
            $"Microsoft.Compute/{policy.Name};{Text(calls.Spend(policy.Name, policy.PerResource ? ResourceOf(context) : subscription, policy.Limit, policy.Window))}")];
        if (hasNewNames && context.Features.Get<HourlyRemainder>() is { } hourly)
            left.Add($"Microsoft.Compute/{hourly.Policy};{Text(hourly.Left)}");
        if (left.Count > 0)
            context.Response.Headers["x-ms-ratelimit-remaining-resource"] = string.Join(',', left);
    }

    /// <summary>Restore points share the calls of their collection.</summary>
    private static string ResourceOf(HttpContext context)
    {
        string path = context.Request.Path.Value!.ToLowerInvariant();
        int end = path.IndexOf("/restorepoints/", StringComparison.Ordinal);
        return end < 0 ? path : path[..end];
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static Policy[] In3And30Minutes(string name, int in3, int in30) =>
        [new($"{name}3Min", in3, TimeSpan.FromMinutes(3)), new($"{name}30Min", in30, TimeSpan.FromMinutes(30))];

    private static Policy[] PerResourceAndMaximum(string name, int perResource, int maximum) =>
        [new($"{name}Resource", perResource, Minute, PerResource: true), new($"{name}SubscriptionMaximum", maximum, Minute)];
}
