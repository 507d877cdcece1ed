using FluentValidation;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Shape of a disk PUT. Sizes: 1 GiB to 32,767 GiB (65,536 GiB for Ultra and Premium SSD v2); uploads 20 MiB to 32 TiB, a whole number of MiB, and 512 bytes of footer.</summary>
public sealed class DiskValidator : AbstractValidator<DiskModel>
{
    private const long MinUploadSizeBytes = 20_972_032, MaxUploadSizeBytes = 35_183_298_347_520;

    public DiskValidator()
    {
        RuleFor(disk => disk.Location).ValidLocation();
        RuleFor(disk => disk.Tags).ValidTags();
        RuleFor(disk => disk.Sku!.Name).OneOf(DiskPerformance.SkuNames).When(disk => disk.Sku is not null);
        RuleFor(disk => disk.Zones).Must(zones => zones is null || (zones.Count <= 1 && zones.All(zone => zone is "1" or "2" or "3")))
            .WithErrorCode(ArmValidation.InvalidParameter).WithMessage("A disk is in one of the zones 1, 2, 3, or in none.");
        RuleFor(disk => disk.Properties).NotNull().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'properties' is missing (null).");
        When(disk => disk.Properties is not null, () =>
        {
            RuleFor(disk => disk.Properties!.OsType).ValidOsType();
            RuleFor(disk => disk.Properties!.HyperVGeneration).ValidHyperVGeneration();
            RuleFor(disk => disk.Properties!.NetworkAccessPolicy).ValidNetworkAccessPolicy();
            RuleFor(disk => disk.Properties!.PublicNetworkAccess).ValidPublicNetworkAccess();
            RuleFor(disk => disk.Properties!.DiskIOPSReadWrite).GreaterThan(0).WithErrorCode(ArmValidation.InvalidParameter);
            RuleFor(disk => disk.Properties!.DiskMBpsReadWrite).GreaterThan(0).WithErrorCode(ArmValidation.InvalidParameter);
            RuleFor(disk => disk.Properties!.DiskSizeGB).ValidDiskSizeGB();
            RuleFor(disk => disk.Properties!.CreationData).NotNull().WithErrorCode(ArmValidation.InvalidParameter)
                .WithMessage("Required parameter 'disk.properties.creationData' is missing (null).");
            When(disk => disk.Properties!.CreationData is not null, CreationDataRules);
        });
    }

    private void CreationDataRules()
    {
        RuleFor(disk => disk.Properties!.CreationData!.CreateOption).Cascade(CascadeMode.Stop)
            .NotEmpty().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'disk.properties.creationData.createOption' is missing (null).")
            .OneOf(DiskRules.CreateOptions);
        RuleFor(disk => disk.Properties!.DiskSizeGB).NotNull().When(IsOption(DiskCreateOption.Empty))
            .WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'disk.properties.diskSizeGB' is missing (null).");
        RuleFor(disk => disk.Properties!.CreationData!.SourceResourceId).ValidResourceId("disks", "snapshots").When(IsOption(DiskCreateOption.Copy));
        RuleFor(disk => disk.Properties!.CreationData!.SourceResourceId)
            .ValidResourceId("restorePointCollections/restorePoints/diskRestorePoints").When(IsOption(DiskCreateOption.Restore));
        RuleFor(disk => disk.Properties!.CreationData!).Must(creation => creation.ImageReference?.IsSet == true || creation.GalleryImageReference?.IsSet == true)
            .When(IsOption(DiskCreateOption.FromImage)).OverridePropertyName("properties.creationData.imageReference").WithErrorCode(ArmValidation.InvalidParameter)
            .WithMessage("Required parameter 'disk.properties.creationData.imageReference' is missing (null).");
        RuleFor(disk => disk.Properties!.CreationData!.UploadSizeBytes).Cascade(CascadeMode.Stop)
            .NotNull().WithErrorCode(ArmValidation.InvalidParameter).WithMessage("Required parameter 'disk.properties.creationData.uploadSizeBytes' is missing (null).")
            .Must(size => size is >= MinUploadSizeBytes and <= MaxUploadSizeBytes && (size.Value - 512) % (1 << 20) == 0).WithErrorCode(ArmValidation.InvalidParameter)
            .WithMessage($"The value '{{PropertyValue}}' of uploadSizeBytes is invalid: a whole number of MiB and 512 bytes for the VHD footer, between {MinUploadSizeBytes} and {MaxUploadSizeBytes}.")
            .When(IsOption(DiskCreateOption.Upload));
    }

    private static Func<DiskModel, bool> IsOption(DiskCreateOption option) =>
        disk => option.ToString().Equals(disk.Properties!.CreationData!.CreateOption, StringComparison.OrdinalIgnoreCase);
}

public sealed class DiskUpdateValidator : AbstractValidator<DiskUpdate>
{
    public DiskUpdateValidator()
    {
        RuleFor(disk => disk.Tags).ValidTags();
        RuleFor(disk => disk.Sku!.Name).OneOf(DiskPerformance.SkuNames).When(disk => disk.Sku is not null);
        When(disk => disk.Properties is not null, () =>
        {
            RuleFor(disk => disk.Properties!.OsType).ValidOsType();
            RuleFor(disk => disk.Properties!.NetworkAccessPolicy).ValidNetworkAccessPolicy();
            RuleFor(disk => disk.Properties!.PublicNetworkAccess).ValidPublicNetworkAccess();
            RuleFor(disk => disk.Properties!.DiskIOPSReadWrite).GreaterThan(0).WithErrorCode(ArmValidation.InvalidParameter);
            RuleFor(disk => disk.Properties!.DiskMBpsReadWrite).GreaterThan(0).WithErrorCode(ArmValidation.InvalidParameter);
            RuleFor(disk => disk.Properties!.DiskSizeGB).ValidDiskSizeGB();
        });
    }
}
