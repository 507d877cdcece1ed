namespace RestorePoints.Benchmarks;

/// <summary>One figure beside the limit that was measured in the same run.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Figure">The median, with unit.</param>
/// <param name="Limit">What the machine does without the program, and how that was measured.</param>
/// <param name="Ratio">Figure over limit as speed: 1 is the limit itself, 0.5 takes twice as long.</param>
/// <param name="Target">What the figure is meant to be.</param>
public sealed record BenchmarkRow(string What, string Figure, string Limit, double Ratio, string Target);
