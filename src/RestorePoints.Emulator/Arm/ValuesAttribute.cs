namespace RestorePoints.Emulator.Arm;

/// <summary>The values that a string of a request may have. They are read without regard to case and kept in this spelling.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ValuesAttribute(params string[] values) : Attribute
{
    public IReadOnlyList<string> Values { get; } = values;
}
