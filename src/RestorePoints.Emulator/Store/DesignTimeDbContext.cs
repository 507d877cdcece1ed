using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace RestorePoints.Emulator.Store;

/// <summary>Lets <c>dotnet ef migrations add</c> make a context without starting the service.</summary>
internal sealed class DesignTimeDbContext : IDesignTimeDbContextFactory<EmulatorDbContext>
{
    public EmulatorDbContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<EmulatorDbContext>().UseSqlite("Data Source=:memory:").Options);
}
