using System.Globalization;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.PageBlobs;

/// <summary>
/// Decides which grant a URL carries. Only URLs that were handed out are valid; for all others it finds out what to tell the client, with
/// the texts of the service.
/// </summary>
internal sealed class SasAuthentication(AccessGrants grants, TimeProvider time, IOptions<EmulatorOptions> options)
{
    /// <exception cref="StorageException">AuthenticationFailed with its detail.</exception>
    public AccessGrant Authenticate(BlobAddress address, BlobQuery query)
    {
        if (query["si"] is not { } identifier || grants.FindIssued(identifier) is not { } issued || !issued.Matches(address, query))
            throw StorageErrors.AuthenticationFailed(Diagnose(address, query)).AsException();

        DateTimeOffset now = time.GetUtcNow();
        if (!AccessGrants.IsActive(issued.Grant, now))
            throw StorageErrors.AuthenticationFailed(
                $"Signature not valid in the specified time frame: Start [{issued.Grant.CreatedOn:R}] - Expiry [{issued.Grant.ExpiresOn:R}] - Current [{now:R}]").AsException();
        return issued.Grant;
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
        return "SAS identifier cannot be found for specified signed identifier";
    }
}
