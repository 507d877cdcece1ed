using System.Reflection;
using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>docs/restore-point-rules.md names a test for each rule.</summary>
public sealed partial class RulePageTests
{
    [Fact]
    public void Every_rule_names_a_test_that_exists()
    {
        HashSet<string> tests = [.. typeof(RulePageTests).Assembly.GetTypes().SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance)
            .Where(method => method.GetCustomAttributes<FactAttribute>().Any()).Select(method => $"{type.Name}.{method.Name}"))];
        string[] rows = [.. File.ReadLines(Repository.File("docs", "restore-point-rules.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| rule |", StringComparison.Ordinal))];
        rows.Length.ShouldBeGreaterThan(30);
        foreach (string row in rows)
        {
            string[] cells = [.. row.Trim('|').Split('|').Select(cell => cell.Trim())];
            cells.Length.ShouldBe(4, row);
            cells.ShouldAllBe(cell => cell.Length > 0, row);
            TestName().Replace(cells[3], "").Trim(',', ' ').ShouldBeEmpty(row);
            foreach (Match test in TestName().Matches(cells[3]))
                (tests.Contains($"{test.Groups[1]}.{test.Groups[2]}") || IsOfEngine(test.Groups[1].Value, test.Groups[2].Value)).ShouldBeTrue(row);
        }
    }

    /// <summary>The tests of the engine are a program of their own: looked up in its source.</summary>
    private static bool IsOfEngine(string type, string method) =>
        Repository.File("tests", "RestorePoints.SnapshotEngine.Tests", $"{type}.cs") is var source && File.Exists(source) && File.ReadAllText(source).Contains($" {method}(", StringComparison.Ordinal);

    [GeneratedRegex(@"`(\w+)\.(\w+)`")]
    private static partial Regex TestName();
}
