using System.Diagnostics;
using RestorePoints.Emulator.Controllers;
using RestorePoints.Emulator.Store;

namespace RestorePoints.Emulator.TestControl;

/// <summary>Writes down the requests of ARM; the data plane writes its own.</summary>
public sealed class JournalMiddleware(RequestDelegate next, RequestJournal journal, TimeProvider time)
{
    public Task InvokeAsync(HttpContext context) => ArmEndpoints.IsArm(context) ? ServeAsync(context) : next(context);

    private async Task ServeAsync(HttpContext context)
    {
        DateTimeOffset began = time.GetUtcNow();
        long start = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            RouteValueDictionary route = context.Request.RouteValues;
            _ = Guid.TryParse(route["subscriptionId"] as string, out Guid subscriptionId);
            string? requestId = context.Response.Headers["x-ms-request-id"];
            journal.Add(new JournalEntry(began, RequestJournal.Limited(context.Request.Method), RequestJournal.Limited(context.Request.Path.Value!),
                context.Request.Query["api-version"].FirstOrDefault() is { } version ? RequestJournal.Limited(version) : null,
                OperationNames.Of(context), StatusOf(context), Stopwatch.GetElapsedTime(start).TotalMilliseconds, OperationOf(context), context.Features.Get<FaultRule>()?.Id, requestId, subscriptionId));
        }
    }

    /// <summary>The one that was accepted, or that a poll asked for.</summary>
    private static Guid OperationOf(HttpContext context)
    {
        if (context.Response.StatusCode < StatusCodes.Status400BadRequest && context.Features.Get<Operation>() is { } accepted)
            return accepted.Id;
        _ = Guid.TryParse(context.Request.RouteValues["operationId"] as string, out Guid polled);
        return polled;
    }

    /// <summary>0: nobody got an answer.</summary>
    public static int StatusOf(HttpContext context) =>
        !context.Response.HasStarted && context.RequestAborted.IsCancellationRequested ? 0 : context.Response.StatusCode;
}
