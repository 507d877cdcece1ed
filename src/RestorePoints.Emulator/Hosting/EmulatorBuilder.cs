using Microsoft.Extensions.Options;

namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// What the process needs before it serves anything: settings, logs, the data directory's lock, ports and certificate.
/// </summary>
public static class EmulatorBuilder
{
    /// <summary>
    /// Settings come from appsettings.json beside the program, the environment and <paramref name="args"/>, the later the stronger.
    /// They are read once: no file is watched.
    /// </summary>
    public static WebApplicationBuilder Create(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = ["--hostBuilder:reloadConfigOnChange=false", .. args],
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Services.AddSingleton<IValidateOptions<EmulatorOptions>, EmulatorOptionsValidator>();
        builder.Services.AddOptions<EmulatorOptions>()
            .Configure<IConfiguration>((options, configuration) => EmulatorOptionsReader.Read(configuration, options))
            .ValidateOnStart();
        builder.Services.AddSingleton(services => DataDirectoryLock.Acquire(services.GetRequiredService<IOptions<EmulatorOptions>>().Value.DataDirectoryPath));
        builder.Services.AddSingleton(services => TlsCertificates.Open(
            services.GetRequiredService<DataDirectoryLock>().Path, services.GetRequiredService<IOptions<EmulatorOptions>>().Value, TimeProvider.System));
        return builder.AddLogging().AddKestrelEndpoints();
    }

    /// <summary>Takes the data directory for this process. Before anything in it is opened: catalog, engine, certificate.</summary>
    /// <exception cref="StartException">Another emulator has it.</exception>
    /// <exception cref="OptionsValidationException">The settings are not valid.</exception>
    public static void LockDataDirectory(this WebApplication app) => app.Services.GetRequiredService<DataDirectoryLock>();
}
