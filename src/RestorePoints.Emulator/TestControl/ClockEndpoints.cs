using System.Globalization;
using System.Xml;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Operations;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.TestControl;

/// <summary><c>/emulator/clock</c>: what time it is in the emulator, and changing it.</summary>
public static class ClockEndpoints
{
    /// <summary>The emulator's clock, also as the <see cref="TimeProvider"/> of everything that asks for one.</summary>
    public static IServiceCollection AddEmulatorClock(this IServiceCollection services)
    {
        services.AddSingleton(_ => new EmulatorClock(TimeProvider.System));
        services.AddSingleton<TimeProvider>(provider => provider.GetRequiredService<EmulatorClock>());
        services.AddSingleton(provider => new ClockControl(
            provider.GetRequiredService<EmulatorClock>(), TimeProvider.System, provider.GetRequiredService<IServiceScopeFactory>(), provider.GetRequiredService<CatalogWriter>(),
            provider.GetService<OperationRunner>()));
        return services;
    }

    /// <summary>Takes up the clock that the catalog kept. After the catalog is migrated, before the application runs.</summary>
    public static Task LoadClockAsync(this WebApplication app) => app.Services.GetRequiredService<ClockControl>().LoadAsync(CancellationToken.None);

    public static void MapClock(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/emulator/clock");
        group.MapGet("", (ClockControl clock) => clock.Read());
        group.MapPost("/advance", async (AdvanceRequest request, ClockControl clock, CancellationToken cancellationToken) =>
        {
            if (!await clock.AdvanceAsync(ParseDuration(request.By), cancellationToken))
                throw Refused($"Advancing by '{request.By}' would take the clock past the year 9000.");
            return clock.Read();
        });
        group.MapPost("/freeze", async (ClockControl clock, CancellationToken cancellationToken) =>
        {
            await clock.FreezeAsync(cancellationToken);
            return clock.Read();
        });
        group.MapPost("/resume", async (ClockControl clock, CancellationToken cancellationToken) =>
        {
            await clock.ResumeAsync(cancellationToken);
            return clock.Read();
        });
    }

    /// <summary>A .NET TimeSpan (<c>1.02:00:00</c>; a bare number is days) or an ISO 8601 duration (<c>P1DT2H</c>; a month is 30 days, a year 365).</summary>
    private static TimeSpan ParseDuration(string? text)
    {
        if (!TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan duration) && !TryParseIso(text, out duration))
            throw Refused($"The duration '{text}' is invalid. Give a .NET TimeSpan such as '1.02:00:00' or an ISO 8601 duration such as 'P1DT2H'.");
        if (duration < TimeSpan.Zero)
            throw Refused($"The duration '{text}' is negative. The clock goes forward only; reset takes it back to real time.");
        return duration;
    }

    private static bool TryParseIso(string? text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        try
        {
            duration = XmlConvert.ToTimeSpan(text ?? "");
            return true;
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            return false;
        }
    }

    private static ArmException Refused(string message) => ArmErrors.InvalidParameter("by", message).AsException();

    private sealed record AdvanceRequest(string? By);
}
