using FluentValidation;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Shape of a disk PUT. Sizes: 1 GiB to 32,767 GiB (65,536 GiB for Ultra and Premium SSD v2); uploads 20 MiB to 32 TiB, a whole number of MiB, and 512 bytes of footer.</summary>
public sealed class DiskValidator : AbstractValidator<DiskModel>
{
    private const long MinUploadSizeBytes = 20_972_032, MaxUploadSizeBytes = DiskSize.LargestBytes + 512;

    public DiskValidator()
    {
        RuleFor(disk => disk.Location).ValidLocation();
        RuleFor(disk => disk.Tags).ValidTags();
        RuleFor(disk => disk.Sku!.Name).OneOf(DiskPerformance.SkuNames).When(disk => disk.Sku is not null);
        RuleFor(disk => disk.Zones).Must(zones => zones is null || (zones.Count <= 1 && zones.All(zone => zone is "1" or "2" or "3")))
            .WithErrorCode(ArmValidation.InvalidParameter).WithMessage("A disk is in one of the zones 1, 2, 3, or in none.");
        RuleFor(disk => disk.Properties).NotNull().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'properties' is missing (null).");
        RuleFor(disk => disk).ValidValues();
        RuleFor(disk => disk.Properties!).SetValidator(new DiskPropertiesValidator()).When(disk => disk.Properties is not null);
        When(disk => disk.Properties is not null, () =>
        {
            RuleFor(disk => disk.Properties!.CreationData).NotNull().WithErrorCode(ArmValidation.InvalidParameter)
                .WithMessage("Required parameter 'disk.properties.creationData' is missing (null).");
            When(disk => disk.Properties!.CreationData is not null, CreationDataRules);
        });
    }

    private void CreationDataRules()
    {
        RuleFor(disk => disk.Properties!.CreationData!.CreateOption)
            .NotEmpty().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'disk.properties.creationData.createOption' is missing (null).");
        RuleFor(disk => disk.Properties!.DiskSizeGB).NotNull().When(IsOption(DiskCreateOption.Empty))
            .WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'disk.properties.diskSizeGB' is missing (null).");
        RuleFor(disk => disk.Properties!.CreationData!.SourceResourceId).ValidResourceId("disks", "snapshots").When(IsOption(DiskCreateOption.Copy));
        RuleFor(disk => disk.Properties!.CreationData!.SourceResourceId)
            .ValidResourceId("restorePointCollections/restorePoints/diskRestorePoints").When(IsOption(DiskCreateOption.Restore));
        RuleFor(disk => disk.Properties!.CreationData!).Must(creation => NamesAnImage(creation.ImageReference ?? creation.GalleryImageReference))
            .When(IsOption(DiskCreateOption.FromImage)).OverridePropertyName("properties.creationData.imageReference").WithErrorCode(ArmValidation.InvalidParameter)
            .WithMessage("Required parameter 'disk.properties.creationData.imageReference' is missing (null).");
        RuleFor(disk => disk.Properties!.CreationData!.SourceUri).ValidImportSource("disk").When(IsOption(DiskCreateOption.Import));
        RuleFor(disk => disk.Properties!.CreationData!.SecurityDataUri).NoSecurityData().When(IsOption(DiskCreateOption.Import));
        // Versions before 2019-03-01 do not know it: what it lacks is found when a disk is made, not when one is shown and put back.
        RuleFor(disk => disk.Properties!.CreationData!.UploadSizeBytes)
            .Must(size => size is null || (size is >= MinUploadSizeBytes and <= MaxUploadSizeBytes && (size.Value - 512) % (1 << 20) == 0)).WithErrorCode(ArmValidation.InvalidParameter)
            .WithMessage($"The value '{{PropertyValue}}' of uploadSizeBytes is invalid: a whole number of MiB and 512 bytes for the VHD footer, between {MinUploadSizeBytes} and {MaxUploadSizeBytes}.")
            .When(IsOption(DiskCreateOption.Upload));
    }

    private static bool NamesAnImage(ImageDiskReference? reference) =>
        !string.IsNullOrEmpty(reference?.Id ?? reference?.SharedGalleryImageId ?? reference?.CommunityGalleryImageId);

    private static Func<DiskModel, bool> IsOption(DiskCreateOption option) =>
        disk => option.ToString().Equals(disk.Properties!.CreationData!.CreateOption, StringComparison.OrdinalIgnoreCase);
}

/// <summary>What a PUT and a PATCH have in common.</summary>
public sealed class DiskPropertiesValidator : AbstractValidator<DiskPropertiesModel>
{
    public DiskPropertiesValidator()
    {
        RuleFor(properties => properties.DiskIOPSReadWrite).GreaterThan(0).WithErrorCode(ArmValidation.InvalidParameter);
        RuleFor(properties => properties.DiskMBpsReadWrite).GreaterThan(0).WithErrorCode(ArmValidation.InvalidParameter);
        RuleFor(properties => properties.DiskIOPSReadOnly).GreaterThan(0).WithErrorCode(ArmValidation.InvalidParameter);
        RuleFor(properties => properties.DiskMBpsReadOnly).GreaterThan(0).WithErrorCode(ArmValidation.InvalidParameter);
        RuleFor(properties => properties.MaxShares).GreaterThan(0).WithErrorCode(ArmValidation.InvalidParameter);
        RuleFor(properties => properties.Tier).OneOf([.. DiskPerformance.PremiumTierNames]);
        RuleFor(properties => properties.AccountType).OneOf(DiskPerformance.SkuNames);
        RuleFor(properties => properties.DiskSizeGB).ValidDiskSizeGB();
    }
}

public sealed class DiskUpdateValidator : AbstractValidator<DiskUpdate>
{
    public DiskUpdateValidator()
    {
        RuleFor(disk => disk.Tags).ValidTags();
        RuleFor(disk => disk.Sku!.Name).OneOf(DiskPerformance.SkuNames).When(disk => disk.Sku is not null);
        RuleFor(disk => disk).ValidValues();
        RuleFor(disk => disk.Properties!).SetValidator(new DiskPropertiesValidator()).When(disk => disk.Properties is not null);
    }
}
