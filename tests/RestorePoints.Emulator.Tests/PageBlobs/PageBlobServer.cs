using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.Identity;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;
using RestorePoints.SnapshotEngine;
using Xunit;

namespace RestorePoints.Emulator.Tests.PageBlobs;

/// <summary>The data plane alone on a real Kestrel, with real SQLite and the real engine in a directory of its own.</summary>
public sealed class PageBlobServer : IAsyncLifetime
{
    public const string Location = "westeurope";
    public const string ResourceGroup = "rg";
    public static readonly Guid Subscription = new("00000000-0000-0000-0000-000000000001");

    private readonly string _directory = Directory.CreateTempSubdirectory("restorepoints-").FullName;
    private readonly SemaphoreSlim _names = new(1, 1);
    private WebApplication? _app;
    private RestorePointCollection? _collection;
    private int _lastName;

    internal ManualClock Clock { get; } = new();

    private HttpClient Http { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    public string BaseUrl { get; private set; } = "";

    /// <summary>Of clients that do not read their answer.</summary>
    public TimeSpan LongestStall { get; init; } = ConnectionLimits.LongestStall;

    public SnapshotStore Engine => _app!.Services.GetRequiredService<RegionStores>().Get(Location);

    public AccessGrants Grants => _app!.Services.GetRequiredService<AccessGrants>();

    public async ValueTask InitializeAsync()
    {
        await StartAsync();
        await SaveAsync(db =>
        {
            db.ResourceGroups.Add(new ResourceGroup { SubscriptionId = Subscription, Name = ResourceGroup, Location = Location });
            _collection = new RestorePointCollection
            {
                SubscriptionId = Subscription,
                ResourceGroupName = ResourceGroup,
                Name = "rpc",
                Location = Location,
                TimeCreated = Clock.GetUtcNow(),
                SourceId = "/vm",
                SourceLocation = Location,
            };
            db.RestorePointCollections.Add(_collection);
        });
    }

    /// <summary>Ends the process's worth of state and starts again on the same directory and port.</summary>
    public async Task RestartAsync()
    {
        await _app!.DisposeAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app!.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <param name="source">A point that the disk starts with; else it is empty.</param>
    public async Task<Disk> NewDiskAsync(long sizeBytes, bool upload = false, DiskRestorePoint? source = null)
    {
        var disk = new Disk
        {
            SubscriptionId = Subscription,
            ResourceGroupName = ResourceGroup,
            Name = $"disk{Interlocked.Increment(ref _lastName)}",
            Location = Location,
            TimeCreated = Clock.GetUtcNow(),
            SkuName = "Standard_LRS",
            SizeBytes = sizeBytes,
            CreateOption = upload ? DiskCreateOption.Upload : DiskCreateOption.Empty,
            UploadSizeBytes = upload ? sizeBytes + VhdFooter.LengthBytes : null,
        };
        if (source is null)
            Engine.CreateVolume(disk.Id, sizeBytes);
        else
            Engine.CreateVolumeFromPoint(disk.Id, source.VolumeId, source.RestorePointId, sizeBytes);
        await SaveAsync(db => db.Disks.Add(disk));
        return disk;
    }

    /// <summary>Freezes a disk in a restore point of its own.</summary>
    public async Task<DiskRestorePoint> NewPointAsync(Disk disk)
    {
        await _names.WaitAsync();
        Clock.Advance(TimeSpan.FromTicks(7_777_777));
        DateTimeOffset time = Clock.GetUtcNow();
        _names.Release();
        var restorePoint = new RestorePoint
        {
            CollectionId = _collection!.Id,
            Name = $"rp{Interlocked.Increment(ref _lastName)}",
            TimeCreated = time,
            VirtualMachineId = Guid.NewGuid(),
            Model = "{}",
            SourceMetadata = "{}",
        };
        Engine.CreatePoint(restorePoint.Id, [disk.Id]);
        using VolumeView view = Engine.OpenPoint(disk.Id, restorePoint.Id);
        var point = new DiskRestorePoint
        {
            RestorePointId = restorePoint.Id,
            Name = $"{disk.Name}_{Guid.NewGuid()}",
            Location = Location,
            VolumeId = disk.Id,
            SourceUniqueId = disk.Id,
            SourceResourceId = disk.Name,
            SizeBytes = view.SizeBytes,
            Lun = 0,
            TimeCreated = time,
            SnapshotTime = time,
        };
        await SaveAsync(db =>
        {
            db.RestorePoints.Add(restorePoint);
            db.DiskRestorePoints.Add(point);
        });
        return point;
    }

    public Task<string> GrantAsync(Disk disk, AccessKind kind, TimeSpan? duration = null) =>
        GrantAsync(AccessGrants.NewGrant(kind, BaseUrl, Location, disk.Id, null, disk.Id, Subscription, Clock.GetUtcNow() + duration, Clock.GetUtcNow()));

    public Task<string> GrantAsync(DiskRestorePoint point, TimeSpan? duration = null) =>
        GrantAsync(AccessGrants.NewGrant(AccessKind.Read, BaseUrl, Location, point.VolumeId, new GrantedPoint(point.RestorePointId, point.SnapshotTime, IsIncremental: true), point.Id, Subscription,
            Clock.GetUtcNow() + duration, Clock.GetUtcNow()));

    public async Task RevokeAsync(Guid resourceRowId)
    {
        foreach (AccessGrant grant in Grants.FindByResource(resourceRowId))
        {
            await SaveAsync(db => db.AccessGrants.Remove(grant));
            Grants.Forget(grant.SignedIdentifier);
        }
    }

    public async Task<string> NameOfRestorePointAsync(DiskRestorePoint point)
    {
        await using AsyncServiceScope scope = _app!.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<EmulatorDbContext>().RestorePoints.Where(row => row.Id == point.RestorePointId).Select(row => row.Name).SingleAsync();
    }

    /// <summary>An SDK client that fails at once instead of retrying.</summary>
    public static PageBlobClient Client(string url, BlobClientOptions? options = null)
    {
        options ??= new BlobClientOptions();
        options.Retry.MaxRetries = 0;
        return new PageBlobClient(new Uri(url), options);
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string url, byte[]? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, url);
        if (method == HttpMethod.Put)
            request.Content = new ByteArrayContent(body ?? []);
        foreach ((string name, string value) in headers)
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content!.Headers.TryAddWithoutValidation(name, value);
        return await Http.SendAsync(request);
    }

    public Task<HttpResponseMessage> GetAsync(string url, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, url, null, headers);

    public Task<HttpResponseMessage> PutPageAsync(string url, long offset, byte[] data, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Put, url + "&comp=page", data, [("x-ms-page-write", "update"), ("x-ms-range", $"bytes={offset}-{offset + data.Length - 1}"), .. headers]);

    public async Task SaveAsync(Action<EmulatorDbContext> change)
    {
        await using AsyncServiceScope scope = _app!.Services.CreateAsyncScope();
        EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
        await using CatalogWrite write = await scope.ServiceProvider.GetRequiredService<CatalogWriter>().BeginAsync(db, default);
        change(db);
        await write.CommitAsync();
    }

    /// <summary>A token of this server, issued at another time.</summary>
    public async Task<string> TokenAsync(string audience, DateTimeOffset issuedAt)
    {
        var clock = new ManualClock();
        clock.Advance(issuedAt - clock.GetUtcNow());
        TokenIssuer issuer = ActivatorUtilities.CreateInstance<TokenIssuer>(_app!.Services, clock);
        return await issuer.IssueAsync(BaseUrl, SubscriptionOptions.DefaultTenantId.ToString(), "app", audience, CancellationToken.None);
    }

    private async Task<string> GrantAsync(AccessGrant grant)
    {
        await SaveAsync(db => db.AccessGrants.Add(grant));
        Grants.Remember(grant, AccessRules.Open);
        return Grants.UrlOf(grant);
    }

    private async Task StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(kestrel => ConnectionLimits.Set(kestrel.Limits, LongestStall)).UseUrls(BaseUrl.Length == 0 ? "http://127.0.0.1:0" : BaseUrl);
        builder.Services
            .AddSingleton<TimeProvider>(Clock)
            .AddSingleton(_ => new EmulatorClock(Clock))
            .AddSingleton<CatalogWriter>()
            .AddSingleton<RegionStates>()
            .AddSingleton(_ => new RegionStores(_directory, new SnapshotStoreOptions()))
            .AddDbContext<EmulatorDbContext>(options => options.UseSqlite($"Data Source={Path.Combine(_directory, "catalog.db")};Pooling=False"))
            .Configure<EmulatorOptions>(options => options.Subscriptions.Add(new SubscriptionOptions { Id = Subscription }))
            .AddTokens()
            .AddTestControl()
            .AddPageBlobs();
        _app = builder.Build();
        _app.UsePageBlobs();
        _app.Use(ShowArmErrorsAsync);
        _app.MapGuestAccess();
        _app.MapDiskContent();
        await using (AsyncServiceScope scope = _app.Services.CreateAsyncScope())
        {
            EmulatorDbContext db = scope.ServiceProvider.GetRequiredService<EmulatorDbContext>();
            await db.Database.EnsureCreatedAsync();
            await Grants.LoadAsync(db);
        }
        await _app.StartAsync();
        BaseUrl = _app.Urls.Single();
    }

    private static async Task ShowArmErrorsAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (ArmException failure)
        {
            context.Response.StatusCode = failure.Error.Status;
            await context.Response.WriteAsync(failure.Error.Code);
        }
    }
}
