using System.Reflection;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ApplicationParts;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.EntityFrameworkCore;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Benchmarks;

/// <summary>What MVC and EF Core need for an answer when nothing of ARM is done: the emulator's queries on its catalog, answered by plain actions.</summary>
internal static class MvcServer
{
    /// <summary>Serves until the process is ended; prints its URL first.</summary>
    public static async Task RunAsync(string catalog)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddDbContextPool<EmulatorDbContext>(db => db.UseSqlite($"Data Source={catalog}"));
        builder.Services.AddControllers().ConfigureApplicationPartManager(parts =>
        {
            parts.ApplicationParts.Clear();
            parts.FeatureProviders.Add(new OnlyMvcActions());
        });
        await using WebApplication app = builder.Build();
        app.MapControllers();
        await app.StartAsync();
        Console.WriteLine(app.Urls.Single());
        await app.WaitForShutdownAsync();
    }

    private sealed class OnlyMvcActions : IApplicationFeatureProvider<ControllerFeature>
    {
        public void PopulateFeature(IEnumerable<ApplicationPart> parts, ControllerFeature feature) =>
            feature.Controllers.Add(typeof(MvcActions).GetTypeInfo());
    }
}

/// <summary>The actions: each with its query, and bare with an answer that is there already.</summary>
[ApiController]
public sealed class MvcActions : ControllerBase
{
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, object> Ready = new();

    [HttpGet("collection/{subscriptionId:guid}/{group}/{name}")]
    public async Task<RestorePointCollectionModel> Collection(Guid subscriptionId, string group, string name, [FromServices] EmulatorDbContext db) =>
        Keep("collection", RestorePointCollectionModel.From((await db.FindCollectionAsync(subscriptionId, group, name))!));

    [HttpGet("point/{subscriptionId:guid}/{group}/{name}/{point}")]
    public async Task<RestorePointModel> Point(Guid subscriptionId, string group, string name, string point, [FromServices] EmulatorDbContext db)
    {
        RestorePointCollection collection = (await db.FindCollectionAsync(subscriptionId, group, name))!;
        return Keep("point", RestorePointModel.From((await db.FindRestorePointAsync(collection.Id, point))!, collection, ""));
    }

    [HttpGet("list/{subscriptionId:guid}/{group}")]
    public async Task<IReadOnlyList<RestorePointCollectionModel>> List(Guid subscriptionId, string group, [FromServices] EmulatorDbContext db) =>
        Keep<IReadOnlyList<RestorePointCollectionModel>>("list", [.. (await db.RestorePointCollections.AsNoTracking()
            .Where(collection => collection.SubscriptionId == subscriptionId && collection.ResourceGroupName == group)
            .OrderBy(collection => collection.Name).ToListAsync()).Select(collection => RestorePointCollectionModel.From(collection))]);

    [HttpGet("bare/{what}")]
    public object Bare(string what) => Ready[what];

    private static T Keep<T>(string what, T answer) where T : class
    {
        Ready.TryAdd(what, answer);
        return answer;
    }
}
