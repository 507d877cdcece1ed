using FluentValidation;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Body of beginGetAccess.</summary>
public sealed record GrantAccessData
{
    /// <summary><c>Read</c> or <c>Write</c>.</summary>
    public string? Access { get; init; }
    public long? DurationInSeconds { get; init; }

    /// <summary><c>VHD</c> (default); <c>VHDX</c> is refused.</summary>
    [Since("2023-01-02")]
    public string? FileFormat { get; init; }

    [Since("2021-08-01")]
    public bool? GetSecureVMGuestStateSAS { get; init; }
}

/// <summary>Result of beginGetAccess.</summary>
public sealed record AccessUri
{
    public required string AccessSAS { get; init; }
}

public sealed class GrantAccessValidator : AbstractValidator<GrantAccessData>
{
    public GrantAccessValidator(Microsoft.Extensions.Options.IOptions<EmulatorOptions> options)
    {
        int limit = options.Value.Limits.SasSeconds;
        RuleFor(grant => grant.Access).NotEmpty().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'access' is missing (null).")
            .OneOf("Read", "Write");
        RuleFor(grant => grant.DurationInSeconds).Must(seconds => seconds > 0 && seconds <= int.MaxValue && (limit == 0 || seconds <= limit)).WithErrorCode(ArmValidation.InvalidParameter)
            .WithMessage($"The value '{{PropertyValue}}' of durationInSeconds is invalid. It must be positive{(limit == 0 ? "" : $" and at most {limit}")}.");
        RuleFor(grant => grant.FileFormat).OneOf("VHD", "VHDX");
        RuleFor(grant => grant.FileFormat).Must(format => !"VHDX".Equals(format, StringComparison.OrdinalIgnoreCase)).WithErrorCode(ArmValidation.InvalidParameter)
            .WithMessage("The fileFormat 'VHDX' is only for disks with 4096-byte sectors; this resource is exported as VHD.");
        RuleFor(grant => grant.GetSecureVMGuestStateSAS).NotEqual(true).WithErrorCode(ArmValidation.InvalidParameter)
            .WithMessage("getSecureVMGuestStateSAS is only for disks of confidential virtual machines, which this emulator does not have.");
    }
}
