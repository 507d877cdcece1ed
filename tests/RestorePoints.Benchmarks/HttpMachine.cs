using System.Text;
using System.Text.Json.Nodes;

namespace RestorePoints.Benchmarks;

/// <summary>A machine with one disk in the emulator that is measured, driven by plain ARM calls.</summary>
internal sealed class HttpMachine(Uri server, string name, int gib) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server };
    private readonly string _compute = $"/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/{name}/providers/Microsoft.Compute";

    public Uri Guest { get; private set; } = null!;

    public async Task CreateAsync()
    {
        await ArmAsync("PUT", _compute[.._compute.IndexOf("/providers", StringComparison.Ordinal)], "2021-04-01", """{"location":"westeurope"}""");
        await ArmAsync("PUT", $"{_compute}/disks/disk", "2023-10-02", $$$"""{"location":"westeurope","properties":{"osType":"Linux","creationData":{"createOption":"Empty"},"diskSizeGB":{{{gib}}}}}""");
        await ArmAsync("PUT", $"{_compute}/virtualMachines/vm", "2024-07-01",
            $$$"""{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"osType":"Linux","createOption":"Attach","managedDisk":{"id":"{{{_compute}}}/disks/disk"} } } } }""");
        await ArmAsync("PUT", $"{_compute}/restorePointCollections/c", "2024-07-01", $$$"""{"location":"westeurope","properties":{"source":{"id":"{{{_compute}}}/virtualMachines/vm"} } }""");
        using HttpResponseMessage guest = await _http.PostAsync($"/emulator{_compute}/disks/disk/guestAccess", null);
        Guest = new Uri((await BodyAsync(guest))!["accessSAS"]!.ToString());
    }

    /// <summary>PUT until the operation has succeeded.</summary>
    public Task CreatePointAsync(string point) => ArmAsync("PUT", Point(point), "2024-07-01", "{}");

    public Task DeletePointAsync(string point) => ArmAsync("DELETE", Point(point), "2024-07-01");

    public async Task<Uri> ReadAccessAsync(string point)
    {
        JsonNode resource = (await ArmAsync("GET", Point(point), "2024-07-01"))!;
        string disk = resource["properties"]!["sourceMetadata"]!["storageProfile"]!["osDisk"]!["diskRestorePoint"]!["id"]!.ToString();
        JsonNode operation = (await ArmAsync("POST", $"{disk}/beginGetAccess", "2023-10-02", """{"access":"Read","durationInSeconds":3600}"""))!;
        return new Uri(operation["properties"]!["output"]!["accessSAS"]!.ToString());
    }

    /// <summary>The collection in another region that takes copies of the machine's points.</summary>
    public Task CreateCopiesAsync() =>
        ArmAsync("PUT", $"{_compute}/restorePointCollections/copies", "2024-07-01", $$$"""{"location":"northeurope","properties":{"source":{"id":"{{{_compute}}}/restorePointCollections/c"} } }""");

    /// <summary>PUT until every byte is in the other region.</summary>
    public async Task CopyPointAsync(string point)
    {
        string copy = Point(point, "copies");
        await ArmAsync("PUT", copy, "2024-07-01", $$$"""{"properties":{"sourceRestorePoint":{"id":"{{{Point(point)}}}"} } }""");
        while ((await ArmAsync("GET", copy, "2024-07-01&$expand=instanceView"))!["properties"]!["instanceView"]!["diskRestorePoints"]!.AsArray()
            .Any(disk => disk!["replicationStatus"]!["completionPercent"]!.GetValue<double>() < 100)) ;
    }

    /// <summary>How many points the collection lists.</summary>
    public async Task<int> ListPointsAsync() =>
        (await ArmAsync("GET", $"{_compute}/restorePointCollections/c", "2024-07-01&$expand=restorePoints"))!["properties"]!["restorePoints"]!.AsArray().Count;

    public void Dispose() => _http.Dispose();

    private string Point(string point, string collection = "c") => $"{_compute}/restorePointCollections/{collection}/restorePoints/{point}";

    /// <returns>The body, or the last status body of an operation.</returns>
    private async Task<JsonNode?> ArmAsync(string method, string path, string version, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), $"{path}?api-version={version}");
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await _http.SendAsync(request);
        if (!answer.Headers.TryGetValues("Azure-AsyncOperation", out IEnumerable<string>? operations))
            return await BodyAsync(answer);
        await BodyAsync(answer);
        while (true)
        {
            using HttpResponseMessage poll = await _http.GetAsync(operations.Single());
            JsonNode status = (await BodyAsync(poll))!;
            if (status["status"]!.ToString() == "Succeeded")
                return status;
            if (status["status"]!.ToString() != "InProgress")
                throw new InvalidOperationException($"{method} {path}: {status}");
        }
    }

    private static async Task<JsonNode?> BodyAsync(HttpResponseMessage answer)
    {
        string text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode ? text.Length == 0 ? null : JsonNode.Parse(text) : throw new InvalidOperationException($"{answer.RequestMessage!.RequestUri}: {(int)answer.StatusCode} {text}");
    }
}
