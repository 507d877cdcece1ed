using System.Diagnostics;
using System.Text;

namespace RestorePoints.Benchmarks;

/// <summary>Measures contestants in turns, so that what else the machine does meets all of them; medians of each.</summary>
internal static class HttpRounds
{
    private const int Rounds = 7;

    /// <summary>Requests per second of each contestant; one more round comes first as warm-up.</summary>
    /// <param name="connections">Each sends its requests one after the other.</param>
    /// <param name="requests">Of one connection in one round.</param>
    /// <param name="body">Of every request.</param>
    /// <param name="status">That every answer must have.</param>
    /// <param name="contestants">Each makes, for a connection, what gives the head of its n-th request.</param>
    public static async Task<double[]> RatesAsync(int connections, int requests, ReadOnlyMemory<byte> body, int status, params Func<int, Func<int, byte[]>>[] contestants)
    {
        List<double>[] samples = [.. contestants.Select(_ => new List<double>())];
        for (int round = 0; round < Rounds + 1; round++)
        {
            for (int contestant = 0; contestant < contestants.Length; contestant++)
            {
                Func<int, byte[]>[] makers = [.. Enumerable.Range(0, connections).Select(contestants[contestant])];
                byte[][][] heads = [.. makers.Select(maker => Enumerable.Range(0, requests).Select(maker).ToArray())];
                Uri server = ServerOf(heads[0][0]);
                HttpWire[] wires = [.. Enumerable.Range(0, connections).Select(_ => new HttpWire(server))];
                long start = Stopwatch.GetTimestamp();
                await Task.WhenAll(wires.Select((wire, connection) => Task.Run(async () =>
                {
                    foreach (byte[] head in heads[connection])
                        await wire.SendAsync(head, body, status);
                })));
                double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                Array.ForEach(wires, wire => wire.Dispose());
                if (round > 0)
                    samples[contestant].Add(connections * requests / seconds);
            }
        }
        return [.. samples.Select(Median)];
    }

    /// <summary>Milliseconds of both, in turns; the first tenth is warm-up.</summary>
    public static async Task<(double Measured, double Limit)> AlternateAsync(int rounds, Func<Task> measured, Func<Task> limit)
    {
        double[] medians = await AlternateAsync(rounds, [measured, limit]);
        return (medians[0], medians[1]);
    }

    /// <summary>Milliseconds of each, in turns; the first tenth is warm-up.</summary>
    public static async Task<double[]> AlternateAsync(int rounds, params Func<Task>[] contestants)
    {
        List<double>[] samples = [.. contestants.Select(_ => new List<double>())];
        for (int round = 0; round < rounds; round++)
        {
            for (int contestant = 0; contestant < contestants.Length; contestant++)
            {
                long start = Stopwatch.GetTimestamp();
                await contestants[contestant]();
                if (round >= rounds / 10)
                    samples[contestant].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }
        return [.. samples.Select(Median)];
    }

    public static Task ParallelAsync(Uri server, int connections, Func<HttpWire, int, Task> work) =>
        Task.WhenAll(Enumerable.Range(0, connections).Select(connection => Task.Run(async () =>
        {
            using var wire = new HttpWire(server);
            await work(wire, connection);
        })));

    public static double Median(List<double> samples)
    {
        samples.Sort();
        return samples[samples.Count / 2];
    }

    public static string Millis(double milliseconds) => $"{milliseconds:f2} ms";

    private static Uri ServerOf(byte[] head)
    {
        string text = Encoding.ASCII.GetString(head);
        int at = text.IndexOf("Host: ", StringComparison.Ordinal) + 6;
        return new Uri($"http://{text[at..text.IndexOf('\r', at)]}");
    }
}
