using System.Diagnostics;
using System.Security.Cryptography;

namespace RestorePoints.Emulator.Tests.Crash;

/// <summary>Creates, reads and deletes restore points while the guests write, and knows after a crash what must be there.</summary>
internal sealed class PointKeeper(GuestWriter[] writers)
{
    private const int Kept = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly List<TakenPoint> _points = [];
    private readonly List<string> _operations = [];
    private int _created;

    public int Interrupted { get; private set; }
    public int Verified { get; private set; }

    /// <summary>Takes points, one after the other, until the server is gone.</summary>
    public async Task RunAsync(RawArm arm, string collection, KillTrigger trigger)
    {
        while (true)
        {
            var point = new TakenPoint(World.Point(collection, $"p{++_created}"), [.. writers.Select(writer => writer.Acknowledged)]);
            _points.Add(point);
            trigger.Happened(KillMoment.PointRequested);
            ArmResponse accepted = (await arm.PutAsync(point.Path, "{}")).Expect(201);
            point.Accepted = true;
            trigger.Happened(KillMoment.PointAccepted);
            await FollowAsync(arm, accepted);
            trigger.Happened(KillMoment.PointSucceeded);
            await CheckAsync(arm, point);
            foreach (TakenPoint old in _points[..^Math.Min(_points.Count, Kept)])
            {
                old.Retiring = true;
                trigger.Happened(KillMoment.DeletionRequested);
                await RetireAsync(arm, old);
            }
        }
    }

    /// <summary>After a restart, before the guests write again and before their histories are cut.</summary>
    /// <param name="live">What the disks hold.</param>
    public async Task VerifyAsync(RawArm arm, string collection, byte[][] live)
    {
        Uri server = arm.Http.BaseAddress!;
        foreach (string operation in _operations)
            await EndAsync(arm, Rebase(operation, server));
        _operations.Clear();
        foreach (TakenPoint point in _points.ToList())
        {
            if (point.Hash is not null && !point.Retiring)
            {
                byte[][] content = await ReadAsync(arm, point);
                if (point.Hash != await HashAsync(arm, point, content))
                    throw new InvalidOperationException($"{point.Path} changed.");
                Verified++;
                continue;
            }
            ArmResponse found = await WhileAsync(arm, point, "Deleting");
            if (found.Status == 404)
            {
                if (point.Accepted && !point.Retiring)
                    throw new InvalidOperationException($"{point.Path} was accepted and is gone: {found.Text}");
                _points.Remove(point);
                continue;
            }
            if (point.Retiring)
            {
                await RetireAsync(arm, point);
                continue;
            }
            Interrupted++;
            await WhileAsync(arm, point, "Creating");
            await CheckAsync(arm, point, live);
        }
        ArmResponse all = (await arm.GetAsync(collection, "$expand=restorePoints")).Expect(200);
        for (int i = 0; i < all.Count("properties.restorePoints"); i++)
        {
            if (all[$"properties.restorePoints.{i}.properties.provisioningState"] != "Succeeded" || _points.TrueForAll(point => !point.Path.EndsWith($"/{all[$"properties.restorePoints.{i}.name"]}", StringComparison.Ordinal)))
                throw new InvalidOperationException($"An unexpected restore point: {all.Node($"properties.restorePoints.{i}")}");
        }
        if (all.Count("properties.restorePoints") != _points.Count)
            throw new InvalidOperationException($"{_points.Count} points should be there: {all.Text}");
    }

    public static string Rebase(string url, Uri server) => new UriBuilder(url) { Scheme = server.Scheme, Host = server.Host, Port = server.Port }.Uri.AbsoluteUri;

