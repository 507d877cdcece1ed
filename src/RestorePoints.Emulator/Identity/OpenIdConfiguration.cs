using Microsoft.IdentityModel.Tokens;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Identity;

/// <summary>The openid-configuration of the AD FS form and of tenants. Clients refuse an issuer whose host and port are not the authority's.</summary>
internal static class OpenIdConfiguration
{
    private static readonly string[] AuthenticationMethods = ["client_secret_post"];
    private static readonly string[] GrantTypes = [TokenEndpoint.ClientCredentials];
    private static readonly string[] ResponseTypes = ["token"];
    private static readonly string[] SubjectTypes = ["pairwise"];
    private static readonly string[] Algorithms = [SecurityAlgorithms.RsaSha256];

    public static IResult GetAdfs(HttpRequest request)
    {
        string authority = $"{request.BaseUrl()}/adfs";
        return Document(IssuerOf(request.BaseUrl(), "adfs"), $"{authority}/oauth2/authorize", $"{authority}/oauth2/token", $"{authority}/discovery/keys");
    }

    public static IResult Get(string tenant, HttpRequest request)
    {
        string authority = $"{request.BaseUrl()}/{Uri.EscapeDataString(tenant)}";
        return Document(IssuerOf(request.BaseUrl(), tenant), $"{authority}/oauth2/v2.0/authorize", $"{authority}/oauth2/v2.0/token", $"{authority}/discovery/v2.0/keys");
    }

    public static async Task<IResult> GetKeysAsync(TokenSigningKey signingKey, CancellationToken cancellationToken)
    {
        JsonWebKey key = JsonWebKeyConverter.ConvertFromRSASecurityKey(await signingKey.GetAsync(cancellationToken));
        return Results.Json(new { keys = new[] { new { kty = key.Kty, use = "sig", alg = SecurityAlgorithms.RsaSha256, kid = key.Kid, n = key.N, e = key.E } } });
    }

    /// <summary>The <c>iss</c> of tokens and documents: <c>{base}/adfs</c>, or <c>{base}/{tenant}/v2.0</c>.</summary>
    public static string IssuerOf(string baseUrl, string tenant) =>
        tenant.Equals("adfs", StringComparison.OrdinalIgnoreCase) ? $"{baseUrl}/adfs" : $"{baseUrl}/{Uri.EscapeDataString(tenant)}/v2.0";

    private static IResult Document(string issuer, string authorization, string token, string keys) => Results.Json(new
    {
        issuer,
        authorization_endpoint = authorization,
        token_endpoint = token,
        jwks_uri = keys,
        token_endpoint_auth_methods_supported = AuthenticationMethods,
        grant_types_supported = GrantTypes,
        response_types_supported = ResponseTypes,
        subject_types_supported = SubjectTypes,
        id_token_signing_alg_values_supported = Algorithms,
    });
}
