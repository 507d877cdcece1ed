using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.Operations;

/// <summary>
/// Stamps the answer that accepts a long-running operation with what the endpoint's <see cref="AsyncOperationAttribute"/> says: status,
/// <c>Azure-AsyncOperation</c>, <c>Location</c>, <c>Retry-After</c>, and the operation id as <c>x-ms-request-id</c>.
/// </summary>
public sealed class AsyncOperationMiddleware(RequestDelegate next, IOptions<EmulatorOptions> options)
{
    /// <summary>When this process began to serve.</summary>
    private readonly long _startTicks = TimeProvider.System.GetUtcNow().Ticks;

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<ArmResourceTypeAttribute>() is { } resourceType && resourceType.Family != ApiVersionFamily.Resources)
        {
            context.Response.OnStarting(() =>
            {
                if (!context.Response.Headers.ContainsKey("x-ms-failure-cause"))
                    StampProvider(context, resourceType.Family);
                return Task.CompletedTask;
            });
        }
        if (context.GetEndpoint()?.Metadata.GetMetadata<AsyncOperationAttribute>() is { } metadata)
        {
            context.Response.OnStarting(() =>
            {
                if (context.Features.Get<Operation>() is { } operation && context.Response.StatusCode < 400)
                    Stamp(context, metadata, operation);
                return Task.CompletedTask;
            });
        }
        return next(context);
    }

    private void Stamp(HttpContext context, AsyncOperationAttribute metadata, Operation operation)
    {
        HttpResponse response = context.Response;
        // An action that answers another success than 200 has chosen it.
        if (response.StatusCode == StatusCodes.Status200OK)
            response.StatusCode = metadata.StatusCode;
        response.Headers["x-ms-request-id"] = operation.Id.ToString();
        response.Headers["Azure-AsyncOperation"] = PollingUrl(context, operation, monitor: false);
        if (metadata.Location)
            response.Headers.Location = PollingUrl(context, operation, monitor: true);
        if (metadata.Notification)
            response.Headers["Azure-AsyncNotification"] = "Enabled";
        if (options.Value.RetryAfter == RetryAfterMode.Always)
            response.Headers.RetryAfter = "1";
        else if (metadata.RetryAfterSeconds > 0)
            response.Headers.RetryAfter = metadata.RetryAfterSeconds.ToString();
    }

    /// <summary>What each half of the compute provider adds to its own answers; the gateway's have none of it.</summary>
    private void StampProvider(HttpContext context, ApiVersionFamily family)
    {
        if (family == ApiVersionFamily.Compute)
        {
            context.Response.Headers["x-ms-need-to-refresh-epl-cache"] = "False";
            return;
        }
        context.Response.Headers["x-ms-served-by"] = $"{ShardOf("DiskOperations")}_{_startTicks}";
    }

    /// <summary>The URL on which the operation is polled, absolute, as the client reached us, with the api-version that it sent.</summary>
    public static string PollingUrl(HttpContext context, Operation operation, bool monitor)
    {
        ApiVersionFamily family = context.GetEndpoint()?.Metadata.GetMetadata<ArmResourceTypeAttribute>()?.Family ?? ApiVersionFamily.Compute;
        string segment = family == ApiVersionFamily.Disk ? "DiskOperations" : "operations";
        return $"{context.Request.BaseUrl()}/subscriptions/{operation.SubscriptionId}/providers/{ArmResourceId.Provider}/locations/{operation.Location}"
            + $"/{segment}/{operation.Id}?p={ShardOf(segment)}{(monitor ? "&monitor=true" : "")}&api-version={context.Request.Query["api-version"]}";
    }

    /// <summary>Azure's <c>p</c> names a shard of the provider, the one that <c>x-ms-served-by</c> names too. Here each provider has one.</summary>
    private static Guid ShardOf(string segment) => new(SHA256.HashData(Encoding.UTF8.GetBytes(segment)).AsSpan(0, 16));
}
