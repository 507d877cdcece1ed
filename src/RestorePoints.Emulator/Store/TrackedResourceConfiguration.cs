using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace RestorePoints.Emulator.Store;

/// <summary>Keys that every tracked resource shares: its ARM id, compared without regard to case, is unique within its type.</summary>
internal abstract class TrackedResourceConfiguration<T> : IEntityTypeConfiguration<T> where T : TrackedResource
{
    public virtual void Configure(EntityTypeBuilder<T> builder)
    {
        builder.Property(resource => resource.ResourceGroupName).UseCollation("NOCASE");
        builder.Property(resource => resource.Name).UseCollation("NOCASE");
        builder.HasIndex(resource => new { resource.SubscriptionId, resource.ResourceGroupName, resource.Name }).IsUnique();
    }
}
