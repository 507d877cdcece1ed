namespace RestorePoints.Emulator.Operations;

/// <summary>
/// What the accepting answer of a long-running call carries; the middleware stamps it, no action repeats it. The headers differ per
/// operation as recorded from Azure.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AsyncOperationAttribute(int statusCode) : Attribute
{
    /// <summary>201 or 202, or 200 where Azure answers so.</summary>
    public int StatusCode { get; } = statusCode;

    /// <summary>Whether <c>Location</c> (the polling URL with <c>monitor=true</c>) is sent beside <c>Azure-AsyncOperation</c>.</summary>
    public bool Location { get; init; } = true;

    /// <summary><c>Azure-AsyncNotification: Enabled</c>, which only the compute provider sends.</summary>
    public bool Notification { get; init; }

    /// <summary>Value of <c>Retry-After</c> in Azure's recordings; 0: none. The Fast profile always sends 1.</summary>
    public int RetryAfterSeconds { get; init; }
}
