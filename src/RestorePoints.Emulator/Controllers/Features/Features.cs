using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// Preview features of a subscription. What a subscription registered or unregistered counts; of any other feature the setting
/// <see cref="EmulatorOptions.Features"/> decides.
/// </summary>
public sealed class Features(EmulatorDbContext db, IOptions<EmulatorOptions> options)
{
    /// <summary>Needed by <c>instantAccess</c> of collections and <c>instantAccessDurationMinutes</c> of restore points.</summary>
    public const string InstantAccess = "AppConsistentInstantAccessSnapshotForDirectDriveDisks";

    /// <summary>The features that this emulator knows a meaning of, all of Microsoft.Compute.</summary>
    public static readonly string[] Known = [InstantAccess];

    /// <summary>State of a feature that the subscription has neither registered nor unregistered.</summary>
    public FeatureState InitialState => options.Value.Features == FeaturesMode.Registered ? FeatureState.Registered : FeatureState.NotRegistered;

    /// <summary>409 unless the feature of Microsoft.Compute is registered.</summary>
    public async Task RequireAsync(Guid subscriptionId, string feature)
    {
        FeatureRegistration? registration = await db.FeatureRegistrations.AsNoTracking()
            .SingleOrDefaultAsync(known => known.SubscriptionId == subscriptionId && known.ProviderNamespace == ArmResourceId.Provider && known.Name == feature);
        if ((registration?.State ?? InitialState) != FeatureState.Registered)
            throw ArmErrors.SubscriptionNotRegisteredForFeature(subscriptionId, $"{ArmResourceId.Provider}/{feature}").AsException();
    }
}
