using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace RestorePoints.Emulator.Store;

public sealed class ResourceGroup
{
    public Guid Id { get; init; } = Guid.NewGuid();
    public required Guid SubscriptionId { get; init; }
    public required string Name { get; init; }
    public required string Location { get; init; }
    public Tags? Tags { get; set; }
    public ProvisioningState ProvisioningState { get; set; } = ProvisioningState.Succeeded;

    internal sealed class Configuration : IEntityTypeConfiguration<ResourceGroup>
    {
        public void Configure(EntityTypeBuilder<ResourceGroup> builder)
        {
            builder.Property(group => group.Name).UseCollation("NOCASE");
            builder.HasIndex(group => new { group.SubscriptionId, group.Name }).IsUnique();
        }
    }
}
