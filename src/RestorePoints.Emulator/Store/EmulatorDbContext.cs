using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace RestorePoints.Emulator.Store;

/// <summary>
/// The catalog: every ARM resource, operation and access grant. The bytes of disks and points are in the snapshot
/// engine; a volume's id is the id of the <see cref="Disk"/>, a point's id that of the <see cref="RestorePoint"/> or <see cref="Snapshot"/>.
/// Names that ARM compares without regard to case are NOCASE columns. Writes go through <see cref="CatalogWriter"/>.
/// </summary>
public sealed class EmulatorDbContext(DbContextOptions<EmulatorDbContext> options) : DbContext(options)
{
    public DbSet<ResourceGroup> ResourceGroups => Set<ResourceGroup>();
    public DbSet<VirtualMachine> VirtualMachines => Set<VirtualMachine>();
    public DbSet<Disk> Disks => Set<Disk>();
    public DbSet<Snapshot> Snapshots => Set<Snapshot>();
    public DbSet<RestorePointCollection> RestorePointCollections => Set<RestorePointCollection>();
    public DbSet<RestorePoint> RestorePoints => Set<RestorePoint>();
    public DbSet<DiskRestorePoint> DiskRestorePoints => Set<DiskRestorePoint>();
    public DbSet<AccessGrant> AccessGrants => Set<AccessGrant>();
    public DbSet<ResourceLock> ResourceLocks => Set<ResourceLock>();
    public DbSet<FeatureRegistration> FeatureRegistrations => Set<FeatureRegistration>();
    public DbSet<Operation> Operations => Set<Operation>();
    public DbSet<StoreSetting> Settings => Set<StoreSetting>();

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UtcTicksConverter>();
        configurationBuilder.Properties<Enum>().HaveConversion<string>();
        configurationBuilder.Properties<Tags>().HaveConversion<TagsConverter>();
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(EmulatorDbContext).Assembly);

    /// <summary>Instants are stored as UTC ticks: exact to the 100 ns of the wire format, and SQLite can order them.</summary>
    internal sealed class UtcTicksConverter() : ValueConverter<DateTimeOffset, long>(
        value => value.UtcTicks, ticks => new DateTimeOffset(ticks, TimeSpan.Zero));

    internal sealed class TagsConverter() : ValueConverter<Tags, string>(
        tags => tags.ToJson(), json => Tags.FromJson(json));
}
