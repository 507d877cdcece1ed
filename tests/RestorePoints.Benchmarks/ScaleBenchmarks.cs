using System.Diagnostics;
using static RestorePoints.Benchmarks.HttpRounds;

namespace RestorePoints.Benchmarks;

/// <summary>Whether what is done with a restore point takes as long in the thousandth collection as in the first: each has a machine and ten points, and a copy of each.</summary>
internal static class ScaleBenchmarks
{
    private const int Collections = 1000, Points = 10;

    /// <summary>Of the first and of the last collections, compared by their medians.</summary>
    private const int Compared = 100;

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        string root = Directory.CreateTempSubdirectory("restorepoints-benchmark-").FullName;
        try
        {
            await using HttpServer emulator = await HttpServer.StartEmulatorAsync(Path.Combine(root, "data"));
            HttpMachine[] machines = [.. Enumerable.Range(0, Collections).Select(number => new HttpMachine(emulator.Url, $"group-{number}", 1))];
            long start = Stopwatch.GetTimestamp();
            yield return await PhaseAsync("create a restore point", machines, machine => machine.CreateAsync(), (machine, point) => machine.CreatePointAsync(point));
            yield return await PhaseAsync("list the 10 points of a collection", machines, _ => Task.CompletedTask, ListAsync);
            yield return await PhaseAsync("copy a restore point, to its last byte", machines, machine => machine.CreateCopiesAsync(), (machine, point) => machine.CopyPointAsync(point));
            yield return await PhaseAsync("delete a restore point", machines, _ => Task.CompletedTask, (machine, point) => machine.DeletePointAsync(point));
            Array.ForEach(machines, machine => machine.Dispose());
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds, megabytes = emulator.ResidentBytes / (double)(1 << 20);
            yield return new($"{Collections:n0} collections, {Collections * Points:n0} points, as many copies", $"{seconds:f0} s", $"{megabytes:f0} MiB resident afterwards", 1, "");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }

        static async Task ListAsync(HttpMachine machine, string point)
        {
            if (await machine.ListPointsAsync() != Points)
                throw new InvalidOperationException("The collection lists other points.");
        }
    }

    /// <summary>Collection after collection: what comes first in each is not measured.</summary>
    private static async Task<BenchmarkRow> PhaseAsync(string what, HttpMachine[] machines, Func<HttpMachine, Task> prepare, Func<HttpMachine, string, Task> work)
    {
        List<double> first = [], last = [];
        for (int number = 0; number < machines.Length; number++)
        {
            await prepare(machines[number]);
            for (int point = 0; point < Points; point++)
            {
                long start = Stopwatch.GetTimestamp();
                await work(machines[number], $"p{point}");
                double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                // The first collection warms up.
                if (number is > 0 and <= Compared)
                    first.Add(milliseconds);
                if (number >= machines.Length - Compared)
                    last.Add(milliseconds);
            }
        }
        double early = Median(first), late = Median(last);
        return new($"{what}, collections {Collections - Compared} to {Collections}", Millis(late), $"{Millis(early)} in the first {Compared}", early / late, ">= 0.8");
    }
}
