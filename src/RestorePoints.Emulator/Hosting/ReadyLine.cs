using System.Net;
using Microsoft.Extensions.Options;

namespace RestorePoints.Emulator.Hosting;

/// <summary>
/// The one line on stdout that says where the emulator serves; scripts wait for it. Everything else goes to stderr.
/// <c>RestorePoints is ready: http://127.0.0.1:11000 https://localhost:11001 data=/absolute/path profile=Fast</c>, without the URL that is off.
/// </summary>
public static class ReadyLine
{
    /// <summary>Prints the line once the server accepts requests.</summary>
    public static void PrintWhenReady(this WebApplication app) => app.Lifetime.ApplicationStarted.Register(() =>
        Console.Out.WriteLine(Format(app.Services.GetRequiredService<IOptions<EmulatorOptions>>().Value, PortOf(app.Urls, Uri.UriSchemeHttp), PortOf(app.Urls, Uri.UriSchemeHttps))));

    /// <param name="httpPort">0 = off.</param>
    /// <param name="httpsPort">0 = off.</param>
    public static string Format(EmulatorOptions options, int httpPort, int httpsPort)
    {
        List<string> parts = ["RestorePoints is ready:"];
        if (httpPort != 0)
            parts.Add($"http://{HostOf(options.BindAddress, "127.0.0.1")}:{httpPort}");
        if (httpsPort != 0)
            parts.Add($"https://{HostOf(options.BindAddress, "localhost")}:{httpsPort}");
        return $"{string.Join(' ', parts)} data={options.DataDirectoryPath} profile={options.Profile}";
    }

    private static int PortOf(IEnumerable<string> urls, string scheme) =>
        urls.Select(url => new Uri(url)).FirstOrDefault(url => url.Scheme == scheme)?.Port ?? 0;

    /// <summary>A URL needs a name that leads here: an address that means all of them is reached by loopback.</summary>
    public static string HostOf(string bindAddress, string loopback)
    {
        if (!IPAddress.TryParse(bindAddress, out IPAddress? address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            return loopback;
        return address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
    }
}
