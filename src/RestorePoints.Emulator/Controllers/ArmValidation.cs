using FluentValidation;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// Shape rules that several bodies share. A validator looks at the body alone; parents, conflicts and states are the controller's.
/// The error code of a rule is the ARM error code; names are wire names.
/// </summary>
public static class ArmValidation
{
    public const string InvalidParameter = "InvalidParameter";

    public static IRuleBuilderOptions<T, string?> ValidLocation<T>(this IRuleBuilder<T, string?> rule) => rule
        .NotEmpty().WithErrorCode(ArmErrors.LocationRequired.Code).WithMessage(ArmErrors.LocationRequired.Message)
        .Must(location => string.IsNullOrEmpty(location) || Regions.IsWellFormed(location)).WithErrorCode("LocationNotAvailableForResourceType")
        .WithMessage("The provided location '{PropertyValue}' is not available: a region name has only letters and digits.");

    /// <summary>At most 50 tags; names up to 512 characters without &lt; &gt; % &amp; \ ? /, unique without regard to case; values up to 256.</summary>
    public static IRuleBuilderOptions<T, Dictionary<string, string>?> ValidTags<T>(this IRuleBuilder<T, Dictionary<string, string>?> rule) => rule
        .Must(tags => tags is null || tags.Count <= 50).WithErrorCode("InvalidTags").WithMessage("A resource can have at most 50 tags.")
        .Must(tags => tags is null || tags.All(tag => tag.Key.Length is > 0 and <= 512 && tag.Key.IndexOfAny(['<', '>', '%', '&', '\\', '?', '/']) < 0))
        .WithErrorCode("InvalidTagNameCharacters").WithMessage("A tag name has 1 to 512 characters and none of < > % & \\ ? /.")
        .Must(tags => tags is null || tags.All(tag => tag.Value is { Length: <= 256 })).WithErrorCode("InvalidTagValueLength")
        .WithMessage("A tag value is a string of at most 256 characters.")
        .Must(tags => tags is null || tags.Keys.Distinct(StringComparer.OrdinalIgnoreCase).Count() == tags.Count).WithErrorCode("InvalidTagNames")
        .WithMessage("Tag names are unique without regard to case.");

    /// <summary>An ARM id of one of the given types.</summary>
    public static IRuleBuilderOptions<T, string?> ValidResourceId<T>(this IRuleBuilder<T, string?> rule, params string[] types) => rule
        .Must(text => ArmResourceId.TryParse(text, out ArmResourceId? id) && types.Any(id.IsOfType))
        .WithErrorCode(InvalidParameter)
        .WithMessage($"'{{PropertyValue}}' is not the resource id of a Microsoft.Compute/{string.Join(" or ", types)}.");

    public static IRuleBuilderOptions<T, string?> OneOf<T>(this IRuleBuilder<T, string?> rule, params string[] values) => rule
        .Must(value => value is null || values.Contains(value, StringComparer.OrdinalIgnoreCase)).WithErrorCode(InvalidParameter)
        .WithMessage($"The value '{{PropertyValue}}' is not allowed. Allowed values are: {string.Join(", ", values)}.");
}
