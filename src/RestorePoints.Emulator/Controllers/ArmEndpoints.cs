using FluentValidation;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>Adds the ARM controllers with ARM's JSON and ARM's errors.</summary>
public static class ArmEndpoints
{
    public static IServiceCollection AddArmControllers(this IServiceCollection services)
    {
        // Without what AddControllers adds for browsers: cross-origin rules, authorization, data annotations.
        services.AddMvcCore(mvc =>
            {
                mvc.InputFormatters.Clear();
                mvc.InputFormatters.Add(new ArmJsonInputFormatter());
                mvc.OutputFormatters.Clear();
                mvc.OutputFormatters.Add(new ArmJsonOutputFormatter());
                // Bodies have validators of their own, which ArmActionFilter runs.
                mvc.ModelValidatorProviders.Clear();
                mvc.SuppressImplicitRequiredAttributeForNonNullableReferenceTypes = true;
            })
            .AddApiExplorer()
            .ConfigureApiBehaviorOptions(api =>
            {
                // Empty 404, 405 and 415 answers get their ARM body from the error middleware, not a ProblemDetails.
                api.SuppressMapClientErrors = true;
                api.InvalidModelStateResponseFactory = context => throw ErrorOf(context.ModelState).AsException();
            });
        // Validators have no state; building one compiles its expressions, which takes milliseconds.
        services.AddValidatorsFromAssemblyContaining<DiskValidator>(ServiceLifetime.Singleton);
        services.AddSingleton<RemainingCalls>();
        services.AddScoped<ArmActionFilter>();
        services.AddScoped<CopyRules>();
        services.AddScoped<RegionGuard>();
        services.AddScoped<CopySources>();
        services.AddScoped<Features>();
        services.AddScoped<NewDisks>();
        services.AddScoped<NewSnapshots>();
        services.AddScoped<SnapshotCopyRules>();
        services.AddScoped<VirtualMachineDisks>();
        return services;
    }

    private static readonly PathString[] ArmRoots = ["/subscriptions", "/providers", "/tenants"];

    /// <summary>True for the requests that Azure authenticates: whatever is below the roots of ARM, also where nothing answers.</summary>
    public static bool IsArm(HttpContext context) => ArmRoots.Any(root => context.Request.Path.StartsWithSegments(root));

    /// <summary>Faults of binding: an empty body has no key, anything else is a parameter.</summary>
    private static ArmError ErrorOf(ModelStateDictionary state)
    {
        (string key, ModelStateEntry? entry) = state.First(entry => entry.Value!.Errors.Count > 0);
        string message = entry!.Errors[0].ErrorMessage;
        return key.Length == 0 ? ArmErrors.InvalidRequestContent(message) : ArmErrors.InvalidParameter(key, message);
    }
}
