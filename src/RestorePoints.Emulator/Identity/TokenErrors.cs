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

    public static ArmError WrongAudience(string audience) => new(401, "InvalidAuthenticationTokenAudience",
        $"The access token has been obtained for wrong audience or resource '{audience}'. It should be this emulator, 'https://management.azure.com/' or 'https://management.core.windows.net/'.");
}
