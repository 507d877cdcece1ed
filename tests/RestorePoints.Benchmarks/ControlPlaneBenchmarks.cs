using System.Text;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Store;
using static RestorePoints.Benchmarks.HttpRounds;

namespace RestorePoints.Benchmarks;

/// <summary>ARM calls beside the least that MVC, EF Core and SQLite can do for the same answer.</summary>
internal static class ControlPlaneBenchmarks
{
    private const int ListedCollections = 1000;
    private const string Subscription = "00000000-0000-0000-0000-000000000001";

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        string root = Directory.CreateTempSubdirectory("restorepoints-benchmark-").FullName;
        try
        {
            string data = Path.Combine(root, "data");
            await using HttpServer emulator = await HttpServer.StartEmulatorAsync(data);
            await using HttpServer mvc = await HttpServer.StartMvcAsync(Path.Combine(data, "catalog.db"));
            await foreach (BenchmarkRow row in ReadsAsync(emulator, mvc))
                yield return row;
            yield return await PutCollectionAsync(emulator, root);
            await foreach (BenchmarkRow row in PointsAsync(emulator, root))
                yield return row;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async IAsyncEnumerable<BenchmarkRow> ReadsAsync(HttpServer emulator, HttpServer mvc)
    {
        using var machine = new HttpMachine(emulator.Url, "reads", 1);
        await machine.CreateAsync();
        await machine.CreatePointAsync("point");
        using var listed = new HttpMachine(emulator.Url, "listed", 1);
        await listed.CreateAsync();
        await ParallelAsync(emulator.Url, 4, async (wire, connection) =>
        {
            // The group has one already.
            for (int i = connection; i < ListedCollections - 1; i += 4)
                await PutAsync(wire, emulator.Url, "listed", $"c{i:d4}");
        });

        foreach ((string what, string path, string limit, int requests) in new[]
        {
            ("GET collection", Compute("reads") + "/restorePointCollections/c", $"/collection/{Subscription}/reads/c", 3000),
            ("GET restore point", Compute("reads") + "/restorePointCollections/c/restorePoints/point", $"/point/{Subscription}/reads/c/point", 3000),
            ($"list of {ListedCollections:n0} collections", Compute("listed") + "/restorePointCollections", $"/list/{Subscription}/listed", 60),
        })
        {
            byte[] measured = Get(emulator.Url, path + "?api-version=2024-07-01"), query = Get(mvc.Url, limit), bare = Get(mvc.Url, "/bare/" + limit.Split('/')[1]);
            foreach (int connections in new[] { 1, 8, 32 })
            {
                double[] rates = await RatesAsync(connections, Math.Max(4, requests / connections), default, 200, _ => _ => measured, _ => _ => query, _ => _ => bare);
                yield return new($"{what}, {connections} connection{(connections == 1 ? "" : "s")}", $"{rates[0]:n0}/s",
                    $"{rates[1]:n0}/s MVC, same query; {rates[2]:n0}/s bare MVC", rates[0] / rates[1], ">= 0.8");
            }
        }
    }

    private static async Task<BenchmarkRow> PutCollectionAsync(HttpServer emulator, string root)
    {
        using var machine = new HttpMachine(emulator.Url, "puts", 1);
        await machine.CreateAsync();
        using var wire = new HttpWire(emulator.Url);
        var options = new DbContextOptionsBuilder<EmulatorDbContext>().UseSqlite($"Data Source={Path.Combine(root, "rows.db")}").Options;
        await using (var db = new EmulatorDbContext(options))
        {
            await db.Database.MigrateAsync();
            await db.Database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
        }
        int created = 0, added = 0;
        (double put, double transaction) = await AlternateAsync(800, () => PutAsync(wire, emulator.Url, "puts", $"n{created++}"), AddAsync);
        return new("PUT collection", Millis(put), $"{Millis(transaction)} the same row by bare EF Core", transaction / put, ">= 0.4");

        async Task AddAsync()
        {
            await using var db = new EmulatorDbContext(options);
            db.RestorePointCollections.Add(new RestorePointCollection
            {
                SubscriptionId = Guid.Parse(Subscription),
                ResourceGroupName = "puts",
                Name = $"n{added++}",
                Location = "westeurope",
                TimeCreated = TimeProvider.System.GetUtcNow(),
                ProvisioningState = ProvisioningState.Succeeded,
                SourceId = Compute("puts") + "/virtualMachines/vm",
                SourceLocation = "westeurope",
            });
            await db.SaveChangesAsync();
        }
    }

    private static async IAsyncEnumerable<BenchmarkRow> PointsAsync(HttpServer emulator, string root)
    {
        using var machine = new HttpMachine(emulator.Url, "points", 1);
        await machine.CreateAsync();
        using var transactions = new HttpTransactions(root);
        int created = 0, deleted = 0;
        (double create, double transaction) = await AlternateAsync(600, () => machine.CreatePointAsync($"p{created++}"), transactions.OneAsync);
        yield return new("PUT restore point to Succeeded", Millis(create), $"{Millis(transaction)} one EF Core transaction", transaction / create, "<= 5 ms");
        (double delete, transaction) = await AlternateAsync(400, () => machine.DeletePointAsync($"p{deleted++}"), transactions.OneAsync);
        yield return new("DELETE restore point to Succeeded", Millis(delete), $"{Millis(transaction)} one EF Core transaction", transaction / delete, "<= 10 ms");
    }

    private static async Task PutAsync(HttpWire wire, Uri server, string group, string name)
    {
        byte[] body = Encoding.UTF8.GetBytes($$$"""{"location":"westeurope","properties":{"source":{"id":"{{{Compute(group)}}}/virtualMachines/vm"} } }""");
        var url = new Uri(server, $"{Compute(group)}/restorePointCollections/{name}?api-version=2024-07-01");
        await wire.SendAsync(HttpWire.Request("PUT", url, body.Length, ("Content-Type", "application/json")), body, 201);
    }

    private static byte[] Get(Uri server, string path) => HttpWire.Request("GET", new Uri(server, path), 0);

    private static string Compute(string group) => $"/subscriptions/{Subscription}/resourceGroups/{group}/providers/Microsoft.Compute";
}
