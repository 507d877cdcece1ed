using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;

namespace RestorePoints.Emulator.TestControl;

/// <summary>Lets the faults of ARM requests happen: after routing, before anything else looks at the request.</summary>
public sealed class FaultMiddleware(RequestDelegate next, Faults faults)
{
    public Task InvokeAsync(HttpContext context) =>
        ArmEndpoints.IsArm(context) && faults.OnArmRequest(context) is { } fault ? ServeAsync(context, fault) : next(context);

    private async Task ServeAsync(HttpContext context, FiredFault fault)
    {
        FaultRule rule = fault.Rule;
        // For the journal.
        context.Features.Set(rule);
        switch (rule.Effect.Type)
        {
            case FaultType.Error:
                await context.WriteArmErrorAsync(rule.Effect.Error);
                break;
            case FaultType.Delay:
                if (await faults.DelayAsync(context, fault))
                    await next(context);
                break;
            default:
                var cut = ConnectionCut.Begin(context, rule.Effect.AfterBytes);
                try
                {
                    await next(context);
                }
                catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
                {
                    // The answer was an error, and is cut.
                }
                if (await cut.EndAsync())
                    throw new ConnectionCutException();
                break;
        }
    }
}
