using System.Globalization;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Identity;

/// <summary>
/// <c>GET /metadata/endpoints</c>: what <c>az cloud register</c> reads. One object up to 2018, an array of clouds from api-version 2018-05-01 on.
/// The authority ends in <c>/adfs</c>: with any other, az 2.45 looks for it at login.microsoftonline.com.
/// </summary>
internal static class MetadataDocument
{
    private static readonly DateOnly ArrayForm = new(2018, 5, 1);

    public static IResult Get(HttpRequest request)
    {
        string version = request.Query["api-version"].ToString();
        if (version.Length == 0)
            throw ArmErrors.MissingApiVersionParameter.AsException();
        if (!DateOnly.TryParseExact(version.AsSpan(0, Math.Min(10, version.Length)), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date))
            throw ArmErrors.InvalidApiVersionParameter(version).AsException();
        string baseUrl = request.BaseUrl();
        return date < ArrayForm ? Results.Json(OneCloud(baseUrl)) : Results.Json(new[] { CloudOfArray(baseUrl, request.Host.Host) });
    }

    private static object OneCloud(string baseUrl) => new
    {
        galleryEndpoint = $"{baseUrl}/",
        graphEndpoint = $"{baseUrl}/",
        portalEndpoint = $"{baseUrl}/",
        authentication = new { loginEndpoint = $"{baseUrl}/adfs", audiences = new[] { $"{baseUrl}/" } },
    };

    private static object CloudOfArray(string baseUrl, string host) => new
    {
        name = "RestorePoints",
        portal = $"{baseUrl}/",
        resourceManager = $"{baseUrl}/",
        gallery = $"{baseUrl}/",
        graph = $"{baseUrl}/",
        graphAudience = $"{baseUrl}/",
        authentication = new
        {
            loginEndpoint = $"{baseUrl}/adfs",
            audiences = new[] { $"{baseUrl}/" },
            tenant = "common",
            identityProvider = "ADFS",
        },
        suffixes = new { storage = host },
    };
}
