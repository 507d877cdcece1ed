using System.Text.Json;
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
    /// <param name="access">For <c>$expand=instanceView</c>; null: it was not asked for.</param>
    public static RestorePointModel From(RestorePoint point, RestorePointCollection collection, string apiVersion, SnapshotAccess? access = null)
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
                InstanceView = access is null ? null : RestorePointInstanceViewModel.From(point, id, access, apiVersion),
                ProvisioningDetails = new RestorePointProvisioningDetails { CreationTime = point.TimeCreated },
                TimeCreated = point.TimeCreated,
                InstantAccessDurationMinutes = point.InstantAccessDurationMinutes,
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

/// <summary>Lists the disks with a copy in the background and its state: those of a copy to another region, and in its own region those of Ultra and Premium SSD v2 disks.</summary>
public sealed record RestorePointInstanceViewModel
{
    public JsonArray DiskRestorePoints { get; init; } = [];
    public JsonArray Statuses { get; init; } = [];

    /// <param name="restorePointId">ARM id of the point.</param>
    public static RestorePointInstanceViewModel From(RestorePoint point, string restorePointId, SnapshotAccess access, string apiVersion)
    {
        (DiskRestorePoint Disk, SnapshotStatus Status)[] copies = [.. point.DiskRestorePoints.Where(disk => disk.ReplicationState is not null || disk.CopyEndTime is not null)
            .OrderBy(disk => disk.Lun).Select(disk => (disk, access.Of(disk)))];
        if (copies.Length == 0)
            return new RestorePointInstanceViewModel();
        JsonArray statuses = [Status(Whole([.. copies.Select(copy => copy.Status.Replication)]))];
        // Of 2026-04-01 it is published; an answer of 2025-04-01 was recorded without it.
        if (point.InstantAccessDurationMinutes is not null && !ApiVersions.IsBefore(apiVersion, "2026-04-01"))
            statuses.Add(Status(copies.Min(copy => copy.Status.Access)));
        return new RestorePointInstanceViewModel
        {
            DiskRestorePoints = new JsonArray([.. copies.Select(copy => CopyOf(copy.Disk, copy.Status, restorePointId, apiVersion))]),
            Statuses = statuses,
        };
    }

    private static JsonObject CopyOf(DiskRestorePoint disk, SnapshotStatus status, string restorePointId, string apiVersion)
    {
        JsonObject copy = new() { ["id"] = $"{restorePointId}/diskRestorePoints/{disk.Name}" };
        if (disk.CopyEndTime is not null && !ApiVersions.IsBefore(apiVersion, "2025-04-01"))
            copy["snapshotAccessState"] = status.Access.ToString();
        copy["replicationStatus"] = new JsonObject { ["status"] = Status(status.Replication), ["completionPercent"] = status.CompletionPercent };
        return copy;
    }

    /// <summary>The point can be used as a whole when all its disks can.</summary>
    private static ReplicationState Whole(ReplicationState[] copies) =>
        copies.Contains(ReplicationState.Failed) ? ReplicationState.Failed
        : copies.Contains(ReplicationState.Replicating) ? ReplicationState.Replicating
        : ReplicationState.Succeeded;

    private static JsonObject Status(SnapshotAccessState state) => Status($"InstantAccessState/{JsonNamingPolicy.CamelCase.ConvertName(state.ToString())}", "Info", state.ToString());

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
            RuleFor(point => point.Properties!.InstantAccessDurationMinutes).ValidInstantAccess();
            RuleFor(point => point.Properties!.SourceRestorePoint!.Id).ValidResourceId("restorePointCollections/restorePoints")
                .When(point => point.Properties!.SourceRestorePoint is not null);
        });
    }
}
