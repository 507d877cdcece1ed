namespace RestorePoints.Emulator.TestControl;

/// <summary>The emulator's own endpoints, below <c>/emulator</c>: what a test needs and Azure does not have.</summary>
public static class EmulatorEndpoints
{
    /// <summary>What they keep in memory.</summary>
    public static IServiceCollection AddTestControl(this IServiceCollection services) => services.AddSingleton<Faults>().AddSingleton<RequestJournal>();

    public static void MapEmulatorEndpoints(this IEndpointRouteBuilder routes)
    {
        routes.MapHealth();
        routes.MapTlsAuthority();
        routes.MapClock();
        routes.MapReset();
        routes.MapGuestAccess();
        routes.MapDiskContent();
        routes.MapGuestState();
        routes.MapFaults();
        routes.MapJournal();
        routes.MapRegions();
        routes.MapState();
    }
}
