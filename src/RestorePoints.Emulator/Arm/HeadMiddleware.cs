namespace RestorePoints.Emulator.Arm;

/// <summary>HEAD on a resource asks whether it is there: 204 when a GET would answer 200, else the GET's status; never a body.</summary>
public sealed class HeadMiddleware(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context) => HttpMethods.IsHead(context.Request.Method) && IsResource(context.Request.Path) ? AskAsync(context) : next(context);

    private static bool IsResource(PathString path) =>
        path.StartsWithSegments("/subscriptions") && path.Value!.Contains("/providers/", StringComparison.OrdinalIgnoreCase);

    private async Task AskAsync(HttpContext context)
    {
        Stream body = context.Response.Body;
        context.Request.Method = HttpMethods.Get;
        context.Response.Body = Stream.Null;
        try
        {
            await next(context);
        }
        finally
        {
            context.Response.Body = body;
            context.Request.Method = HttpMethods.Head;
        }
        if (context.Response is not { HasStarted: false, StatusCode: StatusCodes.Status200OK } response)
            return;
        response.StatusCode = StatusCodes.Status204NoContent;
        response.ContentLength = null;
        response.ContentType = null;
    }
}
