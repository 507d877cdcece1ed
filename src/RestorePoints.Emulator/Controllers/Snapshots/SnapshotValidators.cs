using FluentValidation;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Shape of a snapshot PUT.</summary>
public sealed class SnapshotValidator : AbstractValidator<SnapshotModel>
{
    public SnapshotValidator()
    {
        RuleFor(snapshot => snapshot.Location).ValidLocation();
        RuleFor(snapshot => snapshot.Tags).ValidTags();
        RuleFor(snapshot => snapshot.Sku!.Name).OneOf(NewSnapshots.SkuNames).When(snapshot => snapshot.Sku is not null);
        RuleFor(snapshot => snapshot.Properties).NotNull().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'properties' is missing (null).");
        RuleFor(snapshot => snapshot).ValidValues();
        When(snapshot => snapshot.Properties is not null, () =>
        {
            RuleFor(snapshot => snapshot.Properties!.AccountType).OneOf(NewSnapshots.SkuNames);
            RuleFor(snapshot => snapshot.Properties!.DiskSizeGB).ValidDiskSizeGB();
            RuleFor(snapshot => snapshot.Properties!.CreationData).NotNull().WithErrorCode(ArmValidation.InvalidParameter)
                .WithMessage("Required parameter 'snapshot.properties.creationData' is missing (null).");
            When(snapshot => snapshot.Properties!.CreationData is not null, CreationDataRules);
        });
    }

    private void CreationDataRules()
    {
        RuleFor(snapshot => snapshot.Properties!.CreationData!.CreateOption)
            .NotEmpty().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'snapshot.properties.creationData.createOption' is missing (null).");
        RuleFor(snapshot => snapshot.Properties!.DiskSizeGB).NotNull().When(IsOption(DiskCreateOption.Empty))
            .WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'snapshot.properties.diskSizeGB' is missing (null).");
        RuleFor(snapshot => snapshot.Properties!.CreationData!.SourceResourceId).ValidResourceId("disks", "snapshots").When(IsOption(DiskCreateOption.Copy));
        RuleFor(snapshot => snapshot.Properties!.CreationData!.SourceResourceId).ValidResourceId("snapshots").When(IsOption(DiskCreateOption.CopyStart));
        RuleFor(snapshot => snapshot.Properties!.CreationData!.InstantAccessDurationMinutes).ValidInstantAccess();
        RuleFor(snapshot => snapshot.Properties!.CreationData!.SourceUri).ValidImportSource("snapshot").When(IsOption(DiskCreateOption.Import));
        RuleFor(snapshot => snapshot.Properties!.CreationData!.SecurityDataUri).NoSecurityData().When(IsOption(DiskCreateOption.Import));
    }

    private static Func<SnapshotModel, bool> IsOption(DiskCreateOption option) =>
        snapshot => option.ToString().Equals(snapshot.Properties!.CreationData!.CreateOption, StringComparison.OrdinalIgnoreCase);
}

public sealed class SnapshotUpdateValidator : AbstractValidator<SnapshotUpdate>
{
    public SnapshotUpdateValidator()
    {
        RuleFor(snapshot => snapshot.Tags).ValidTags();
        RuleFor(snapshot => snapshot.Sku!.Name).OneOf(NewSnapshots.SkuNames).When(snapshot => snapshot.Sku is not null);
        RuleFor(snapshot => snapshot).ValidValues();
        RuleFor(snapshot => snapshot.Properties!.AccountType).OneOf(NewSnapshots.SkuNames).When(snapshot => snapshot.Properties is not null);
        RuleFor(snapshot => snapshot.Properties!.DiskSizeGB).ValidDiskSizeGB().When(snapshot => snapshot.Properties is not null);
    }
}
