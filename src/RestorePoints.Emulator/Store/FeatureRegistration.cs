using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace RestorePoints.Emulator.Store;

/// <summary>What a subscription said of a preview feature (<c>Microsoft.Features</c>): one row once it was registered or unregistered.</summary>
public sealed class FeatureRegistration
{
    public Guid Id { get; init; } = Guid.NewGuid();
    public required Guid SubscriptionId { get; init; }
    public required string ProviderNamespace { get; init; }
    public required string Name { get; init; }
    public FeatureState State { get; set; }

    internal sealed class Configuration : IEntityTypeConfiguration<FeatureRegistration>
    {
        public void Configure(EntityTypeBuilder<FeatureRegistration> builder)
        {
            builder.Property(feature => feature.ProviderNamespace).UseCollation("NOCASE");
            builder.Property(feature => feature.Name).UseCollation("NOCASE");
            builder.HasIndex(feature => new { feature.SubscriptionId, feature.ProviderNamespace, feature.Name }).IsUnique();
        }
    }
}

/// <summary>Values of <c>properties.state</c>. A registration takes effect at once: the states in between are not shown.</summary>
public enum FeatureState
{
    NotRegistered,
    Registered,
}
