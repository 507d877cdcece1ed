using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.Identity;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;

try
{
    WebApplicationBuilder builder = EmulatorBuilder.Create(args);
    builder.Services.AddSingleton<CatalogWriter>();
    builder.Services.AddDbContextPool<EmulatorDbContext>((services, db) =>
        db.UseSqlite($"Data Source={Path.Combine(services.GetRequiredService<IOptions<EmulatorOptions>>().Value.DataDirectoryPath, "catalog.db")}"));
    builder.Services.AddEmulatorClock();
    builder.Services.AddTokens();

    await using WebApplication app = builder.Build();
    app.LockDataDirectory();
    await using (AsyncServiceScope scope = app.Services.CreateAsyncScope())
        await scope.ServiceProvider.GetRequiredService<EmulatorDbContext>().Database.EnsureCreatedAsync();
    await app.LoadClockAsync();

    app.UseRequestLog();
    app.Use(async (context, next) =>
    {
        try
        {
            await next(context);
        }
        catch (ArmException e)
        {
            context.Response.StatusCode = e.Error.Status;
            await context.Response.WriteAsJsonAsync(new { error = new { code = e.Error.Code, message = e.Error.Message, target = e.Error.Target } });
        }
    });
    app.MapHealth();
    app.MapTlsAuthority();
    app.MapClock();
    app.MapIdentity();
    app.PrintWhenReady();
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (StartException.Explains(e, out string? message))
{
    await Console.Error.WriteLineAsync(message);
    return 1;
}
