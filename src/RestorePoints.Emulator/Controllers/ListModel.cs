namespace RestorePoints.Emulator.Controllers;

/// <summary>A list answer. There is no <c>nextLink</c>: a list comes whole.</summary>
public sealed record ListModel<T>(IReadOnlyList<T> Value);
