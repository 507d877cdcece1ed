using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Controllers;

/// <summary>
/// <c>Microsoft.Features</c>. Any well-formed name is a feature of a provider that is served, so that scripts which register features of no meaning here
/// run; lists have those that are known and those that were registered once.
/// </summary>
[ArmResourceType("features", ApiVersionFamily.Resources)]
[Route("subscriptions/{subscriptionId}/providers/Microsoft.Features")]
public sealed class FeaturesController(EmulatorDbContext db, TimeProvider time, Features features) : ArmController(db, time)
{
    private const string OfProvider = "providers/{providerNamespace}/features";

    [HttpGet("features")]
    public async Task<ListModel<FeatureModel>> ListAll() => Page(await KnownAsync(), feature => feature.Name);

    [HttpGet(OfProvider)]
    public async Task<ListModel<FeatureModel>> List(string providerNamespace)
    {
        string provider = ArmProviders.Require(providerNamespace).Namespace;
        return Page((await KnownAsync()).Where(feature => feature.Name.StartsWith(provider + "/", StringComparison.Ordinal)), feature => feature.Name);
    }

    [HttpGet(OfProvider + "/{featureName}")]
    public async Task<FeatureModel> Get(string providerNamespace, string featureName)
    {
        string provider = ArmProviders.Require(providerNamespace).Namespace;
        FeatureRegistration? registration = await FindAsync(provider, featureName);
        return registration is null ? Model(provider, NameOf(provider, featureName), features.InitialState) : Model(registration);
    }

    [HttpPost(OfProvider + "/{featureName}/register")]
    public Task<FeatureModel> Register(string providerNamespace, string featureName) => SetAsync(providerNamespace, featureName, FeatureState.Registered);

    [HttpPost(OfProvider + "/{featureName}/unregister")]
    public Task<FeatureModel> Unregister(string providerNamespace, string featureName) => SetAsync(providerNamespace, featureName, FeatureState.NotRegistered);

    private async Task<FeatureModel> SetAsync(string providerNamespace, string name, FeatureState state)
    {
        string provider = ArmProviders.Require(providerNamespace).Namespace;
        FeatureRegistration? registration = await FindAsync(provider, name);
        if (registration is null)
        {
            registration = new FeatureRegistration { SubscriptionId = SubscriptionId, ProviderNamespace = provider, Name = NameOf(provider, name) };
            Db.FeatureRegistrations.Add(registration);
        }
        registration.State = state;
        return Model(registration);
    }

    private async Task<List<FeatureModel>> KnownAsync()
    {
        List<FeatureModel> known = [.. (await Db.FeatureRegistrations.AsNoTracking().Where(feature => feature.SubscriptionId == SubscriptionId).ToListAsync()).Select(Model)];
        foreach (string name in Features.Known)
            if (!known.Exists(feature => feature.Name == $"{ArmResourceId.Provider}/{name}"))
                known.Add(Model(ArmResourceId.Provider, name, features.InitialState));
        return known;
    }

    private Task<FeatureRegistration?> FindAsync(string provider, string name) => Db.FeatureRegistrations.SingleOrDefaultAsync(
        feature => feature.SubscriptionId == SubscriptionId && feature.ProviderNamespace == provider && feature.Name == name);

    /// <summary>A known name in its own spelling, or any other of letters, digits, '.', '_' and '-', at most 128.</summary>
    private static string NameOf(string provider, string? name) =>
        provider == ArmResourceId.Provider && Features.Known.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } spelled ? spelled
        : name is { Length: > 0 and <= 128 } && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-') ? name
        : throw ArmErrors.FeatureNotFound(name ?? "").AsException();

    private FeatureModel Model(FeatureRegistration registration) => Model(registration.ProviderNamespace, registration.Name, registration.State);

    private FeatureModel Model(string provider, string name, FeatureState state) => new(new FeaturePropertiesModel(state.ToString()),
        $"/subscriptions/{SubscriptionId}/providers/Microsoft.Features/providers/{provider}/features/{name}", "Microsoft.Features/providers/features", $"{provider}/{name}");
}

/// <param name="Name"><c>{namespace}/{feature}</c>.</param>
public sealed record FeatureModel(FeaturePropertiesModel Properties, string Id, string Type, string Name);

/// <param name="State"><c>Registered</c> or <c>NotRegistered</c>.</param>
public sealed record FeaturePropertiesModel(string State);
