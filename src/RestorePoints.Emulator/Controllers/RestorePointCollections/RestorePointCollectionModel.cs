using FluentValidation;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>A restore point collection on the wire, both ways; properties in the recorded order.</summary>
public sealed record RestorePointCollectionModel : IResourceBody
{
    public string? Name { get; init; }
    public string? Id { get; init; }
    public string? Type { get; init; }
    public string? Location { get; init; }
    public Dictionary<string, string>? Tags { get; init; }
    public RestorePointCollectionPropertiesModel? Properties { get; init; }

    /// <param name="collection">Loaded with its restore points when they are to be shown.</param>
    /// <param name="expandTo">Api-version to show the restore points in; null: they are not shown.</param>
    public static RestorePointCollectionModel From(RestorePointCollection collection, string? expandTo = null) => new()
    {
        Name = collection.Name,
        Id = ArmResourceId.Of(collection.SubscriptionId, collection.ResourceGroupName, "restorePointCollections", collection.Name),
        Type = "Microsoft.Compute/restorePointCollections",
        Location = collection.Location,
        Tags = collection.Tags?.ToDictionary(),
        Properties = new RestorePointCollectionPropertiesModel
        {
            Source = new RestorePointCollectionSourceModel { Location = collection.SourceLocation, Id = collection.SourceId },
            RestorePointCollectionId = collection.Id,
            RestorePoints = expandTo is null
                ? null
                : [.. collection.RestorePoints.OrderBy(point => point.TimeCreated).Select(point => RestorePointModel.From(point, collection, expandTo))],
            ProvisioningState = collection.ProvisioningState.ToString(),
            InstantAccess = collection.InstantAccess,
        },
    };
}

public sealed record RestorePointCollectionPropertiesModel
{
    public RestorePointCollectionSourceModel? Source { get; init; }
    public Guid? RestorePointCollectionId { get; init; }

    /// <summary>Shown with <c>$expand=restorePoints</c>.</summary>
    public IReadOnlyList<RestorePointModel>? RestorePoints { get; init; }
    public string? ProvisioningState { get; init; }

    /// <summary>Of the points to come; it can be changed.</summary>
    [Since("2025-04-01")]
    public bool? InstantAccess { get; init; }
}

public sealed record RestorePointCollectionSourceModel
{
    public string? Location { get; init; }
    public string? Id { get; init; }
}

/// <summary>Body of a PATCH: only tags and instantAccess can change; an unchanged source is accepted.</summary>
public sealed record RestorePointCollectionUpdate
{
    public string? Location { get; init; }
    public Dictionary<string, string>? Tags { get; init; }
    public RestorePointCollectionPropertiesModel? Properties { get; init; }
}

public sealed class RestorePointCollectionValidator : AbstractValidator<RestorePointCollectionModel>
{
    public RestorePointCollectionValidator()
    {
        RuleFor(collection => collection.Location).ValidLocation();
        RuleFor(collection => collection.Tags).ValidTags();
        RuleFor(collection => collection.Properties!.Source!.Id).ValidResourceId("virtualMachines", "restorePointCollections")
            .When(collection => collection.Properties?.Source is not null);
        RuleFor(collection => collection.Properties).Must(properties => properties?.Source is not null).OverridePropertyName("properties.source")
            .WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'properties.source' is missing (null).");
    }
}

public sealed class RestorePointCollectionUpdateValidator : AbstractValidator<RestorePointCollectionUpdate>
{
    public RestorePointCollectionUpdateValidator() => RuleFor(collection => collection.Tags).ValidTags();
}
