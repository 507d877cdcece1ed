using FluentValidation;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

public sealed record ResourceGroupModel : IResourceBody
{
    public string? Id { get; init; }
    public string? Name { get; init; }
    public string? Type { get; init; }
    public string? Location { get; init; }
    public Dictionary<string, string>? Tags { get; init; }
    public ResourceGroupProperties? Properties { get; init; }

    public static ResourceGroupModel From(ResourceGroup group) => new()
    {
        Id = ArmResourceId.ResourceGroupId(group.SubscriptionId, group.Name),
        Name = group.Name,
        Type = "Microsoft.Resources/resourceGroups",
        Location = group.Location,
        Tags = group.Tags?.ToDictionary(),
        Properties = new ResourceGroupProperties { ProvisioningState = group.ProvisioningState.ToString() },
    };
}

public sealed record ResourceGroupProperties
{
    public string? ProvisioningState { get; init; }
}

/// <summary>Body of a PATCH.</summary>
public sealed record ResourceGroupUpdate
{
    public Dictionary<string, string>? Tags { get; init; }
}

public sealed class ResourceGroupValidator : AbstractValidator<ResourceGroupModel>
{
    public ResourceGroupValidator()
    {
        RuleFor(group => group.Location).ValidLocation();
        RuleFor(group => group.Tags).ValidTags();
    }
}

public sealed class ResourceGroupUpdateValidator : AbstractValidator<ResourceGroupUpdate>
{
    public ResourceGroupUpdateValidator() => RuleFor(group => group.Tags).ValidTags();
}
