namespace RestorePoints.Emulator.PageBlobs;

/// <summary>A failure as the Blob service reports it: a status, the header <c>x-ms-error-code</c> and an XML body.</summary>
/// <param name="Extra">Elements after Message: AuthenticationErrorDetail, HeaderName and HeaderValue, QueryParameterName and so on.</param>
internal sealed record StorageError(int Status, string Code, string Message, params (string Element, string Value)[] Extra)
{
    /// <summary>Headers of the answer beside x-ms-error-code.</summary>
    public (string Name, string Value)[] Headers { get; init; } = [];

    public StorageException AsException() => new(this);
}

/// <summary>Ends a request of the data plane with a <see cref="StorageError"/>.</summary>
internal sealed class StorageException(StorageError error) : Exception($"{error.Code}: {error.Message}")
{
    public StorageError Error { get; } = error;
}
