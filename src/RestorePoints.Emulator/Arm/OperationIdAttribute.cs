namespace RestorePoints.Emulator.Arm;

/// <summary>The published operation that an action serves.</summary>
/// <param name="id">operationId of the public specification: <c>RestorePoints_Create</c>.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OperationIdAttribute(string id) : Attribute
{
    public string Id { get; } = id;

    /// <summary>The api-version that introduced the operation; <c>""</c>: it is as old as its resource type.</summary>
    public string Since { get; init; } = "";
}
