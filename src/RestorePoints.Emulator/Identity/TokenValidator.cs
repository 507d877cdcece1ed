using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Identity;

/// <summary>
/// Accepts the tokens of this data directory: signature, times by the real clock, and the audience, which is ARM or a resource. The issuer is not
/// compared, since it varies with the name the client calls the emulator by; the tenant must be the subscription's.
/// </summary>
public sealed class TokenValidator(TokenSigningKey signingKey, TimeProvider realTime)
{
    /// <summary>Azure's names for ARM beside the emulator's own; a slash at the end does not matter.</summary>
    private static readonly string[] AzureAudiences = ["https://management.azure.com", "https://management.core.windows.net"];

    private readonly JsonWebTokenHandler _handler = new();

    /// <summary>What is wrong with the token; null when nothing is.</summary>
    /// <param name="request">A token got over one port is good on the other.</param>
    /// <param name="tenantId">Of the subscription that is asked for; null when none is.</param>
    public async Task<ArmError?> FaultOfAsync(string token, HttpRequest request, Guid? tenantId, CancellationToken cancellationToken)
    {
        string host = request.Host.Host;
        TokenValidationResult result = await ValidateAsync(token, audience => IsArm(audience, host), cancellationToken);
        return result.Exception switch
        {
            null => tenantId is not { } tenant || IsOfTenant(result, tenant)
                ? null
                : TokenErrors.WrongTenant(result.Issuer, $"{request.BaseUrl()}/{tenantId}"),
            SecurityTokenInvalidAudienceException => TokenErrors.WrongAudience(string.Join(", ", _handler.ReadJsonWebToken(token).Audiences),
                new[] { request.BaseUrl() }.Concat(AzureAudiences).SelectMany(name => new[] { $"{name}/", name })),
            SecurityTokenInvalidLifetimeException => TokenErrors.Expired(_handler.ReadJsonWebToken(token).ValidTo, realTime.GetUtcNow().UtcDateTime),
            _ => TokenErrors.Invalid,
        };
    }

    /// <summary>What is wrong with a token for a resource other than ARM; null when nothing is.</summary>
    /// <param name="resource">Its URL; a slash at the end does not matter.</param>
    public async Task<TokenFault?> FindFaultAsync(string token, string resource, Guid tenantId, CancellationToken cancellationToken)
    {
        TokenValidationResult result = await ValidateAsync(token, audience => audience.TrimEnd('/').Equals(resource.TrimEnd('/'), StringComparison.OrdinalIgnoreCase), cancellationToken);
        return result.Exception switch
        {
            null => IsOfTenant(result, tenantId) ? null : TokenFault.Tenant,
            SecurityTokenInvalidAudienceException => TokenFault.Audience,
            SecurityTokenInvalidLifetimeException => TokenFault.Lifetime,
            _ => TokenFault.Invalid,
        };
    }

    private async Task<TokenValidationResult> ValidateAsync(string token, Func<string, bool> isAudience, CancellationToken cancellationToken) =>
        await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            IssuerSigningKey = await signingKey.GetAsync(cancellationToken),
            ValidAlgorithms = [SecurityAlgorithms.RsaSha256],
            ValidateIssuer = false,
            AudienceValidator = (audiences, _, _) => audiences.Any(isAudience),
            LifetimeValidator = (notBefore, expires, _, _) => IsCurrent(notBefore, expires),
        });

    private static bool IsOfTenant(TokenValidationResult result, Guid tenantId) =>
        result.Claims["tid"] is string tenant && Guid.TryParse(tenant, out Guid known) && known == tenantId;

    private bool IsCurrent(DateTime? notBefore, DateTime? expires)
    {
        DateTime now = realTime.GetUtcNow().UtcDateTime;
        return expires > now && (notBefore is null || notBefore <= now + TokenValidationParameters.DefaultClockSkew);
    }

    private static bool IsArm(string audience, string host) =>
        AzureAudiences.Contains(audience.TrimEnd('/'), StringComparer.OrdinalIgnoreCase)
        || (Uri.TryCreate(audience, UriKind.Absolute, out Uri? uri) && uri.Host.Trim('[', ']').Equals(host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase));
}

/// <summary>Why a token is refused.</summary>
public enum TokenFault
{
    /// <summary>Not a token of this emulator.</summary>
    Invalid,

    Audience,
    Lifetime,

    /// <summary>Of another tenant than the subscription.</summary>
    Tenant,
}
