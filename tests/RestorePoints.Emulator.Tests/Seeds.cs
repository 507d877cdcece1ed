namespace RestorePoints.Emulator.Tests;

/// <summary>Random tests print their seed when they fail; <c>RESTOREPOINTS_SEED</c> repeats it.</summary>
internal static class Seeds
{
    public static int Choose() => int.TryParse(Environment.GetEnvironmentVariable("RESTOREPOINTS_SEED"), out int seed) ? seed : Random.Shared.Next();
}
