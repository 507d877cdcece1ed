using RestorePoints.Benchmarks;

// Without arguments: every benchmark. "engine" or "http": only those. "limit-server <directory>": the bare server that the HTTP figures are compared with.
if (args is ["limit-server", string directory])
{
    await HttpLimitServer.RunAsync(directory);
    return;
}
string part = args.FirstOrDefault() ?? "all";
const string form = "{0,-62} {1,18} {2,44} {3,6} {4}";
Console.WriteLine(form, "what", "figure", "limit", "ratio", "target");
if (part is "all" or "engine")
{
    foreach (BenchmarkRow row in EngineBenchmarks.Run())
        Print(row);
}
if (part is "all" or "http")
{
    await foreach (BenchmarkRow row in HttpBenchmarks.RunAsync())
        Print(row);
}

static void Print(BenchmarkRow row) => Console.WriteLine(form, row.What, row.Figure, row.Limit, row.Ratio.ToString("f2"), row.Target);
