using System.Reflection;
using Microsoft.AspNetCore.Mvc.Routing;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>What the controllers' metadata says that is served.</summary>
internal static class ServedOperations
{
    public static IReadOnlyList<ServedAction> All { get; } =
    [
        .. from controller in typeof(ArmController).Assembly.GetTypes()
           where controller.IsSubclassOf(typeof(ArmController)) && !controller.IsAbstract
           from method in controller.GetMethods(BindingFlags.Instance | BindingFlags.Public)
           from verb in method.GetCustomAttributes<HttpMethodAttribute>()
           select new ServedAction(controller.GetCustomAttribute<ArmResourceTypeAttribute>()!, method.GetCustomAttribute<OperationIdAttribute>(), method, verb, controller),
    ];

    public static ServedAction? Find(string operationId) => All.SingleOrDefault(action => action.Operation?.Id == operationId);

    public static bool Contains(string operationId) => Find(operationId) is not null;
}

/// <param name="Operation">null for an action that is no published operation of Microsoft.Compute.</param>
internal sealed record ServedAction(ArmResourceTypeAttribute ResourceType, OperationIdAttribute? Operation, MethodInfo Method, HttpMethodAttribute Verb, Type Controller)
{
    /// <summary>Versions that get a served answer, oldest first.</summary>
    public IReadOnlyList<string> ServedVersions => [.. ResourceType.Versions.Where(version => string.CompareOrdinal(version, Since) >= 0)];

    private string Since => string.CompareOrdinal(ResourceType.ServedSince, Operation?.Since) > 0 ? ResourceType.ServedSince : Operation?.Since ?? "";
}
