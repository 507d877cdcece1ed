using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.Identity;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;

namespace RestorePoints.Emulator.Tests.Hosting;

/// <summary>The emulator's front door on real Kestrel with free ports: settings, ports, TLS, clock and identity, with one ARM path behind the token check.</summary>
internal sealed class FrontDoor : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FrontDoor(WebApplication app) => _app = app;

    public IServiceProvider Services => _app.Services;
    public Uri Http => new($"http://127.0.0.1:{Services.GetRequiredService<ListenSockets>().HttpPort}");
    public Uri Https => new($"https://localhost:{Services.GetRequiredService<ListenSockets>().HttpsPort}");

    public static async Task<FrontDoor> StartAsync(string dataDirectory, params string[] settings)
    {
        WebApplicationBuilder builder = EmulatorBuilder.Create([
            $"--Emulator:DataDirectory={dataDirectory}", "--Emulator:HttpPort=auto", "--Emulator:HttpsPort=auto", "--Logging:LogLevel:Default=Critical", .. settings]);
        builder.Services.AddSingleton<CatalogWriter>();
        builder.Services.AddDbContextPool<EmulatorDbContext>(db => db.UseSqlite($"Data Source={Path.Combine(dataDirectory, "catalog.db")};Pooling=False"));
        builder.Services.AddEmulatorClock().AddTokens();
        WebApplication app = builder.Build();
        app.LockDataDirectory();
        await using (AsyncServiceScope scope = app.Services.CreateAsyncScope())
            await scope.ServiceProvider.GetRequiredService<EmulatorDbContext>().Database.EnsureCreatedAsync();
        await app.LoadClockAsync();

        app.UseRequestLog();
        app.Use(AnswerErrorsAsync);
        app.UseWhen(context => context.Request.Path.StartsWithSegments("/subscriptions"), arm => arm.UseArmAuthentication());
        app.MapGet("/subscriptions", () => "listed");
        app.MapHealth();
        app.MapTlsAuthority();
        app.MapClock();
        app.MapIdentity();
        await app.StartAsync();
        return new FrontDoor(app);
    }

    /// <summary>A client that trusts the emulator's CA and nothing else; names are checked as ever.</summary>
    public HttpClient TrustingClient() => new(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trusting(Services.GetRequiredService<TlsCertificates>().AuthorityPem!) },
    })
    { BaseAddress = Https };

    public static X509ChainPolicy Trusting(string authorityPem) => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        CustomTrustStore = { X509Certificate2.CreateFromPem(authorityPem) },
        RevocationMode = X509RevocationMode.NoCheck,
    };

    private static async Task AnswerErrorsAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (ArmException e)
        {
            context.Response.Clear();
            context.Response.StatusCode = e.Error.Status;
            await context.Response.WriteAsJsonAsync(new { error = new { code = e.Error.Code, message = e.Error.Message, target = e.Error.Target } });
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
