using FluentValidation;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Shape rules that disks and snapshots share.</summary>
public static class DiskRules
{
    public static IRuleBuilderOptions<T, long?> ValidDiskSizeGB<T>(this IRuleBuilder<T, long?> rule) => rule
        .InclusiveBetween(1, 65_536).WithErrorCode(ArmValidation.InvalidParameter)
        .WithMessage("The value '{PropertyValue}' of diskSizeGB is out of range. It must be between 1 and 65536.");
}
