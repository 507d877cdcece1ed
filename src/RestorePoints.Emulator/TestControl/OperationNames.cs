using System.Reflection;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.PageBlobs;

namespace RestorePoints.Emulator.TestControl;

/// <summary>The operations that the journal shows and that fault rules name: operationIds of the published contract, and the calls of the data plane.</summary>
public static class OperationNames
{
    private static readonly string?[] s_blobNames =
        [.. Enum.GetValues<BlobOperation>().Select(operation => operation < BlobOperation.Preflight ? operation.ToString() : null)];

    private static readonly Dictionary<string, (string Name, bool IsBlob)> s_known = Arm().Select(name => (name, false))
        .Concat(s_blobNames.OfType<string>().Select(name => (name, true)))
        .ToDictionary(known => known.Item1, known => (known.Item1, known.Item2), StringComparer.OrdinalIgnoreCase);

    /// <summary>null: nothing that a managed disk offers.</summary>
    public static string? Of(BlobOperation operation) => s_blobNames[(int)operation];

    /// <summary>null: no published operation serves the request.</summary>
    public static string? Of(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<OperationIdAttribute>()?.Id;

    /// <summary>The name as it is spelled; found without regard to case.</summary>
    /// <param name="isBlob">An operation of the data plane.</param>
    public static string? Find(string name, out bool isBlob)
    {
        (string? found, isBlob) = s_known.GetValueOrDefault(name);
        return found;
    }

    private static IEnumerable<string> Arm() => typeof(OperationNames).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
        .Select(action => action.GetCustomAttribute<OperationIdAttribute>()?.Id).OfType<string>().Distinct();
}
