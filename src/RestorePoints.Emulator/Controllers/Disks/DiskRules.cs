using FluentValidation;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Shape rules that disks and snapshots share.</summary>
public static class DiskRules
{
    public static IRuleBuilderOptions<T, long?> ValidDiskSizeGB<T>(this IRuleBuilder<T, long?> rule) => rule
        .InclusiveBetween(1, 65_536).WithErrorCode(ArmValidation.InvalidParameter)
        .WithMessage("The value '{PropertyValue}' of diskSizeGB is out of range. It must be between 1 and 65536.");

    /// <param name="resource">disk or snapshot.</param>
    public static IRuleBuilderOptions<T, string?> ValidImportSource<T>(this IRuleBuilder<T, string?> rule, string resource) => rule
        .NotEmpty().WithErrorCode(ArmValidation.InvalidParameter).WithMessage($"Required parameter '{resource}.properties.creationData.sourceUri' is missing (null).");

    public static IRuleBuilderOptions<T, string?> NoSecurityData<T>(this IRuleBuilder<T, string?> rule) => rule
        .Empty().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("securityDataUri is only for createOption ImportSecure, which this emulator does not have.");
}
