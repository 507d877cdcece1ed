using FluentValidation;
using FluentValidation.AspNetCore;
using FluentValidation.Results;
using Microsoft.AspNetCore.Mvc;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Turns all faults that a validator found into one ARM error: the code of the rule, the wire name of the property as target.</summary>
public sealed class ValidationFailures : IValidatorInterceptor
{
    public IValidationContext BeforeAspNetValidation(ActionContext actionContext, IValidationContext commonContext) => commonContext;

    public ValidationResult AfterAspNetValidation(ActionContext actionContext, IValidationContext validationContext, ValidationResult result) => result.IsValid
        ? result
        : throw ArmErrors.InvalidParameters([.. result.Errors.Select(failure => new ArmErrorDetail(failure.ErrorCode, failure.ErrorMessage, WireName(failure.PropertyName)))]).AsException();

    internal static string WireName(string property) =>
        string.Join('.', property.Split('.').Select(part => part.Length == 0 ? part : char.ToLowerInvariant(part[0]) + part[1..]));
}
