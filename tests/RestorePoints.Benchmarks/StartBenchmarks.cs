using System.Diagnostics;
using System.Runtime.InteropServices;
using static RestorePoints.Benchmarks.HttpRounds;

namespace RestorePoints.Benchmarks;

/// <summary>The published program, on an empty data directory each time: how long until the first answer, and the memory it holds when idle.</summary>
internal static class StartBenchmarks
{
    private const int Starts = 9;

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        string root = Directory.CreateTempSubdirectory("restorepoints-benchmark-").FullName;
        try
        {
            string program = await PublishAsync(Path.Combine(root, "published"));
            string flat = Directory.CreateDirectory(Path.Combine(root, "flat")).FullName;
            List<double> starts = [], limits = [], memory = [], limitMemory = [];
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            for (int i = 0; i <= Starts; i++)
            {
                (double start, double resident) = await StartAsync(() => HttpServer.StartEmulatorAsync(Path.Combine(root, $"data{i}"), program), "/subscriptions?api-version=2022-12-01");
                (double limit, double limitResident) = await StartAsync(() => HttpServer.StartMvcAsync(Path.Combine(flat, "none.db")), "/bare/nothing");
                // The first start reads the files from disk.
                if (i == 0)
                    continue;
                starts.Add(start);
                limits.Add(limit);
                memory.Add(resident);
                limitMemory.Add(limitResident);
            }
            double first = Median(starts), bare = Median(limits), idle = Median(memory), bareIdle = Median(limitMemory);
            yield return new("published: start to the first ARM answer", Millis(first), $"{Millis(bare)} an MVC application with EF Core, not published", bare / first, "<= 700 ms");
            yield return new("published: resident memory when idle", $"{idle:f0} MiB", $"{bareIdle:f0} MiB the same application", bareIdle / idle, "<= 150 MiB");

            async Task<(double Milliseconds, double MiB)> StartAsync(Func<Task<HttpServer>> startServer, string path)
            {
                long begin = Stopwatch.GetTimestamp();
                await using HttpServer server = await startServer();
                using (HttpResponseMessage answer = await http.GetAsync(new Uri(server.Url, path)))
                    await answer.Content.ReadAsByteArrayAsync();
                double elapsed = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
                await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
                return (elapsed, server.ResidentBytes / 1048576.0);
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <returns>The published assembly.</returns>
    private static async Task<string> PublishAsync(string directory)
    {
        string runtime = $"linux-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        var start = new ProcessStartInfo("dotnet", ["publish", HttpServer.EmulatorProject, "-c", "Release", "-r", runtime, "--self-contained", "false", "-o", directory, "-v", "quiet"])
        {
            RedirectStandardOutput = true,
        };
        using Process publish = Process.Start(start)!;
        string output = await publish.StandardOutput.ReadToEndAsync();
        await publish.WaitForExitAsync();
        return publish.ExitCode == 0 ? Path.Combine(directory, "RestorePoints.Emulator.dll") : throw new InvalidOperationException(output);
    }
}
