using System.Text.Json.Nodes;
using FluentValidation;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>A restore point on the wire, both ways; properties in the recorded order. Answers have no <c>type</c>.</summary>
public sealed record RestorePointModel : IResourceBody
{
    public string? Name { get; init; }
    public string? Id { get; init; }
    public RestorePointPropertiesModel? Properties { get; init; }
    string? IResourceBody.Type => null;

    /// <param name="point">Loaded with its disk restore points.</param>
    /// <param name="replications">For <c>$expand=instanceView</c>; null: it was not asked for.</param>
    public static RestorePointModel From(RestorePoint point, RestorePointCollection collection, string apiVersion, Replications? replications = null)
    {
        string id = IdOf(point, collection);
        // Of a copy it is known from the beginning.
        bool isModeKnown = point.ProvisioningState is not ProvisioningState.Creating || point.SourcePointId is not null;
        return new RestorePointModel
        {
            Name = point.Name,
            Id = id,
            Properties = new RestorePointPropertiesModel
            {
                ExcludeDisks = point.ExcludeDisks is null ? null : [.. JsonNode.Parse(point.ExcludeDisks)!.AsArray().Select(disk => new ApiEntityReference { Id = (string?)disk })],
                SourceMetadata = SourceMetadata.WithDiskRestorePoints(point, id, apiVersion),
                ProvisioningState = point.ProvisioningState.ToString(),
                ConsistencyMode = isModeKnown ? point.ConsistencyMode : null,
                SourceRestorePoint = point.SourceRestorePointId is null ? null : new ApiEntityReference { Id = point.SourceRestorePointId },
                InstanceView = replications is null ? null : RestorePointInstanceViewModel.From(point, id, replications),
                ProvisioningDetails = new RestorePointProvisioningDetails { CreationTime = point.TimeCreated },
                TimeCreated = point.TimeCreated,
            },
        };
    }

    public static string IdOf(RestorePoint point, RestorePointCollection collection) =>
        ArmResourceId.Of(collection.SubscriptionId, collection.ResourceGroupName, "restorePointCollections", collection.Name) + $"/restorePoints/{point.Name}";
}

public sealed record RestorePointPropertiesModel
{
    public IReadOnlyList<ApiEntityReference>? ExcludeDisks { get; init; }
    public JsonObject? SourceMetadata { get; init; }
    public string? ProvisioningState { get; init; }

    public string? ConsistencyMode { get; init; }

    [Since("2021-11-01")]
    public ApiEntityReference? SourceRestorePoint { get; init; }

    [Since("2021-11-01")]
    public RestorePointInstanceViewModel? InstanceView { get; init; }

    [Since("2021-03-01", Last = "2021-03-01")]
    public RestorePointProvisioningDetails? ProvisioningDetails { get; init; }
    public DateTimeOffset? TimeCreated { get; init; }

    [Since("2025-04-01")]
    public int? InstantAccessDurationMinutes { get; init; }
}

/// <summary>What came before <c>timeCreated</c>.</summary>
public sealed record RestorePointProvisioningDetails
{
    public DateTimeOffset? CreationTime { get; init; }
}

/// <summary>Lists the disks with a copy in the background and its state; a point in its own region has none.</summary>
public sealed record RestorePointInstanceViewModel
{
    public JsonArray DiskRestorePoints { get; init; } = [];
    public JsonArray Statuses { get; init; } = [];

    /// <param name="restorePointId">ARM id of the point.</param>
    public static RestorePointInstanceViewModel From(RestorePoint point, string restorePointId, Replications replications)
    {
        DiskRestorePoint[] copies = [.. point.DiskRestorePoints.Where(disk => disk.ReplicationState is not null).OrderBy(disk => disk.Lun)];
        if (copies.Length == 0)
            return new RestorePointInstanceViewModel();
        return new RestorePointInstanceViewModel
        {
            DiskRestorePoints = new JsonArray([.. copies.Select(disk => new JsonObject
            {
                ["id"] = $"{restorePointId}/diskRestorePoints/{disk.Name}",
                ["replicationStatus"] = new JsonObject { ["status"] = Status(disk.ReplicationState!.Value), ["completionPercent"] = replications.PercentOf(disk) },
            })]),
            Statuses = [Status(Whole(copies))],
        };
    }

    /// <summary>The point can be used as a whole when all its disks can.</summary>
    private static ReplicationState Whole(DiskRestorePoint[] copies) =>
        Array.Exists(copies, disk => disk.ReplicationState == ReplicationState.Failed) ? ReplicationState.Failed
        : Array.Exists(copies, disk => disk.ReplicationState == ReplicationState.Replicating) ? ReplicationState.Replicating
        : ReplicationState.Succeeded;

    private static JsonObject Status(ReplicationState state) => state switch
    {
        ReplicationState.Replicating => Status("ReplicationState/replicating", "Info", "Replicating"),
        ReplicationState.Succeeded => Status("ReplicationState/succeeded", "Info", "Replication succeeded"),
        _ => Status("ReplicationState/failed", "Error", "Replication failed"),
    };

    private static JsonObject Status(string code, string level, string displayStatus) => new() { ["code"] = code, ["level"] = level, ["displayStatus"] = displayStatus };
}

public sealed record ApiEntityReference
{
    public string? Id { get; init; }
}

public sealed class RestorePointValidator : AbstractValidator<RestorePointModel>
{
    public RestorePointValidator()
    {
        When(point => point.Properties is not null, () =>
        {
            RuleForEach(point => point.Properties!.ExcludeDisks).NotNull().WithErrorCode(ArmValidation.InvalidParameter).ChildRules(disk => disk.RuleFor(reference => reference.Id).ValidResourceId("disks"));
            RuleFor(point => point.Properties!.ConsistencyMode).OneOf("CrashConsistent", "FileSystemConsistent", "ApplicationConsistent");
            RuleFor(point => point.Properties!.SourceRestorePoint!.Id).ValidResourceId("restorePointCollections/restorePoints")
                .When(point => point.Properties!.SourceRestorePoint is not null);
        });
    }
}
