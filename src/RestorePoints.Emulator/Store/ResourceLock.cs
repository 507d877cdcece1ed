using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace RestorePoints.Emulator.Store;

/// <summary>A management lock (<c>Microsoft.Authorization/locks</c>) on a subscription, a resource group or a resource. It holds for everything below its scope.</summary>
public sealed class ResourceLock
{
    public Guid Id { get; init; } = Guid.NewGuid();
    public required Guid SubscriptionId { get; init; }

    /// <summary>ARM id of what is locked, in the spelling of its creation.</summary>
    public required string Scope { get; init; }
    public required string Name { get; init; }
    public LockLevel Level { get; set; }
    public string? Notes { get; set; }

    /// <summary>Application ids of the owners; JSON array, null when none was given.</summary>
    public string? Owners { get; set; }

    internal sealed class Configuration : IEntityTypeConfiguration<ResourceLock>
    {
        public void Configure(EntityTypeBuilder<ResourceLock> builder)
        {
            builder.Property(known => known.Scope).UseCollation("NOCASE");
            builder.Property(known => known.Name).UseCollation("NOCASE");
            builder.HasIndex(known => new { known.SubscriptionId, known.Scope, known.Name }).IsUnique();
        }
    }
}

/// <summary>Values of <c>properties.level</c>.</summary>
public enum LockLevel
{
    /// <summary>Everything but deleting.</summary>
    CanNotDelete,

    /// <summary>Nothing but reading; POST actions count as writes.</summary>
    ReadOnly,
}
