using RestorePoints.Emulator.VhdImports;

namespace RestorePoints.Emulator.Operations;

/// <summary>Registers every operation of this folder under its class name, which is what <see cref="Store.Operation.Kind"/> holds.</summary>
public static class OperationRegistration
{
    public static IServiceCollection AddArmOperations(this IServiceCollection services)
    {
        foreach (Type kind in typeof(ArmOperation).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(ArmOperation)) && !type.IsAbstract))
            services.AddKeyedScoped(typeof(ArmOperation), kind.Name, kind);
        services.AddScoped<HourlyRates>();
        services.AddScoped<ReplicationStarts>();
        services.AddSingleton<ImportRoots>();
        services.AddSingleton<VhdTransfer>();
        services.AddSingleton<Replications>();
        services.AddSingleton<SnapshotAccess>();
        services.AddSingleton<OperationRunner>();
        services.AddHostedService(provider => provider.GetRequiredService<OperationRunner>());
        return services;
    }
}
