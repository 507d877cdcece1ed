using RestorePoints.Benchmarks;

// Without arguments: every benchmark. "engine", "control" (ARM), "http" (page blobs), "scale" (1,000 collections) or "start": only those.
// "limit-server <directory>" and "mvc-server <catalog>": the servers that the HTTP figures are compared with.
if (args is ["limit-server", string directory])
{
    await HttpLimitServer.RunAsync(directory);
    return;
}
if (args is ["mvc-server", string catalog])
{
    await MvcServer.RunAsync(catalog);
    return;
}
string part = args.FirstOrDefault() ?? "all";
const string form = "{0,-62} {1,18} {2,52} {3,6} {4}";
Console.WriteLine(form, "what", "figure", "limit", "ratio", "target");
if (part is "all" or "engine")
{
    foreach (BenchmarkRow row in EngineBenchmarks.Run())
        Print(row);
}
foreach ((string name, Func<IAsyncEnumerable<BenchmarkRow>> run) in new[]
    { ("control", ControlPlaneBenchmarks.RunAsync), ("http", HttpBenchmarks.RunAsync), ("scale", ScaleBenchmarks.RunAsync), ("start", (Func<IAsyncEnumerable<BenchmarkRow>>)StartBenchmarks.RunAsync) })
{
    if (part != "all" && part != name)
        continue;
    await foreach (BenchmarkRow row in run())
        Print(row);
}

static void Print(BenchmarkRow row) => Console.WriteLine(form, row.What, row.Figure, row.Limit, row.Ratio.ToString("f2"), row.Target);
