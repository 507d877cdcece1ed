using CsCheck;
using Xunit;

namespace RestorePoints.SnapshotEngine.Tests;

public sealed class RandomHistoryTests
{
    private static readonly Gen<Step> s_step = Gen.Select(Gen.Int[0, 29], Gen.Int[0, 1000], Gen.Int[0, 1000], Gen.Int[0, 1000], (kind, a, b, c) => new Step(kind, a, b, c));

    [Theory]
    [InlineData(Durability.Process)]
    [InlineData(Durability.Power)]
    public void Any_history_leaves_what_full_copies_would(Durability durability)
    {
        s_step.Array[1, 80].Sample(steps =>
        {
            using var history = new History(Small.Options with { Durability = durability });
            history.Run(steps);
        }, iter: 400, threads: 2);
    }
}
