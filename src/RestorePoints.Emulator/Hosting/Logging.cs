using System.Globalization;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.TestControl;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting;
using Serilog.Formatting.Display;

namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// Logs go to stderr, one line per request of ARM and per failed one of the data plane, the framework's own from Warning on; <c>Logging:LogLevel:{Default or category}</c> overrides.
/// Every line passes <see cref="SecretRedaction"/> last, whatever wrote it.
/// </summary>
public static class Logging
{
    private const string LineTemplate = "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}";
    private const string RequestTemplate = "{RequestMethod} {RequestTarget:l} {StatusCode} {Elapsed:0.0} ms";

    public static WebApplicationBuilder AddLogging(this WebApplicationBuilder builder)
    {
        builder.Services.AddSerilog(
            (_, logger) =>
            {
                logger.MinimumLevel.Information()
                    .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
                    .MinimumLevel.Override("System", LogEventLevel.Warning)
                    // Nothing of interest, and off it spares each request an activity and a scope.
                    .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off)
                    .Filter.ByExcluding(IsToldElsewhere)
                    .WriteTo.Console(new RedactingFormatter(), standardErrorFromLevel: LevelAlias.Minimum);
                foreach (IConfigurationSection level in builder.Configuration.GetSection("Logging:LogLevel").GetChildren())
                    SetLevel(logger, level.Key, LevelConvert.ToSerilogLevel(Enum.Parse<LogLevel>(level.Value!, ignoreCase: true)));
            },
            preserveStaticLogger: true);
        return builder;
    }

    private static void SetLevel(LoggerConfiguration logger, string category, LogEventLevel level)
    {
        if (category == "Default")
            logger.MinimumLevel.Is(level);
        else
            logger.MinimumLevel.Override(category, level);
    }

    /// <summary>One line per request. Before all that answers, so that the status is the one that was sent; the data plane writes its own.</summary>
    public static WebApplication UseRequestLog(this WebApplication app)
    {
        app.UseSerilogRequestLogging(log =>
        {
            log.Logger = app.Services.GetRequiredService<Serilog.ILogger>();
            log.MessageTemplate = RequestTemplate;
            log.GetMessageTemplateProperties = (context, _, elapsedMs, status) =>
            [
                new LogEventProperty("RequestMethod", new ScalarValue(context.Request.Method)),
                new LogEventProperty("RequestTarget", new ScalarValue(context.Request.Path.ToUriComponent() + context.Request.QueryString.ToUriComponent())),
                new LogEventProperty("StatusCode", new ScalarValue(status)),
                new LogEventProperty("Elapsed", new ScalarValue(elapsedMs)),
            ];
        });
        return app;
    }

    /// <summary>The host logs why it could not start, with a stack; Program prints the reason itself. A connection that a fault rule cuts is no failure.</summary>
    private static bool IsToldElsewhere(LogEvent log) => log.Exception is StartException or OptionsValidationException or ConnectionCutException;

    private sealed class RedactingFormatter : ITextFormatter
    {
        private readonly MessageTemplateTextFormatter _inner = new(LineTemplate, CultureInfo.InvariantCulture);

        public void Format(LogEvent logEvent, TextWriter output)
        {
            using var line = new StringWriter(CultureInfo.InvariantCulture);
            _inner.Format(logEvent, line);
            output.Write(SecretRedaction.Redact(line.ToString()));
        }
    }
}
