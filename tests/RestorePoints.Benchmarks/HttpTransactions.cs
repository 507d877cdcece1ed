using Microsoft.EntityFrameworkCore;

namespace RestorePoints.Benchmarks;

/// <summary>The least that a control-plane call must do: one EF Core transaction of two rows in SQLite, with the settings of the service.</summary>
internal sealed class HttpTransactions : IDisposable
{
    private readonly DbContextOptions<Context> _options;

    public HttpTransactions(string directory)
    {
        _options = new DbContextOptionsBuilder<Context>().UseSqlite($"Data Source={Path.Combine(directory, "limit.db")}").Options;
        using var context = new Context(_options);
        context.Database.EnsureCreated();
        context.Database.ExecuteSqlRaw("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
    }

    public async Task OneAsync()
    {
        await using var context = new Context(_options);
        context.Rows.Add(new Row { Text = new string('x', 1500) });
        context.Rows.Add(new Row { Text = new string('y', 300) });
        await context.SaveChangesAsync();
    }

    public void Dispose() => Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();

    private sealed class Context(DbContextOptions<Context> options) : DbContext(options)
    {
        public DbSet<Row> Rows => Set<Row>();
    }

    private sealed class Row
    {
        public Guid Id { get; init; } = Guid.NewGuid();
        public required string Text { get; init; }
    }
}
