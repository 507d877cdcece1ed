using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using FluentValidation;
using FluentValidation.Results;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;

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
        .Must(location => string.IsNullOrEmpty(location) || Regions.IsWellFormed(location)).WithErrorCode(ArmErrors.LocationNotAvailable("").Code)
        .WithMessage(ArmErrors.LocationNotAvailable("{PropertyValue}").Message);

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

    /// <summary>Minutes of instant access.</summary>
    public static IRuleBuilderOptions<T, int?> ValidInstantAccess<T>(this IRuleBuilder<T, int?> rule) => rule
        .Must(minutes => minutes is null or (>= SnapshotAccess.LeastMinutes and <= SnapshotAccess.MostMinutes)).WithErrorCode(InvalidParameter)
        .WithMessage($"The value '{{PropertyValue}}' is not allowed. Instant access lasts from {SnapshotAccess.LeastMinutes} to {SnapshotAccess.MostMinutes} minutes.");

    /// <summary>What the attributes of the models say, at any depth: <see cref="ValuesAttribute"/> and <see cref="RequiredAttribute"/>.</summary>
    public static IRuleBuilderOptionsConditions<T, TModel> ValidValues<T, TModel>(this IRuleBuilder<T, TModel> rule) => rule.Custom((model, context) =>
    {
        foreach (ValidationFailure failure in FailuresOf(model, context.PropertyPath))
            context.AddFailure(failure);
    });

    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> CheckedProperties = new();

    private static IEnumerable<ValidationFailure> FailuresOf(object? model, string path)
    {
        if (model is null)
            yield break;
        foreach (PropertyInfo property in CheckedProperties.GetOrAdd(model.GetType(), type => [.. type.GetProperties().Where(IsChecked)]))
        {
            object? value = property.GetValue(model);
            string name = path.Length == 0 ? property.Name : $"{path}.{property.Name}";
            if (property.GetCustomAttribute<ValuesAttribute>() is { } allowed && value is string text && !allowed.Values.Contains(text))
                yield return new ValidationFailure(name, $"The value '{text}' is not allowed. Allowed values are: {string.Join(", ", allowed.Values)}.") { ErrorCode = InvalidParameter };
            if (property.IsDefined(typeof(RequiredAttribute)) && value is null or "")
                yield return new ValidationFailure(name, $"Required parameter '{BodyValidation.WireName(name)}' is missing (null).") { ErrorCode = InvalidParameter };
            IEnumerable<object?> children = value is IEnumerable<object?> elements ? elements : IsModel(property.PropertyType) ? [value] : [];
            foreach (ValidationFailure failure in children.SelectMany(child => FailuresOf(child, name)))
                yield return failure;
        }
    }

    private static bool IsChecked(PropertyInfo property) => property.IsDefined(typeof(ValuesAttribute)) || property.IsDefined(typeof(RequiredAttribute))
        || IsModel(property.PropertyType) || (property.PropertyType.IsGenericType && property.PropertyType.GetGenericArguments().All(IsModel));

    private static bool IsModel(Type type) => type.Namespace == typeof(ArmValidation).Namespace;
}
