using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// Decides which grant a URL carries. Only URLs that were handed out are valid; for all others it finds out what to tell the client, with
/// the texts of the service. A URL opens only for callers that the rules of its resource admit.
/// </summary>
internal sealed class SasAuthentication(AccessGrants grants, DiskTokens tokens, TimeProvider time, IOptions<EmulatorOptions> options)
{
    public const string Revoked = "SAS identifier cannot be found for specified signed identifier";

    private readonly IPNetwork[] _privateNetworks = [.. options.Value.PrivateNetworks.Select(IPNetwork.Parse)];

    /// <summary>What a URL opens for a caller, with the token that its resource may ask for.</summary>
    /// <param name="tokenHeader">The header that would carry the token. One beside Authorization is checked whenever it is there.</param>
    /// <exception cref="StorageException">AuthenticationFailed with its detail; 401: the token is missing or wrong.</exception>
    public async ValueTask<AccessGrant> AuthenticateAsync(HttpRequest request, BlobAddress address, BlobQuery query, string tokenHeader)
    {
        if (query["si"] is not { } identifier || grants.FindIssued(identifier) is not { } issued || !issued.Matches(address, query))
            throw StorageErrors.AuthenticationFailed(Diagnose(address, query)).AsException();

        DateTimeOffset now = time.GetUtcNow();
        if (!AccessGrants.IsActive(issued.Grant, now))
            throw StorageErrors.AuthenticationFailed(
                $"Signature not valid in the specified time frame: Start [{issued.Grant.CreatedOn:R}] - Expiry [{issued.Grant.ExpiresOn:R}] - Current [{now:R}]").AsException();
        if (!IsAdmitted(request.HttpContext.Connection.RemoteIpAddress, issued.Rules.Admits(issued.Grant.Kind)))
            throw StorageErrors.AuthenticationFailed("The specified signed resource is not allowed for this resource level").AsException();
        if (issued.NeedsToken || (tokenHeader != HeaderNames.Authorization && request.Headers[tokenHeader].Count > 0))
            await tokens.RequireAsync(request, tokenHeader, issued.Grant);
        return issued.Grant;
    }

    /// <summary>Whether a grant that opened a request is still there; one that was revoked meanwhile writes nothing.</summary>
    /// <exception cref="StorageException">AuthenticationFailed.</exception>
    public void RequireNotRevoked(AccessGrant grant)
    {
        if (grants.FindIssued(grant.SignedIdentifier) is null)
            throw StorageErrors.AuthenticationFailed(Revoked).AsException();
    }

    private bool IsAdmitted(IPAddress? caller, CallerNetwork network)
    {
        if (network != CallerNetwork.Private)
            return network == CallerNetwork.Any;
        if (caller is { IsIPv4MappedToIPv6: true })
            caller = caller.MapToIPv4();
        return caller is not null && _privateNetworks.Any(known => known.Contains(caller));
    }

    /// <summary>Whether the query has anything of a SAS at all; without, the caller is anonymous.</summary>
    public static bool IsPresent(BlobQuery query) =>
        query["sig"] is not null || query["sv"] is not null || query["si"] is not null || query["se"] is not null;

    private string Diagnose(BlobAddress address, BlobQuery query)
    {
        foreach (string field in (ReadOnlySpan<string>)["sv", "sr", "sig"])
            if (string.IsNullOrEmpty(query[field]))
                return $"{field} is mandatory. Cannot be empty";
        foreach (string field in (ReadOnlySpan<string>)["si", .. SharedAccessSignature.FieldsNeverIssued])
            if (query[field] is { Length: 0 })
                return $"{field} is optional but cannot be empty";
        if (query["si"] is null || query["sr"] is not ("b" or "bs")
            || !DateOnly.TryParseExact(query["sv"], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _))
            return "Signature fields not well formed.";
        if (query["sp"] is not null || query["st"] is not null || query["se"] is not null)
            return "Access policy fields can be associated with signature or SAS identifier but not both";
        string stringToSign = SharedAccessSignature.StringToSign(address, query);
        if (SharedAccessSignature.IsSignature(query["sig"]!, SharedAccessSignature.Sign(grants.Key, stringToSign)) is not { } matches)
            return "Signature size is invalid";
        if (!matches)
            return options.Value.Profile == EmulatorProfile.Fast
                ? $"Signature did not match. String to sign used was {stringToSign}"
                : "Signature did not match.";
        return Revoked;
    }
}
