using System.Globalization;
using System.Text.RegularExpressions;

namespace RestorePoints.Emulator.Arm;

/// <summary>The headers that every ARM answer carries: request, correlation and routing ids, caching. Recorded set of 2024 and later.</summary>
public sealed partial class ArmRequestMiddleware(RequestDelegate next, TimeProvider time)
{
    public Task InvokeAsync(HttpContext context)
    {
        // azure-mgmt-resource encodes a scope whole.
        if (context.Request.Path.Value!.StartsWith("/%2Fsubscriptions%2F", StringComparison.OrdinalIgnoreCase))
            context.Request.Path = new PathString(context.Request.Path.Value.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase));
        // az writes an empty segment where a resource has no parent; ARM reads over it.
        if (context.Request.Path.Value!.Contains("//", StringComparison.Ordinal))
            context.Request.Path = new PathString(RepeatedSlashes.Replace(context.Request.Path.Value, "/"));
        IHeaderDictionary request = context.Request.Headers, response = context.Response.Headers;
        string correlationId = request["x-ms-correlation-request-id"].FirstOrDefault() is { } sent && Guid.TryParse(sent, out Guid given) ? given.ToString() : Guid.NewGuid().ToString();
        string? clientRequestId = string.Equals(request["x-ms-return-client-request-id"], "true", StringComparison.OrdinalIgnoreCase) ? request["x-ms-client-request-id"].FirstOrDefault() : null;
        // A header is echoed only if it can be one.
        if (clientRequestId?.All(character => character is >= ' ' and <= '~') == false)
            clientRequestId = null;
        string requestId = Guid.NewGuid().ToString();
        string routing = $"EMULATOR:{time.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}:{correlationId}";

        context.Response.OnStarting(() =>
        {
            response.CacheControl = "no-cache";
            response.Pragma = "no-cache";
            response.Expires = "-1";
            response.XContentTypeOptions = "nosniff";
            response["x-ms-correlation-request-id"] = correlationId;
            response["x-ms-routing-request-id"] = routing;
            if (clientRequestId is not null)
                response["x-ms-client-request-id"] = clientRequestId;
            // The gateway answers for what it did not pass on, so there the request id is the correlation id; an accepted operation has set its own.
            if (response.ContainsKey("x-ms-failure-cause"))
                response["x-ms-request-id"] = correlationId;
            else if (!response.ContainsKey("x-ms-request-id"))
                response["x-ms-request-id"] = requestId;
            return Task.CompletedTask;
        });
        return next(context);
    }

    [GeneratedRegex("/{2,}", RegexOptions.CultureInvariant)]
    private static partial Regex RepeatedSlashes { get; }
}
