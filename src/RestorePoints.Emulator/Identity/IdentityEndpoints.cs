namespace RestorePoints.Emulator.Identity;

/// <summary>
/// What az and the SDKs ask before their first ARM call: which endpoints this cloud has, how its authority is laid out, and a token. Any client
/// id and secret get one. All URLs are built from the request, so that every name of the emulator works.
/// </summary>
public static class IdentityEndpoints
{
    public static IServiceCollection AddTokens(this IServiceCollection services)
    {
        services.AddSingleton<TokenSigningKey>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<TokenIssuer>(provider, TimeProvider.System));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<TokenValidator>(provider, TimeProvider.System));
        return services;
    }

    public static void MapIdentity(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/metadata/endpoints", MetadataDocument.Get);

        routes.MapGet("/adfs/.well-known/openid-configuration", OpenIdConfiguration.GetAdfs);
        routes.MapGet("/{tenant}/.well-known/openid-configuration", OpenIdConfiguration.Get);
        routes.MapGet("/{tenant}/v2.0/.well-known/openid-configuration", OpenIdConfiguration.Get);

        routes.MapPost("/{tenant}/oauth2/token", TokenEndpoint.PostAsync);
        routes.MapPost("/{tenant}/oauth2/v2.0/token", TokenEndpoint.PostAsync);

        routes.MapGet("/discovery/v2.0/keys", OpenIdConfiguration.GetKeysAsync);
        routes.MapGet("/adfs/discovery/keys", OpenIdConfiguration.GetKeysAsync);
        routes.MapGet("/{tenant}/discovery/v2.0/keys", OpenIdConfiguration.GetKeysAsync);
    }
}
