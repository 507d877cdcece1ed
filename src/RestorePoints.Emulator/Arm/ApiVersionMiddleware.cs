using Microsoft.Extensions.Options;

namespace RestorePoints.Emulator.Arm;

/// <summary>Refuses an ARM request without a usable api-version, and remembers the version that serves it.</summary>
public sealed partial class ApiVersionMiddleware(RequestDelegate next, IOptions<EmulatorOptions> options, ILogger<ApiVersionMiddleware> log)
{
    public Task InvokeAsync(HttpContext context)
    {
        ArmResourceTypeAttribute? resourceType = context.GetEndpoint()?.Metadata.GetMetadata<ArmResourceTypeAttribute>();
        if (resourceType is not null)
            context.SetApiVersion(Resolve(RequestedVersion(context), resourceType, context.Request.RouteValues["location"] as string ?? ""));
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

    private string Resolve(string version, ArmResourceTypeAttribute resourceType, string location)
    {
        IReadOnlyList<string> known = ApiVersions.Of(resourceType.Family);
        if (known.Count == 0 || known.Contains(version))
            return version;
        if (string.CompareOrdinal(version, known[^1]) > 0 && options.Value.UnknownApiVersion == UnknownApiVersionMode.Newest)
        {
            LogNewer(version, resourceType.Type, known[^1]);
            return known[^1];
        }
        throw ArmErrors.NoRegisteredProviderFound(location, version, resourceType.Type, known).AsException();
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "api-version {Version} of {Type} is newer than the newest known one and is served as {Newest}")]
    private partial void LogNewer(string version, string type, string newest);
}
