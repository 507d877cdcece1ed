using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using RestorePoints.Emulator.Tests.Copies;
using RestorePoints.Emulator.Tests.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests;

/// <summary>
/// A week of hourly protection with the profile <c>Azure</c>, under a clock that only the test moves: a point every hour, read by its SAS as an increment, copied to another region every
/// six hours, the daily ones kept and the others deleted after a day, more creations and copies than the throttles allow.
/// </summary>
public sealed class TimeTravelTests(ITestOutputHelper output)
{
    private const int Hours = 7 * 24;

    [Fact]
    public async Task A_week_of_hourly_protection_runs_in_seconds_and_twice_with_identical_results()
    {
        int seed = Seeds.Choose();
        long started = Stopwatch.GetTimestamp();
        List<string>[] weeks = await Task.WhenAll(Week.RunAsync(seed), Week.RunAsync(seed));
        output.WriteLine($"seed {seed}: two weeks side by side, {weeks[0].Count} results each, in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
        for (int i = 0; i < Math.Min(weeks[0].Count, weeks[1].Count); i++)
            weeks[1][i].ShouldBe(weeks[0][i], $"seed {seed}, result {i}, after {weeks[0][Math.Max(0, i - 1)]}");
        weeks[1].Count.ShouldBe(weeks[0].Count);
        weeks[0].Count(line => line.Contains(" 429 ", StringComparison.Ordinal)).ShouldBe(7 + 4, "throttled creations and copies");
        weeks[0].Count(line => line.StartsWith("expired 403", StringComparison.Ordinal)).ShouldBe(Hours - 2);
    }

    private sealed class Week
    {
        private const int DiskBytes = 1 << 30, UsedBytes = 128 * 1024;

        private readonly HttpClient _http;
        private readonly World _world;
        private readonly string _source, _copies;
        private readonly Random _random;
        private readonly List<string> _results = [];
        private readonly byte[][] _live = [new byte[UsedBytes], new byte[UsedBytes]], _backup = [new byte[UsedBytes], new byte[UsedBytes]];
        private readonly string[][] _sas = new string[Hours][];
        private RawBlob[] _guests = [];
        private TimeSpan _now;
        private DateTimeOffset _start;

        private Week(HttpClient http, World world, int seed)
        {
            (_http, _world, _random) = (http, world, new Random(seed));
            (_source, _copies) = (world.Collection("source"), world.Collection("copies"));
        }

        private RawArm Arm => _world.Arm;

        public static async Task<List<string>> RunAsync(int seed)
        {
            using var directory = new TemporaryDirectory();
            await using EmulatorProcess emulator = await EmulatorProcess.StartAsync(directory.Path, "--Emulator:HttpsPort=0", "--Emulator:Profile=Azure");
            using HttpClient http = EmulatorFixture.NewClient(emulator);
            await http.FreezeClockAsync();
            var week = new Week(http, await World.CreateAsync(new RawArm(http, SubscriptionOptions.DefaultId)), seed);
            await week.BeginAsync();
            for (int hour = 0; hour < Hours; hour++)
                await week.HourAsync(hour);
            await week.EndAsync();
            return week._results;
        }

        private async Task BeginAsync()
        {
            _start = DateTimeOffset.Parse((await Arm.CallAsync(HttpMethod.Get, "clock"))["utcNow"]!, CultureInfo.InvariantCulture);
            foreach (string disk in (string[])["os", "data"])
                await EndsAsync("disk", await Arm.PutAsync(_world.Disk(disk), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")));
            await EndsAsync("machine", await Arm.PutAsync(_world.Vm("vm"), _world.VmBody(_world.Disk("os"), _world.Disk("data"))));
            await _world.CollectionAsync("source", _world.Vm("vm"));
            (await Arm.PutAsync(_copies, CopyWorld.CollectionBody(_source))).Expect(201);
            _guests = [await _world.GuestAsync(_world.Disk("os")), await _world.GuestAsync(_world.Disk("data"))];
            await AdvanceToAsync(TimeSpan.FromHours(1));
        }

        private async Task HourAsync(int hour)
        {
            await WriteAsync();
            await EndsAsync($"p{hour}", await Arm.PutAsync(World.Point(_source, $"p{hour}"), "{}"));
            ArmResponse point = (await Arm.GetAsync(World.Point(_source, $"p{hour}"))).Expect(200);
            Add($"p{hour} is {point["properties.provisioningState"]}, of {DateTimeOffset.Parse(point["properties.timeCreated"]!, CultureInfo.InvariantCulture) - _start}");
            await ReadIncrementAsync(hour, point);
            if (hour % 24 == 12)
                foreach (string extra in (string[])["a", "b", "refused"])
                    await EndsAsync($"extra {extra}", await Arm.PutAsync(World.Point(_source, $"x{hour}{extra}"), "{}"));
            if (hour % 24 == 13)
                foreach (string extra in (string[])["a", "b"])
                    await EndsAsync($"delete extra {extra}", await Arm.DeleteAsync(World.Point(_source, $"x{hour - 1}{extra}")));
            if (hour % 6 == 5)
                await CopyAsync(hour);
            if (hour % 48 == 22)
                for (int back = 1; back <= 4; back++)
                {
                    await EndsAsync($"y{hour}-{back}", await Arm.PutAsync(World.Point(_copies, $"y{hour}-{back}"), CopyWorld.CopyBody(World.Point(_source, $"p{hour - 4 + back}"))));
                    // Until its bytes are there: copies are made one after the other.
                    await AdvanceAsync(TimeSpan.FromMinutes(1));
                }
            if (hour >= 48 && hour % 6 == 5)
                await EndsAsync($"delete c{hour - 48}", await Arm.DeleteAsync(World.Point(_copies, $"c{hour - 48}")));
            TimeSpan next = TimeSpan.FromHours(hour + 2);
            if (hour >= 24 && (hour - 24) % 24 != 0)
                await EndsAsync($"delete p{hour - 24}", await Arm.DeleteAsync(World.Point(_source, $"p{hour - 24}")), next);
            else
                await AdvanceToAsync(next);
        }

        private async Task EndAsync()
        {
            ArmResponse last = (await Arm.GetAsync(World.Point(_copies, $"c{Hours - 1}"))).Expect(200);
            await EndsAsync("restored", await Arm.PutAsync(_world.Disk("restored"), World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{DiskPoint(last, 1)}\"", location: CopyWorld.Target)));
            string hash = await HashAsync(_world.Disk("restored"));
            hash.ShouldBe(await HashAsync(DiskPoint((await Arm.GetAsync(World.Point(_source, $"p{Hours - 1}"))).Expect(200), 1)), "the last copy is the last point");
            Add($"restored {hash}");
            foreach (string collection in (string[])[_source, _copies])
                Add(string.Join(' ', (await Arm.GetAsync(collection, "$expand=restorePoints")).Expect(200).Node("properties.restorePoints")!.AsArray().Select(point => point!["name"])));
            _results.AddRange((await Arm.CallAsync(HttpMethod.Get, "journal")).Expect(200).Node("value")!.AsArray()
                .GroupBy(entry => $"{entry!["operation"]} {entry["status"]}").OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => $"{group.Key}: {group.Count()}"));
        }

        private async Task WriteAsync()
        {
            for (int writes = _random.Next(1, 5); writes > 0; writes--)
            {
                int disk = _random.Next(2), offset = _random.Next(UsedBytes / 512 - 64) * 512;
                if (_random.Next(5) == 0)
                    await _guests[disk].ClearAsync(_live[disk], offset, 512 * _random.Next(1, 64));
                else
                    await _guests[disk].WriteAsync(_live[disk], offset, World.Noise(_random.Next(), 512 * _random.Next(1, 64)));
            }
        }

        /// <summary>What a backup product does: the difference to the point of an hour ago, applied to its copy of that. The SAS of the hour before that has expired.</summary>
        private async Task ReadIncrementAsync(int hour, ArmResponse point)
        {
            _sas[hour] = await SasAsync(point);
            for (int disk = 0; disk < 2; disk++)
            {
                RawBlob blob = new(_http, _sas[hour][disk]);
                IReadOnlyList<BlobRange> changes = hour == 0 ? await blob.PageRangesAsync() : await blob.DiffAsync(_sas[hour - 1][disk]);
                foreach (BlobRange change in changes.Where(change => change.Offset < UsedBytes))
                {
                    if (change.Clear)
                        _backup[disk].AsSpan((int)change.Offset, (int)change.Length).Clear();
                    else
                        (await blob.ReadAsync(change.Offset, change.Length)).CopyTo(_backup[disk], (int)change.Offset);
                }
                _backup[disk].AsSpan().SequenceEqual(_live[disk]).ShouldBeTrue($"disk {disk} of hour {hour}");
                Add($"disk {disk}: {string.Join(' ', changes.Select(change => $"{change.Offset}-{change.End}{(change.Clear ? " clear" : "")}"))} {Convert.ToHexStringLower(SHA256.HashData(_backup[disk]))}");
            }
            if (hour < 2)
                return;
            using HttpResponseMessage expired = await new RawBlob(_http, _sas[hour - 2][0]).SendAsync(HttpMethod.Head);
            Add($"expired {(int)expired.StatusCode}");
        }

        private async Task CopyAsync(int hour)
        {
            string copy = World.Point(_copies, $"c{hour}");
            ArmResponse accepted = await Arm.PutAsync(copy, CopyWorld.CopyBody(World.Point(_source, $"p{hour}")));
            await AdvanceAsync(TimeSpan.FromSeconds(6));
            await AddCopyAsync(copy);
            await AdvanceAsync(TimeSpan.FromSeconds(59));
            await AddCopyAsync(copy);
            await EndsAsync($"c{hour}", accepted);
            await AddCopyAsync(copy);
            ArmResponse done = (await Arm.GetAsync(copy)).Expect(200);
            string[] sas = await SasAsync(done);
            for (int disk = 0; disk < 2; disk++)
                (await new RawBlob(_http, sas[disk]).ReadAsync(0, UsedBytes)).AsSpan().SequenceEqual(_live[disk]).ShouldBeTrue($"disk {disk} of the copy of hour {hour}");
        }

        private async Task AddCopyAsync(string copy)
        {
            ArmResponse seen = (await Arm.GetAsync(copy, "$expand=instanceView")).Expect(200);
            JsonArray disks = seen.Node("properties.instanceView.diskRestorePoints") as JsonArray ?? [];
            Add($"{seen["name"]} {seen["properties.provisioningState"]} {seen["properties.instanceView.statuses.0.code"]} {string.Join(' ', disks.Select(disk => disk!["replicationStatus"]!["completionPercent"]))}");
        }

        private static string DiskPoint(ArmResponse point, int disk) => disk == 0 ? World.OsDiskPoint(point) : World.DataDiskPoint(point, 0);

        private async Task<string> HashAsync(string resource)
        {
            string hash = await new RawBlob(_http, (await SasAsync([resource]))[0]).ContentHashAsync(DiskBytes);
            await EndsAsync("revoked", await Arm.PostAsync($"{resource}/endGetAccess"));
            return hash;
        }

        /// <summary>Of both disks of a point.</summary>
        private Task<string[]> SasAsync(ArmResponse point) => SasAsync([DiskPoint(point, 0), DiskPoint(point, 1)]);

        /// <summary>For an hour and a half.</summary>
        private async Task<string[]> SasAsync(string[] resources)
        {
            string[] results = new string[resources.Length];
            for (int i = 0; i < resources.Length; i++)
                results[i] = (await Arm.PostAsync($"{resources[i]}/beginGetAccess", """{"access":"Read","durationInSeconds":5400}""")).Expect(202).Header("Location")!;
            await AdvanceAsync(TimeSpan.FromSeconds(1));
            for (int i = 0; i < resources.Length; i++)
                results[i] = (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, results[i]))).Expect(200)["accessSAS"]!;
            return results;
        }

        /// <summary>Adds how a call was answered, and how its operation stands later: after a minute unless told otherwise.</summary>
        private async Task EndsAsync(string what, ArmResponse answer, TimeSpan? later = null)
        {
            string left = answer.Header("x-ms-ratelimit-remaining-resource") ?? "", polled = "";
            if (answer.Header("Azure-AsyncOperation") is { } status)
            {
                await AdvanceAsync(later - _now ?? TimeSpan.FromMinutes(1));
                ArmResponse operation = (await Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, status))).Expect(200);
                polled = $"{operation["status"]} {operation["error.code"]}";
            }
            Add($"{what} {answer.Status} {(answer.Status >= 400 ? answer.ErrorCode : "")} {answer.Header("Retry-After")} {left} {polled}");
        }

        private void Add(string result) => _results.Add(result);

        private async Task AdvanceAsync(TimeSpan by)
        {
            await _http.AdvanceAsync(by);
            _now += by;
        }

        private async Task AdvanceToAsync(TimeSpan time)
        {
            time.ShouldBeGreaterThan(_now);
            await AdvanceAsync(time - _now);
        }
    }
}
