using System.Globalization;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Identity;

/// <summary>
/// <c>POST /{tenant}/oauth2[/v2.0]/token</c>: the client credentials grant, for any client id and any secret. Failures have the OAuth form with
/// Entra's numbers, not ARM's envelope: identity libraries read that.
/// </summary>
internal static class TokenEndpoint
{
    public const string ClientCredentials = "client_credentials";

    private const string DefaultScopeSuffix = "/.default";

    public static async Task<IResult> PostAsync(string tenant, HttpRequest request, TokenIssuer issuer, CancellationToken cancellationToken)
    {
        request.HttpContext.Response.Headers.CacheControl = "no-store";
        if (!request.HasFormContentType)
            return Failure("invalid_request", 900144, "The request body must be a form (application/x-www-form-urlencoded) with the parameters 'grant_type' and 'client_id'.");
        IFormCollection form = await request.ReadFormAsync(cancellationToken);
        string grantType = form["grant_type"].ToString();
        if (grantType.Length == 0)
            return Failure("invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'.");
        if (grantType != ClientCredentials)
            return Failure("unsupported_grant_type", 70003, $"The app requested an unsupported grant type '{grantType}'. This emulator supports '{ClientCredentials}'.");
        string clientId = form["client_id"].ToString();
        if (clientId.Length == 0)
            return Failure("invalid_request", 900144, "The request body must contain the following parameter: 'client_id'.");

        string baseUrl = request.BaseUrl();
        string token = await issuer.IssueAsync(OpenIdConfiguration.IssuerOf(baseUrl, tenant), tenant, clientId, AudienceOf(form, baseUrl), cancellationToken);
        return Results.Json(new
        {
            token_type = "Bearer",
            expires_in = TokenIssuer.LifetimeSeconds,
            ext_expires_in = TokenIssuer.LifetimeSeconds,
            access_token = token,
        });
    }

    /// <summary>The scope without <c>/.default</c> (az sends two slashes, its audience ends in one), or the resource of the older form, or this emulator.</summary>
    private static string AudienceOf(IFormCollection form, string baseUrl)
    {
        string scope = form["scope"].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(part => part.EndsWith(DefaultScopeSuffix, StringComparison.Ordinal)) ?? "";
        if (scope.Length > 0)
            return scope[..^DefaultScopeSuffix.Length];
        return form["resource"].ToString() is { Length: > 0 } resource ? resource : $"{baseUrl}/";
    }

    private static IResult Failure(string error, int number, string description) => Results.Json(
        new
        {
            error,
            error_description = $"AADSTS{number}: {description}",
            error_codes = new[] { number },
            timestamp = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            trace_id = Guid.NewGuid(),
            correlation_id = Guid.NewGuid(),
        },
        statusCode: StatusCodes.Status400BadRequest);
}
