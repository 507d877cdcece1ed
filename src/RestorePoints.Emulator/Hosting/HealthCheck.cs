using System.Net.Security;

namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// <c>RestorePoints.Emulator health</c>: asks the emulator that runs with the same settings for its health and says it by the exit code. For
/// the health check of a container whose image holds no other program.
/// </summary>
public static class HealthCheck
{
    /// <summary>The first argument that asks for it.</summary>
    public const string Command = "health";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <param name="args">Settings, as for the start; environment and appsettings.json count too.</param>
    /// <returns>The exit code: 0 = it serves; 1 = it does not, with the reason on stderr.</returns>
    /// <exception cref="StartException">The settings do not say where to ask.</exception>
    public static async Task<int> RunAsync(string[] args)
    {
        var options = new EmulatorOptions();
        EmulatorOptionsReader.Read(EmulatorBuilder.Create(args).Configuration, options);
        var url = new Uri(UrlOf(options), "/emulator/health");
        // It asks itself, by an address that an own certificate need not name, and sends no secret: any certificate will do.
        using var handler = new SocketsHttpHandler { UseProxy = false, SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null } };
        using var http = new HttpClient(handler) { Timeout = Limit };
        try
        {
            using HttpResponseMessage response = await http.GetAsync(url);
            if (response.IsSuccessStatusCode)
                return 0;
            await Console.Error.WriteLineAsync($"{url} answers {(int)response.StatusCode}.");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            await Console.Error.WriteLineAsync($"{url} does not answer: {e.Message}");
        }
        return 1;
    }

    private static Uri UrlOf(EmulatorOptions options)
    {
        if (int.TryParse(options.HttpPort, out int http) && http != 0)
            return new Uri($"http://{ReadyLine.HostOf(options.BindAddress, "127.0.0.1")}:{http}");
        if (int.TryParse(options.HttpsPort, out int https) && https != 0)
            return new Uri($"https://{ReadyLine.HostOf(options.BindAddress, "127.0.0.1")}:{https}");
        throw new StartException($"the health check needs the number of a port in Emulator:HttpPort or Emulator:HttpsPort, not {options.HttpPort} and {options.HttpsPort}.");
    }
}
