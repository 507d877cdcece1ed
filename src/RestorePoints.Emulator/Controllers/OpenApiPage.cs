using Microsoft.OpenApi;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>The OpenAPI document of what is served, at <c>/swagger/v1/swagger.json</c>, and its page at <c>/swagger</c>.</summary>
public static class OpenApiPage
{
    public static IServiceCollection AddOpenApiPage(this IServiceCollection services) => services.AddSwaggerGen(swagger =>
    {
        swagger.SwaggerDoc("v1", new OpenApiInfo
        {
            Title = "RestorePoints",
            Version = "v1",
            Description = "A local emulator of the Azure VM restore point APIs. Every ARM call takes an api-version.",
        });
        swagger.CustomSchemaIds(type => type.FullName);
        swagger.CustomOperationIds(action => action.ActionDescriptor.EndpointMetadata.OfType<OperationIdAttribute>().FirstOrDefault()?.Id);
    });

    public static IApplicationBuilder UseOpenApiPage(this IApplicationBuilder app) =>
        app.UseWhen(context => context.Request.Path.StartsWithSegments("/swagger"), page => page.UseSwagger().UseSwaggerUI());
}
