namespace RestorePoints.Emulator.Arm;

/// <summary>Writes ARM bodies outside of controllers.</summary>
public static class ArmResponse
{
    public static Task WriteArmJsonAsync(this HttpContext context, byte[] body)
    {
        context.Response.ContentType = ArmJson.ContentType;
        context.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(body, CancellationToken.None).AsTask();
    }

    public static Task WriteArmErrorAsync(this HttpContext context, ArmError error)
    {
        context.Response.StatusCode = error.Status;
        if (error.FailureCause is not null)
            context.Response.Headers["x-ms-failure-cause"] = error.FailureCause;
        return context.WriteArmJsonAsync(ArmJson.SerializeToUtf8Bytes(new ErrorEnvelope(new ErrorBody(error.Code, error.Message, error.Target, error.Details)), ""));
    }

    private sealed record ErrorEnvelope(ErrorBody Error);

    private sealed record ErrorBody(string Code, string Message, string? Target, IReadOnlyList<ArmErrorDetail>? Details);
}
