using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.Identity;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.PageBlobs;
using RestorePoints.Emulator.StateArchives;
using RestorePoints.Emulator.Store;
using RestorePoints.Emulator.TestControl;

try
{
    if (args is [HealthCheck.Command, .. string[] settings])
        return await HealthCheck.RunAsync(settings);
    if (args is [VerifyCommand.Name, .. string[] directory])
        return await VerifyCommand.RunAsync(directory);

    WebApplicationBuilder builder = EmulatorBuilder.Create(args);
    builder.Services.AddEmulatorClock();
    builder.Services.AddTestControl();
    builder.Services.AddStore();
    builder.Services.AddStateArchives();
    builder.Services.AddTokens();
    builder.Services.AddPageBlobs();
    builder.Services.AddArmControllers();
    builder.Services.AddArmOperations();
    builder.Services.AddOpenApiPage();

    await using WebApplication app = builder.Build();
    app.LockDataDirectory();
    // The store opens while the pipeline is put together.
    Task store = Task.Run(async () =>
    {
        await app.OpenStoreAsync();
        await app.SeedAsync();
        await app.LoadClockAsync();
    });

    app.UsePageBlobs();
    app.UseRequestLog();
    app.UseMiddleware<ArmRequestMiddleware>();
    app.UseMiddleware<JournalMiddleware>();
    app.UseMiddleware<HeadMiddleware>();
    app.UseRouting();
    app.UseMiddleware<FaultMiddleware>();
    app.UseMiddleware<ArmErrorMiddleware>();
    app.UseOpenApiPage();
    app.UseMiddleware<ApiVersionMiddleware>();
    app.UseWhen(ArmEndpoints.IsArm, arm => arm.UseArmAuthentication());
    app.UseMiddleware<RateLimitMiddleware>();
    app.UseMiddleware<AsyncOperationMiddleware>();
    app.MapControllers();
    app.MapIdentity();
    app.MapEmulatorEndpoints();

    await store;
    app.PrintWhenReady();
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (StartException.Explains(e, out string? message))
{
    await Console.Error.WriteLineAsync(message);
    return 1;
}
