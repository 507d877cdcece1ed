namespace RestorePoints.Emulator.Arm;

/// <summary>The name rule of Compute resources: 1 to 80 letters, digits, '_', '-' and '.', beginning with a letter or digit, not ending with '-' or '.'.</summary>
public static class ResourceNames
{
    /// <param name="parameter">What the error names.</param>
    /// <param name="name">Of a resource that would be created; a name of blanks in a URL arrives as null.</param>
    public static void RequireValid(string parameter, string? name)
    {
        bool valid = name is { Length: > 0 and <= 80 } && char.IsAsciiLetterOrDigit(name[0]) && name[^1] is not ('.' or '-')
            && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.');
        if (!valid)
            throw ArmErrors.InvalidName(parameter, @"^[^_\W][\w-._]{0,79}(?<![-.])$").AsException();
    }
}
