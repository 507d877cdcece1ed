using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Identity;

/// <summary>
/// Accepts the tokens of this data directory: signature, times by the real clock, and an audience that is ARM. The issuer is not compared, since it
/// varies with the name the client calls the emulator by; the tenant must be the subscription's.
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
        TokenValidationResult result = await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            IssuerSigningKey = await signingKey.GetAsync(cancellationToken),
            ValidAlgorithms = [SecurityAlgorithms.RsaSha256],
            ValidateIssuer = false,
            AudienceValidator = (audiences, _, _) => audiences.Any(audience => IsArm(audience, host)),
            LifetimeValidator = (notBefore, expires, _, _) => IsCurrent(notBefore, expires),
        });
        return result.Exception switch
        {
            null => tenantId is null || result.Claims["tid"] is string tenant && Guid.TryParse(tenant, out Guid known) && known == tenantId
                ? null
                : TokenErrors.WrongTenant(result.Issuer, $"{request.BaseUrl()}/{tenantId}"),
            SecurityTokenInvalidAudienceException => TokenErrors.WrongAudience(string.Join(", ", _handler.ReadJsonWebToken(token).Audiences),
                new[] { request.BaseUrl() }.Concat(AzureAudiences).SelectMany(name => new[] { $"{name}/", name })),
            SecurityTokenInvalidLifetimeException => TokenErrors.Expired(_handler.ReadJsonWebToken(token).ValidTo, realTime.GetUtcNow().UtcDateTime),
            _ => TokenErrors.Invalid,
        };
    }

    private bool IsCurrent(DateTime? notBefore, DateTime? expires)
    {
        DateTime now = realTime.GetUtcNow().UtcDateTime;
        return expires > now && (notBefore is null || notBefore <= now + TokenValidationParameters.DefaultClockSkew);
    }

    private static bool IsArm(string audience, string host) =>
        AzureAudiences.Contains(audience.TrimEnd('/'), StringComparer.OrdinalIgnoreCase)
        || (Uri.TryCreate(audience, UriKind.Absolute, out Uri? uri) && uri.Host.Trim('[', ']').Equals(host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase));
}
