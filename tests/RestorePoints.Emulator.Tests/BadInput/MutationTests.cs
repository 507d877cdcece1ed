using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.BadInput;

/// <summary>
/// Good requests, each damaged at random in one or two places. Many stay good; none may be answered by a failure of the server, by an error
/// without Azure's form, or by touching another subscription.
/// </summary>
public sealed class MutationTests(Canary canary) : IClassFixture<Canary>
{
    private const int Requests = 1500;
    private static readonly string[] Segments = ["", "..", ".", "%20", "a%2Fb", "%zz", "%C3%A4", "name with blank", "null", "0", "-1", "$batch", "a.b.c", "~", "'", "\"", "{0}", "new", "/", "//", "%2F"];
    private static readonly string[] Methods = ["GET", "PUT", "POST", "PATCH", "HEAD", "OPTIONS", "PROPFIND"];
    private static readonly string[] Queries = ["", "?", "?api-version=", "?api-version=2024-07-01&api-version=2023-10-02", "?api-version=0000-00-00", "?api-version=2024-07-01%00", "?$expand=instanceView", "?api-version=2024-07-01&$top=1&$skipToken=AAAA", "?api-version=2024-07-01&$filter=tagName%20eq%20'a'", "?api-version=2024-07-01&$expand=", "?&&==&", "?api-version[]=1"];
    private static readonly string[] Ranges = ["bytes=", "bytes=0-511", "bytes=0-0", "bytes=5-1", "bytes=0-99999999999999999999999", "bytes=--1", "bytes=1024-", "byte=0-511", "bytes=511-1023", "bytes=0-4194303", "=", "bytes 0-511"];
    private static readonly string[] Types = ["application/json", "application/json; charset=utf-16", "text/json", "application/json; charset=nonsense", "*/*"];

    [Fact]
    public async Task No_damaged_request_breaks_the_server_or_touches_another_subscription()
    {
        int seed = Seeds.Choose();
        var random = new Random(seed);
        int refused = 0;
        for (int i = 0; i < Requests; i++)
        {
            bool blob = random.Next(3) == 0;
            using HttpRequestMessage request = blob ? BlobRequest(random) : ArmRequest(random);
            string description = $"seed {seed}, request {i}: {request.Method} {request.RequestUri!.OriginalString} {request.Headers} {(request.Content is null ? "" : Encoding.UTF8.GetString(await request.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)))}";
            using HttpResponseMessage answer = await canary.World.Arm.Http.SendAsync(request, TestContext.Current.CancellationToken);
            string body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            if (answer.StatusCode != HttpStatusCode.NotImplemented || blob)
                ((int)answer.StatusCode).ShouldBeLessThan(500, $"{description}\n{body}");
            else
                body.ShouldContain("\"NotImplemented\"", Case.Sensitive, "a valid request for what the emulator says it does not do");
            if ((int)answer.StatusCode < 400)
                continue;
            refused++;
            if (request.Method == HttpMethod.Head)
                body.ShouldBeEmpty(description);
            else if (blob)
                await Canary.ShouldBeStorageErrorAsync(answer);
            else
                ShouldBeEnvelope(body, $"{description}\n{(int)answer.StatusCode} {body}");
        }
        refused.ShouldBeInRange(Requests / 4, Requests - Requests / 20, $"seed {seed}: some damage must be noticed, and some must be harmless");
        await canary.ShouldBeUnchangedAsync();
        (await canary.World.Arm.GetAsync(canary.Disk)).Expect(200);
    }

