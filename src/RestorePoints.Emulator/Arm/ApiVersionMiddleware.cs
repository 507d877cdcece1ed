using Microsoft.Extensions.Options;

namespace RestorePoints.Emulator.Arm;

/// <summary>Refuses an ARM request without a usable api-version, and remembers the version that serves it.</summary>
public sealed partial class ApiVersionMiddleware(RequestDelegate next, IOptions<EmulatorOptions> options, ILogger<ApiVersionMiddleware> log)
{
    public Task InvokeAsync(HttpContext context)
    {
        EndpointMetadataCollection? metadata = context.GetEndpoint()?.Metadata;
        if (metadata?.GetMetadata<ArmResourceTypeAttribute>() is { } resourceType)
        {
            string version = Resolve(RequestedVersion(context), resourceType, context.Request.RouteValues["location"] as string ?? "");
            RequireServed(version, metadata.GetMetadata<OperationIdAttribute>()?.Since ?? "");
            RequireServed(version, resourceType.ServedSince);
            context.SetApiVersion(version);
        }
        return next(context);
    }

    /// <summary>The well-formed api-version of the request.</summary>
    public static string RequestedVersion(HttpContext context)
    {
        string? version = context.Request.Query["api-version"].FirstOrDefault();
        if (string.IsNullOrEmpty(version))
            throw ArmErrors.MissingApiVersionParameter.AsException();
        return ApiVersions.WellFormed.IsMatch(version) ? version : throw ArmErrors.InvalidApiVersionParameter(version).AsException();
    }

    /// <summary>Refuses a version that is older than an operation, a query parameter or a shape that the request needs.</summary>
    public static void RequireServed(string version, string since)
    {
        if (ApiVersions.IsBefore(version, since))
            throw ArmErrors.NewerApiVersionNeeded(since).AsException();
    }

    private string Resolve(string version, ArmResourceTypeAttribute resourceType, string location)
    {
        IReadOnlyList<string> known = resourceType.Versions;
        if (known.Count == 0 || known.Contains(version))
            return version;
        if (ApiVersions.IsBefore(known[^1], version) && !ApiVersions.IsPublished(version) && options.Value.UnknownApiVersion == UnknownApiVersionMode.Newest)
        {
            LogNewer(version, resourceType.Type, known[^1]);
            return known[^1];
        }
        throw ArmErrors.NoRegisteredProviderFound(location, version, resourceType.Type, known).AsException();
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "api-version {Version} of {Type} is newer than the newest known one and is served as {Newest}")]
    private partial void LogNewer(string version, string type, string newest);
}
