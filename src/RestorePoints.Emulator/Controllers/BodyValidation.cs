using FluentValidation;
using FluentValidation.Results;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// Runs the validator of an action's body, if there is one, and turns all the faults that it found into one ARM error: the code of the rule, the
/// wire name of the property as target.
/// </summary>
public static class BodyValidation
{
    public static void Require(ActionExecutingContext context)
    {
        foreach (ParameterDescriptor parameter in context.ActionDescriptor.Parameters)
        {
            if (parameter.BindingInfo?.BindingSource == BindingSource.Body && context.ActionArguments.TryGetValue(parameter.Name, out object? body) && body is not null
                && context.HttpContext.RequestServices.GetService(typeof(IValidator<>).MakeGenericType(parameter.ParameterType)) is IValidator validator)
            {
                ValidationResult result = validator.Validate(new ValidationContext<object>(body));
                if (!result.IsValid)
                    throw ArmErrors.InvalidParameters([.. result.Errors.Select(failure => new ArmErrorDetail(failure.ErrorCode, failure.ErrorMessage, WireName(failure.PropertyName)))]).AsException();
            }
        }
    }

    internal static string WireName(string property) =>
        string.Join('.', property.Split('.').Select(part => part.Length == 0 ? part : char.ToLowerInvariant(part[0]) + part[1..]));
}
