namespace RestorePoints.Emulator.Arm;

/// <summary>
/// The one place that gives every failure of ARM and of /emulator its body: exceptions, and also the empty 404, 405 and 415 of the framework.
/// </summary>
public sealed partial class ArmErrorMiddleware(RequestDelegate next, ILogger<ArmErrorMiddleware> log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
            if (!context.Response.HasStarted && context.Response is { StatusCode: >= 400, ContentLength: null, ContentType: null } && !HttpMethods.IsHead(context.Request.Method))
                await context.WriteArmErrorAsync(ErrorOfEmptyAnswer(context));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to read an answer.
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            ArmError error = ErrorOf(exception);
            if (error.Status >= 500 && exception is not ArmException)
                LogUnexpected(exception, context.Request.Method, context.Request.Path);
            context.Response.Clear();
            await context.WriteArmErrorAsync(error);
        }
    }

    private static ArmError ErrorOf(Exception exception) => exception switch
    {
        ArmException arm => arm.Error,
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => ArmErrors.RequestTooLarge(30_000_000),
        BadHttpRequestException bad => ArmErrors.InvalidRequestContent(bad.Message),
        _ => ArmErrors.InternalError,
    };

    private static ArmError ErrorOfEmptyAnswer(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => ErrorOfUnknownRoute(context),
        StatusCodes.Status405MethodNotAllowed => ArmErrors.HttpMethodNotAllowed(context.Request.Method),
        StatusCodes.Status415UnsupportedMediaType => ArmErrors.UnsupportedMediaType(context.Request.ContentType),
        int status => new ArmError(status, "BadRequest", "The request is not valid."),
    };

    private static ArmError ErrorOfUnknownRoute(HttpContext context)
    {
        string path = context.Request.Path;
        if (!path.StartsWith("/subscriptions/", StringComparison.OrdinalIgnoreCase))
            return ArmErrors.RouteNotFound(path);
        string? version = context.Request.Query["api-version"].FirstOrDefault();
        if (string.IsNullOrEmpty(version))
            return ArmErrors.MissingApiVersionParameter;
        string[] segments = path.Trim('/').Split('/');
        int providers = Array.FindLastIndex(segments, segment => segment.Equals("providers", StringComparison.OrdinalIgnoreCase));
        if (providers < 0 || providers + 2 >= segments.Length)
            return ArmErrors.RouteNotFound(path);
        string type = string.Join('/', segments.Skip(providers + 2).Where((_, index) => index % 2 == 0));
        return ArmErrors.InvalidResourceType(type, segments[providers + 1], version);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed unexpectedly")]
    private partial void LogUnexpected(Exception exception, string method, string path);
}