    /// <summary>First reading of a point that succeeded: compares it with the guests' histories and remembers its hash.</summary>
    private async Task CheckAsync(RawArm arm, TakenPoint point, byte[][]? live = null)
    {
        ArmResponse resource = (await arm.GetAsync(point.Path)).Expect(200);
        if (resource["properties.provisioningState"] != "Succeeded")
            throw new InvalidOperationException($"{point.Path} did not succeed: {resource.Text}");
        long[] issued = [.. writers.Select(writer => writer.Issued)];
        point.Disks = [World.OsDiskPoint(resource), World.DataDiskPoint(resource, 0)];
        string[] sas = new string[point.Disks.Length];
        for (int i = 0; i < sas.Length; i++)
        {
            ArmResponse accepted = (await arm.PostAsync($"{point.Disks[i]}/beginGetAccess", """{"access":"Read","durationInSeconds":86400}""")).Expect(202);
            sas[i] = (await FollowAsync(arm, accepted))["properties.output.accessSAS"]!;
        }
        point.Sas = sas;
        byte[][] content = await ReadAsync(arm, point);
        for (int i = 0; i < writers.Length; i++)
            writers[i].VerifyPoint(content, point.AcknowledgedBefore[i], issued[i], live);
        point.Hash = await HashAsync(arm, point, content);
    }

    private async Task RetireAsync(RawArm arm, TakenPoint point)
    {
        foreach (string disk in point.Disks)
            await FollowAsync(arm, (await arm.PostAsync($"{disk}/endGetAccess")).Expect(202));
        await FollowAsync(arm, (await arm.DeleteAsync(point.Path)).Expect(202));
        (await arm.GetAsync(point.Path)).Expect(404);
        _points.Remove(point);
    }

    private async Task<ArmResponse> FollowAsync(RawArm arm, ArmResponse accepted)
    {
        string operation = accepted.Header("Azure-AsyncOperation")!;
        _operations.Add(operation);
        ArmResponse end = await EndAsync(arm, operation);
        _operations.Remove(operation);
        return end;
    }

    private static async Task<ArmResponse> EndAsync(RawArm arm, string operation)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            ArmResponse poll = (await arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, operation))).Expect(200);
            if (poll["status"] == "Succeeded")
                return poll;
            if (poll["status"] != "InProgress" || Stopwatch.GetElapsedTime(started) > Limit)
                throw new InvalidOperationException($"{operation} did not succeed: {poll.Text}");
        }
    }

    /// <summary>Reads a point until it has left a state, which it must do.</summary>
    private static async Task<ArmResponse> WhileAsync(RawArm arm, TakenPoint point, string state)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            ArmResponse found = (await arm.GetAsync(point.Path)).Expect(200, 404);
            if (found.Status == 404 || found["properties.provisioningState"] != state)
                return found;
            if (Stopwatch.GetElapsedTime(started) > Limit)
                throw new InvalidOperationException($"{point.Path} stays {state}.");
        }
    }

    private async Task<byte[][]> ReadAsync(RawArm arm, TakenPoint point)
    {
        byte[][] content = new byte[point.Sas.Length][];
        for (int i = 0; i < content.Length; i++)
            content[i] = await new RawBlob(arm.Http, Rebase(point.Sas[i], arm.Http.BaseAddress!)).ReadAsync(0, writers.Length * GuestWriter.AreaBytes);
        return content;
    }

    /// <summary>Of the bytes and of what is allocated.</summary>
    private static async Task<string> HashAsync(RawArm arm, TakenPoint point, byte[][] content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < content.Length; i++)
        {
            hash.AppendData(content[i]);
            foreach (BlobRange range in await new RawBlob(arm.Http, Rebase(point.Sas[i], arm.Http.BaseAddress!)).PageRangesAsync())
                hash.AppendData([.. BitConverter.GetBytes(range.Offset), .. BitConverter.GetBytes(range.End)]);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private sealed class TakenPoint(string path, long[] acknowledgedBefore)
    {
        public string Path { get; } = path;
        public long[] AcknowledgedBefore { get; } = acknowledgedBefore;
        public bool Accepted { get; set; }
        public bool Retiring { get; set; }
        public string[] Disks { get; set; } = [];
        public string[] Sas { get; set; } = [];
        public string? Hash { get; set; }
    }
}
