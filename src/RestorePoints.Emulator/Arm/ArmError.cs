namespace RestorePoints.Emulator.Arm;

/// <summary>A failure as ARM reports it: an HTTP status and the envelope <c>{"error":{"code","message","target","details"}}</c>.</summary>
/// <param name="Target">The property at fault; omitted when null.</param>
/// <param name="Details">One entry per fault of a body; omitted when null.</param>
public sealed record ArmError(int Status, string Code, string Message, string? Target = null, IReadOnlyList<ArmErrorDetail>? Details = null)
{
    /// <summary>Value of the header <c>x-ms-failure-cause</c>; null: no such header.</summary>
    public string? FailureCause { get; init; }

    /// <summary>Value of the header <c>Retry-After</c>; null: no such header.</summary>
    public int? RetryAfterSeconds { get; init; }

    public ArmException AsException() => new(this);
}

public sealed record ArmErrorDetail(string Code, string Message, string? Target);

/// <summary>Ends a request or an operation with an <see cref="ArmError"/>.</summary>
public sealed class ArmException(ArmError error) : Exception($"{error.Code}: {error.Message}")
{
    public ArmError Error { get; } = error;
}
