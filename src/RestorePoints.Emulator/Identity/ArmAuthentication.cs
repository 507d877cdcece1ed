using Microsoft.Extensions.Options;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Identity;

/// <summary>
/// The authentication step of the ARM pipeline; passes everything while <see cref="EmulatorOptions.Authentication"/> is Optional. It ends a request by
/// <see cref="ArmException"/>, so it runs inside what turns those into bodies.
/// </summary>
public static class ArmAuthentication
{
    private const string Scheme = "Bearer ";

    public static IApplicationBuilder UseArmAuthentication(this IApplicationBuilder app)
    {
        EmulatorOptions options = app.ApplicationServices.GetRequiredService<IOptions<EmulatorOptions>>().Value;
        if (options.Authentication == AuthenticationMode.Optional)
            return app;
        TokenValidator validator = app.ApplicationServices.GetRequiredService<TokenValidator>();
        return app.Use(async (context, next) =>
        {
            Guid? tenantId = TenantOf(context.Request.Path, options);
            if (await FaultOfAsync(context.Request, validator, tenantId, context.RequestAborted) is { } fault)
            {
                Challenge(context, tenantId ?? options.Subscriptions[0].TenantId, fault);
                throw fault.AsException();
            }
            await next(context);
        });
    }

    /// <summary>The tenant of the subscription in the path; null where there is none.</summary>
    private static Guid? TenantOf(PathString path, EmulatorOptions options) =>
        path.StartsWithSegments("/subscriptions", out PathString rest) && Guid.TryParseExact(rest.Value!.Trim('/').Split('/')[0], "D", out Guid subscription)
            ? options.SubscriptionOf(subscription).TenantId
            : null;

    private static async Task<ArmError?> FaultOfAsync(HttpRequest request, TokenValidator validator, Guid? tenantId, CancellationToken cancellationToken)
    {
        string authorization = request.Headers.Authorization.ToString();
        if (authorization.Length == 0)
            return TokenErrors.Missing;
        if (!authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return TokenErrors.WrongScheme;
        return await validator.FaultOfAsync(authorization[Scheme.Length..].Trim(), request, tenantId, cancellationToken);
    }

    /// <summary>Set when the answer starts: what writes the error's body may clear the headers first. The message may hold what no header can; the code does not.</summary>
    private static void Challenge(HttpContext context, Guid tenantId, ArmError fault) => context.Response.OnStarting(() =>
    {
        context.Response.Headers.WWWAuthenticate =
            $"Bearer authorization_uri=\"{context.Request.BaseUrl()}/{tenantId}\", error=\"invalid_token\", error_description=\"{fault.Code}\"";
        return Task.CompletedTask;
    });
}
