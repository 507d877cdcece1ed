using System.Text.Json;
using FluentValidation;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>A management lock on the wire, both ways.</summary>
public sealed record LockModel
{
    public LockPropertiesModel? Properties { get; init; }
    public string? Id { get; init; }
    public string? Type { get; init; }
    public string? Name { get; init; }

    public static LockModel From(ResourceLock known) => new()
    {
        Properties = new LockPropertiesModel
        {
            Level = known.Level.ToString(),
            Notes = known.Notes,
            Owners = known.Owners is null ? null : [.. JsonSerializer.Deserialize<string[]>(known.Owners)!.Select(id => new LockOwnerModel { ApplicationId = id })],
        },
        Id = $"{known.Scope}/providers/Microsoft.Authorization/locks/{known.Name}",
        Type = "Microsoft.Authorization/locks",
        Name = known.Name,
    };
}

public sealed record LockPropertiesModel
{
    /// <summary><c>CanNotDelete</c> or <c>ReadOnly</c>.</summary>
    public string? Level { get; init; }

    /// <summary>At most 512 characters.</summary>
    public string? Notes { get; init; }
    public IReadOnlyList<LockOwnerModel>? Owners { get; init; }
}

public sealed record LockOwnerModel
{
    public string? ApplicationId { get; init; }
}

public sealed class LockValidator : AbstractValidator<LockModel>
{
    public LockValidator()
    {
        RuleFor(known => known.Properties).NotNull().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'properties' is missing (null).");
        When(known => known.Properties is not null, () =>
        {
            RuleFor(known => known.Properties!.Level).Cascade(CascadeMode.Stop)
                .NotEmpty().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'properties.level' is missing (null).")
                .OneOf(Enum.GetNames<LockLevel>());
            RuleFor(known => known.Properties!.Notes).MaximumLength(512).WithErrorCode(ArmValidation.InvalidParameter).WithMessage("The notes of a lock have at most 512 characters.");
            RuleFor(known => known.Properties!.Owners).Must(owners => owners is null || owners.All(owner => !string.IsNullOrEmpty(owner?.ApplicationId)))
                .WithErrorCode(ArmValidation.InvalidParameter).WithMessage("An owner of a lock has an applicationId.");
        });
    }
}
