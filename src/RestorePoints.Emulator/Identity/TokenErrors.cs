using System.Globalization;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Identity;

/// <summary>The 401 answers of ARM to a missing or unusable token.</summary>
public static class TokenErrors
{
    public static ArmError Missing { get; } = new(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.");

    public static ArmError WrongScheme { get; } = new(401, "AuthenticationFailed",
        "Authentication failed. The 'Authorization' header is provided in an invalid format.");

    public static ArmError Invalid { get; } = new(401, "InvalidAuthenticationToken", "The access token is invalid.");

    public static ArmError Expired(DateTime expiryUtc, DateTime nowUtc) => new(401, "ExpiredAuthenticationToken",
        string.Create(CultureInfo.InvariantCulture, $"The access token expiry UTC time '{expiryUtc:M/d/yyyy h:mm:ss tt}' is earlier than current UTC time '{nowUtc:M/d/yyyy h:mm:ss tt}'."));

    public static ArmError WrongAudience(string audience, IEnumerable<string> allowed) => new(401, "InvalidAuthenticationTokenAudience",
        $"The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with one of the allowed audiences {string.Join(',', allowed.Select(name => $"'{name}'"))}.");

    /// <summary>The token is of another tenant than the subscription.</summary>
    /// <param name="authority">Base URL and tenant of the subscription, without a slash at the end.</param>
    public static ArmError WrongTenant(string issuer, string authority) => new(401, "InvalidAuthenticationTokenTenant",
        $"The access token is from the wrong issuer '{issuer}'. It must match the tenant '{authority}/' associated with this subscription. Please use the authority (URL) '{authority}' to get the token. "
        + "Note, if the subscription is transferred to another tenant there is no impact to the services, but information about new tenant could take time to propagate (up to an hour). "
        + "If you just transferred your subscription and see this error message, please try back later.");
}
