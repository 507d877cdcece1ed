using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Identity;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// The token of this emulator, for <c>https://disk.azure.com/</c>, that a disk or snapshot with dataAccessAuthMode AzureActiveDirectory asks for
/// beside its SAS: a property of the resource, so the setting <c>Authentication</c> does not lift it.
/// </summary>
internal sealed class DiskTokens(TokenValidator validator, IOptions<EmulatorOptions> options)
{
    private const string Resource = "https://disk.azure.com/";
    private const string Scheme = "Bearer ";

    /// <param name="header">The header that carries the token.</param>
    /// <exception cref="StorageException">401, with a challenge that names where tokens are issued.</exception>
    public async Task RequireAsync(HttpRequest request, string header, AccessGrant grant)
    {
        Guid tenant = options.Value.SubscriptionOf(grant.SubscriptionId).TenantId;
        string challenge = $"Bearer authorization_uri={request.BaseUrl()}/{tenant}/oauth2/authorize resource_id={Resource}";
        string authorization = request.Headers[header].ToString();
        if (!authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw StorageErrors.NoAuthenticationInformation(challenge).AsException();
        if (await validator.FindFaultAsync(authorization[Scheme.Length..].Trim(), Resource, tenant, request.HttpContext.RequestAborted) is { } fault)
            throw StorageErrors.InvalidAuthenticationInfo(fault, challenge).AsException();
    }
}