    private HttpRequestMessage ArmRequest(Random random)
    {
        World world = canary.World;
        string s = world.Arm.Subscription, locks = "/providers/Microsoft.Authorization/locks", feature = $"{s}/providers/Microsoft.Features/providers/Microsoft.Compute/features/f{random.Next(3)}";
        const string access = """{"access":"Read","durationInSeconds":60}""";
        (string Method, string Path, string? Body)[] operations =
        [
            ("PUT", world.Disk($"new{random.Next(5)}"), World.DiskBody("\"createOption\":\"Empty\"", ",\"diskSizeGB\":1")),
            ("PUT", world.Disk("restored"), World.DiskBody($"\"createOption\":\"Restore\",\"sourceResourceId\":\"{canary.DiskPoint}\"")),
            ("PUT", world.Disk("upload"), World.DiskBody($"\"createOption\":\"Upload\",\"uploadSizeBytes\":{World.UploadBytes + 512}")),
            ("PATCH", canary.FreeDisk, """{"tags":{"a":"b"},"properties":{"diskSizeGB":1}}"""),
            ("GET", world.Disk("os"), null), ("GET", $"{world.Compute}/disks", null), ("GET", $"{s}/providers/Microsoft.Compute/disks", null),
            ("DELETE", world.Disk($"new{random.Next(5)}"), null),
            ("POST", $"{world.Disk("restored")}/beginGetAccess", access), ("POST", $"{world.Disk("restored")}/endGetAccess", null),
            ("PUT", world.Snapshot($"new{random.Next(5)}"), World.SnapshotBody(canary.FreeDisk, ",\"incremental\":true")),
            ("PUT", world.Snapshot($"new{random.Next(5)}"), World.SnapshotBody(canary.ManagedSnapshot)),
            ("PATCH", canary.ManagedSnapshot, """{"tags":{"a":"b"},"sku":{"name":"Standard_LRS"},"properties":{"networkAccessPolicy":"AllowAll"}}"""),
            ("GET", canary.ManagedSnapshot, null), ("GET", $"{world.Compute}/snapshots", null), ("GET", $"{s}/providers/Microsoft.Compute/snapshots", null),
            ("DELETE", world.Snapshot($"new{random.Next(5)}"), null),
            ("POST", $"{canary.ManagedSnapshot}/beginGetAccess", access), ("POST", $"{canary.ManagedSnapshot}/endGetAccess", null),
            ("PUT", world.Vm("vm"), world.VmBody(canary.Disk)), ("PUT", world.Vm("image"), world.ImageVmBody("image")), ("PATCH", world.Vm("image"), """{"tags":{"a":"b"},"properties":{"hardwareProfile":{"vmSize":"x"}}}"""),
            ("GET", world.Vm("vm"), null), ("GET", $"{world.Vm("vm")}/instanceView", null), ("GET", $"{world.Compute}/virtualMachines", null), ("GET", $"{s}/providers/Microsoft.Compute/virtualMachines", null),
            ("POST", $"{world.Vm("image")}/start", null), ("POST", $"{world.Vm("image")}/powerOff", null), ("POST", $"{world.Vm("image")}/deallocate", null), ("DELETE", world.Vm("image"), null),
            ("PUT", world.Collection("c"), $$$"""{"location":"westeurope","tags":{"a":"b"},"properties":{"source":{"id":"{{{canary.Vm}}}"}} }"""),
            ("PUT", world.Collection($"new{random.Next(3)}"), $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{canary.Vm}}}"}} }"""), ("PATCH", world.Collection("c"), """{"tags":{"a":"b"}}"""),
            ("GET", world.Collection("c"), null), ("GET", $"{world.Compute}/restorePointCollections", null), ("GET", $"{s}/providers/Microsoft.Compute/restorePointCollections", null),
            ("DELETE", world.Collection($"new{random.Next(3)}"), null),
            ("PUT", World.Point(canary.Collection, $"new{random.Next(5)}"), $$$"""{"properties":{"excludeDisks":[{"id":"{{{canary.Disk}}}"}],"consistencyMode":"CrashConsistent"}}"""),
            ("PUT", World.Point(canary.Collection, $"new{random.Next(5)}"), "{}"),
            ("GET", canary.Point, null), ("DELETE", World.Point(canary.Collection, $"new{random.Next(5)}"), null),
            ("GET", $"{canary.Point}/diskRestorePoints", null), ("GET", canary.DiskPoint, null), ("POST", $"{canary.DiskPoint}/beginGetAccess", access),
            ("GET", $"{s}/providers/Microsoft.Compute/locations/westeurope/operations/{Guid.Empty}", null), ("GET", $"{s}/providers/Microsoft.Compute/locations/westeurope/DiskOperations/{Guid.Empty}", null),
            ("GET", $"{s}/operationresults/{Guid.Empty}", null),
            ("PUT", $"{s}/resourceGroups/new{random.Next(3)}", """{"location":"westeurope","tags":{"a":"b"}}"""), ("PATCH", $"{s}/resourceGroups/new{random.Next(3)}", """{"tags":{"a":"b"}}"""),
            ("GET", world.Group, null), ("HEAD", world.Group, null), ("GET", $"{s}/resourceGroups", null), ("DELETE", $"{s}/resourceGroups/new{random.Next(3)}", null),
            ("PUT", $"{world.Disk("restored")}{locks}/l{random.Next(3)}", """{"properties":{"level":"CanNotDelete","notes":"n"}}"""), ("GET", $"{world.Group}{locks}", null), ("GET", $"{s}{locks}", null),
            ("GET", $"{world.Disk("restored")}{locks}/l{random.Next(3)}", null), ("DELETE", $"{world.Disk("restored")}{locks}/l{random.Next(3)}", null),
            ("GET", $"{s}/providers/Microsoft.Features/features", null), ("GET", feature, null), ("POST", $"{feature}/register", null), ("POST", $"{feature}/unregister", null),
            ("GET", $"{s}/providers", null), ("GET", $"{s}/providers/Microsoft.Compute", null), ("POST", $"{s}/providers/Microsoft.Compute/register", null), ("GET", "/providers/Microsoft.Compute", null),
            ("GET", $"{world.Group}/resources", null), ("GET", $"{s}/resources", null), ("GET", "/subscriptions", null), ("GET", s, null), ("GET", $"{s}/locations", null), ("GET", "/tenants", null),
        ];
        (string method, string path, string? body) = operations[random.Next(operations.Length)];
        string query = $"?api-version={RawArm.VersionOf(path)}", type = "application/json";
        for (int damage = random.Next(1, 3); damage > 0; damage--)
        {
            switch (random.Next(6))
            {
                case 0:
                    string[] segments = path.Split('/');
                    segments[random.Next(1, segments.Length)] = Uri.EscapeDataString(Segments[random.Next(Segments.Length)]).Replace("%25", "%");
                    path = string.Join('/', segments);
                    break;
                case 1: query = Queries[random.Next(Queries.Length)]; break;
                case 2: method = Methods[random.Next(Methods.Length)]; break;
                case 3 when body is not null: body = DamageText(random, body); break;
                case 4 when body is not null: body = DamageValue(random, body); break;
                default: type = Types[random.Next(Types.Length)]; break;
            }
        }
        var request = new HttpRequestMessage(new HttpMethod(method), Raw(path + query));
        if (body is not null && method is not ("GET" or "HEAD"))
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.Remove("Content-Type");
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }
        return request;
    }

    private HttpRequestMessage BlobRequest(Random random)
    {
        RawBlob blob = random.Next(3) switch { 0 => canary.Guest, 1 => canary.ReadOnly, _ => canary.Snapshot };
        string url = new Uri(blob.Sas).PathAndQuery, method = random.Next(2) == 0 ? "GET" : "PUT";
        string comp = random.Next(4) switch { 0 => "&comp=pagelist", 1 => "", 2 => "&comp=" + Segments[random.Next(Segments.Length - 8)], _ => "&comp=page" };
        if (random.Next(3) == 0)
        {
            int at = random.Next(url.IndexOf('?'), url.Length);
            url = random.Next(2) == 0 ? url.Remove(at, Math.Min(random.Next(1, 10), url.Length - at)) : url.Insert(at, ((char)random.Next('0', 'z')).ToString());
        }
        if (random.Next(6) == 0)
            method = Methods[random.Next(Methods.Length)];
        url = string.Concat((url + comp).Where(character => character is > ' ' and < (char)127 and not ('"' or '<' or '>' or '\\' or '^' or '`' or '{' or '|' or '}' or '#')));
        var request = new HttpRequestMessage(new HttpMethod(method), Raw(url));
        if (random.Next(4) != 0)
            request.Headers.TryAddWithoutValidation(random.Next(4) == 0 ? "Range" : "x-ms-range", Ranges[random.Next(Ranges.Length)]);
        if (random.Next(2) == 0)
            request.Headers.TryAddWithoutValidation("x-ms-page-write", random.Next(3) switch { 0 => "clear", 1 => "update", _ => "" });
        if (random.Next(4) == 0)
            request.Headers.TryAddWithoutValidation("x-ms-version", random.Next(2) == 0 ? "2021-12-02" : "9");
        if (random.Next(6) == 0)
            request.Headers.TryAddWithoutValidation("x-ms-previous-snapshot-url", random.Next(2) == 0 ? canary.Snapshot.Sas : "::");
        if (method == "PUT")
            request.Content = new ByteArrayContent(new byte[random.Next(3) switch { 0 => 0, 1 => 512, _ => random.Next(5000) }]);
        return request;
    }

    private Uri Raw(string pathAndQuery)
    {
        string path = pathAndQuery.StartsWith('/') ? pathAndQuery : "/" + pathAndQuery;
        return new Uri(canary.World.Arm.Http.BaseAddress!.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
    }

    private static string DamageText(Random random, string text)
    {
        int at = random.Next(text.Length), length = Math.Min(random.Next(1, 12), text.Length - at);
        return random.Next(3) switch
        {
            0 => text.Remove(at, length),
            1 => text.Insert(at, text.Substring(at, length)),
            _ => text.Insert(at, ((char)random.Next(1, 300)).ToString()),
        };
    }

    /// <summary>Puts something else in the place of one value.</summary>
    private static string DamageValue(Random random, string text)
    {
        try
        {
            JsonNode node = JsonNode.Parse(text)!;
            while (true)
            {
                JsonObject parent = node switch { JsonObject found => found, JsonArray { Count: > 0 } array when array[0] is JsonObject first => first, _ => [] };
                if (parent.Count == 0)
                    return text;
                string name = parent.ElementAt(random.Next(parent.Count)).Key;
                if (parent[name] is JsonObject or JsonArray && random.Next(3) != 0)
                {
                    node = parent[name]!;
                    continue;
                }
                parent[name] = random.Next(9) switch
                {
                    0 => null,
                    1 => random.Next(-5, 5),
                    2 => "",
                    3 => new string('x', 10_000),
                    4 => new JsonArray(),
                    5 => new JsonObject(),
                    6 => true,
                    7 => double.MaxValue,
                    _ => "/subscriptions/" + Guid.Empty.ToString("D", CultureInfo.InvariantCulture),
                };
                return parent.Root.ToJsonString();
            }
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static void ShouldBeEnvelope(string body, string description)
    {
        JsonNode? error = null;
        try
        {
            error = JsonNode.Parse(body)?["error"];
        }
        catch (JsonException)
        {
        }
        string.IsNullOrEmpty((string?)error?["code"]).ShouldBeFalse(description);
        string.IsNullOrEmpty((string?)error?["message"]).ShouldBeFalse(description);
    }
}
