using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace RestorePoints.Emulator.Identity;

/// <summary>Makes access tokens of an application, with the claims that Entra gives them. By real time: a moved clock does not log clients out.</summary>
public sealed class TokenIssuer(TokenSigningKey signingKey, IOptions<EmulatorOptions> options, TimeProvider realTime)
{
    public const int LifetimeSeconds = 3599;

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <param name="tenant">The tenant of the URL: a GUID; any other name (adfs, common, a domain) stands for the first subscription's tenant.</param>
    public async Task<string> IssueAsync(string issuer, string tenant, string clientId, string audience, CancellationToken cancellationToken)
    {
        RsaSecurityKey key = await signingKey.GetAsync(cancellationToken);
        DateTime now = realTime.GetUtcNow().UtcDateTime;
        Guid tenantId = Guid.TryParse(tenant, out Guid id) ? id : options.Value.Subscriptions[0].TenantId;
        string objectId = ObjectIdOf(clientId);
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = now.AddSeconds(LifetimeSeconds),
            Claims = new Dictionary<string, object>
            {
                ["appid"] = clientId,
                ["appidacr"] = "1",
                ["idtyp"] = "app",
                ["oid"] = objectId,
                ["sub"] = objectId,
                ["tid"] = tenantId.ToString(),
                ["ver"] = "1.0",
            },
            SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.RsaSha256),
        });
    }

    /// <summary>A service principal is another object than its application, and always the same one.</summary>
    private static string ObjectIdOf(string clientId) =>
        new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(clientId.ToLowerInvariant())).AsSpan(0, 16)).ToString();
}
