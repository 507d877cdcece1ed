using FluentValidation;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Shape rules that disks and snapshots share.</summary>
public static class DiskRules
{
    /// <summary>Every published value of <c>creationData.createOption</c>.</summary>
    public static readonly string[] CreateOptions =
        ["Empty", "Upload", "Copy", "Restore", "FromImage", "Import", "Attach", "CopyStart", "ImportSecure", "UploadPreparedSecure", "CopyFromSanSnapshot"];

    public static IRuleBuilderOptions<T, string?> ValidOsType<T>(this IRuleBuilder<T, string?> rule) => rule.OneOf("Windows", "Linux");

    public static IRuleBuilderOptions<T, string?> ValidHyperVGeneration<T>(this IRuleBuilder<T, string?> rule) => rule.OneOf("V1", "V2");

    public static IRuleBuilderOptions<T, string?> ValidNetworkAccessPolicy<T>(this IRuleBuilder<T, string?> rule) => rule.OneOf("AllowAll", "AllowPrivate", "DenyAll");

    public static IRuleBuilderOptions<T, string?> ValidPublicNetworkAccess<T>(this IRuleBuilder<T, string?> rule) => rule.OneOf("Enabled", "Disabled");

    public static IRuleBuilderOptions<T, long?> ValidDiskSizeGB<T>(this IRuleBuilder<T, long?> rule) => rule
        .InclusiveBetween(1, 65_536).WithErrorCode(ArmValidation.InvalidParameter)
        .WithMessage("The value '{PropertyValue}' of diskSizeGB is out of range. It must be between 1 and 65536.");
}
