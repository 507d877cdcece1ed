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
            Match test = TestName().Match(cells[3]);
            test.Success.ShouldBeTrue(row);
            tests.ShouldContain(test.Groups[1].Value, row);
        }
    }

    [GeneratedRegex(@"^`(\w+\.\w+)`$")]
    private static partial Regex TestName();
}
