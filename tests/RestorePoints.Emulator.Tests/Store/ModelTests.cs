using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using RestorePoints.Emulator.Store;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Store;

/// <summary>What is generated from the entities is up to date. docs/architecture.md says how it is generated.</summary>
public sealed class ModelTests
{
    [Fact]
    public void The_migrations_make_the_tables_of_the_entities()
    {
        using var db = new EmulatorDbContext(Options());
        db.Database.HasPendingModelChanges().ShouldBeFalse();
    }

    [Fact]
    public void The_compiled_model_is_that_of_the_entities()
    {
        using var db = new EmulatorDbContext(Options());
        IModel built = db.GetService<IDesignTimeModel>().Model;
        Shape(db.Model).ShouldBe(Shape(built));
        db.Model.ShouldNotBeSameAs(built);
    }

    /// <summary>Tables, columns with their types and conversions, keys, and indexes. Collations are in the migrations alone.</summary>
    private static string[] Shape(IModel model) =>
        [.. model.GetEntityTypes().OrderBy(entity => entity.Name, StringComparer.Ordinal).SelectMany(entity => (string[])
        [
            $"{entity.Name} {entity.GetTableName()}",
            .. entity.GetProperties().Select(property => $"  {property.Name} {property.GetColumnName()} {property.ClrType} {property.GetColumnType()} {property.IsNullable} {property.GetTypeMapping().Converter?.GetType()}"),
            .. entity.GetKeys().Select(key => $"  {key.Properties.Format()} {key.IsPrimaryKey()}"),
            .. entity.GetIndexes().Select(index => $"  {index.Properties.Format()} {index.IsUnique}"),
            .. entity.GetForeignKeys().Select(key => $"  {key.Properties.Format()} {key.PrincipalEntityType.Name} {key.DeleteBehavior}"),
        ])];

    private static DbContextOptions<EmulatorDbContext> Options() => new DbContextOptionsBuilder<EmulatorDbContext>().UseSqlite("Data Source=:memory:").Options;
}
