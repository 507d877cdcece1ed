using System.Reflection;
using Microsoft.Extensions.Options;

namespace RestorePoints.Emulator.TestControl;

/// <summary><c>GET /emulator/health</c>: 200 once the emulator serves.</summary>
public static class HealthEndpoint
{
    private static readonly string Version =
        typeof(HealthEndpoint).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public static void MapHealth(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/emulator/health", (IOptions<EmulatorOptions> options) =>
            new HealthReport("Healthy", Version, options.Value.Profile.ToString(), options.Value.DataDirectoryPath));

    private sealed record HealthReport(string Status, string Version, string Profile, string DataDirectory);
}
