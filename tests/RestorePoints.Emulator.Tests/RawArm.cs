using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;

namespace RestorePoints.Emulator.Tests;

/// <summary>Calls Azure Resource Manager as plain HTTP, in one subscription, and keeps every byte and header of the answers.</summary>
public sealed class RawArm(HttpClient http, Guid subscription)
{
    public const string ComputeVersion = "2024-07-01";
    public const string DiskVersion = "2023-10-02";
    public const string GroupVersion = "2021-04-01";
    private static readonly TimeSpan OperationLimit = TimeSpan.FromSeconds(60);

    public HttpClient Http { get; } = http;

    public string Subscription { get; } = $"/subscriptions/{subscription}";

    public Task<ArmResponse> GetAsync(string path, string? query = null) => SendAsync(HttpMethod.Get, path, query: query);

    public Task<ArmResponse> PutAsync(string path, string json) => SendAsync(HttpMethod.Put, path, json);

    public Task<ArmResponse> PatchAsync(string path, string json) => SendAsync(HttpMethod.Patch, path, json);

    public Task<ArmResponse> PostAsync(string path, string? json = null) => SendAsync(HttpMethod.Post, path, json);

    public Task<ArmResponse> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    /// <param name="path">Below the server; the api-version is that of its resource type unless <paramref name="apiVersion"/> says another.</param>
    /// <param name="query">Further query items, before the api-version: <c>$expand=instanceView</c>.</param>
    public Task<ArmResponse> SendAsync(HttpMethod method, string path, string? json = null, string? query = null, string? apiVersion = null)
    {
        var request = new HttpRequestMessage(method, $"{path}?{(query is null ? "" : query + "&")}api-version={apiVersion ?? VersionOf(path)}");
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        return SendAsync(request);
    }

    public async Task<ArmResponse> SendAsync(HttpRequestMessage request)
    {
        using (request)
        {
            using HttpResponseMessage response = await Http.SendAsync(request);
            return new ArmResponse(
                $"{request.Method} {request.RequestUri}",
                (int)response.StatusCode,
                response.Headers.Concat(response.Content.Headers).ToLookup(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase),
                await response.Content.ReadAsByteArrayAsync());
        }
    }

    /// <summary>Follows a call to its end, which must be success, and gives the final status body.</summary>
    public async Task<ArmResponse> SucceedAsync(Task<ArmResponse> call)
    {
        ArmResponse accepted = (await call).Expect(200, 201, 202);
        ArmResponse final = await FinishAsync(accepted);
        if (final != accepted && final.HasBody && final["status"] is { } status && status != "Succeeded")
            throw new InvalidOperationException($"{accepted.Request} ended {status}: {final.Text}");
        return final;
    }

    /// <summary>
    /// Follows the headers of an accepting answer until the operation has ended and gives the last poll; the answer itself when there
    /// is nothing to follow. Never pauses: a status call waits at the server, up to 100 ms.
    /// </summary>
    public async Task<ArmResponse> FinishAsync(ArmResponse accepted)
    {
        string? status = accepted.Header("Azure-AsyncOperation"), location = accepted.Header("Location");
        if (status is null && location is null)
            return accepted;
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            ArmResponse poll = await SendAsync(new HttpRequestMessage(HttpMethod.Get, status ?? location));
            bool running = status is null ? poll.Status == 202 : poll.Expect(200)["status"] == "InProgress";
            if (!running)
                return poll;
            if (Stopwatch.GetElapsedTime(started) > OperationLimit)
                throw new TimeoutException($"{accepted.Request} is still running after {OperationLimit.TotalSeconds} s: {poll.Text}");
        }
    }

    /// <summary>beginGetAccess to its end.</summary>
    /// <returns>The SAS, as the Location URL gives it.</returns>
    public async Task<string> GrantAsync(string path, string access = "Read", int seconds = 3600)
    {
        ArmResponse accepted = (await PostAsync($"{path}/beginGetAccess", $$"""{"access":"{{access}}","durationInSeconds":{{seconds}}}""")).Expect(202);
        ArmResponse final = await FinishAsync(accepted);
        if (final["status"] != "Succeeded")
            throw new InvalidOperationException($"{accepted.Request} ended: {final.Text}");
        ArmResponse location = await SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Location")));
        return location.Expect(200)["accessSAS"] ?? throw new InvalidOperationException($"No accessSAS: {location.Text}");
    }

    public Task RevokeAsync(string path) => SucceedAsync(PostAsync($"{path}/endGetAccess"));

    /// <summary>The emulator's read-write URL of a live disk, for playing the guest.</summary>
    public async Task<string> GuestAccessAsync(string disk) =>
        (await SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/emulator{disk}/guestAccess"))).Expect(200)["accessSAS"]!;

    public static string VersionOf(string path) =>
        path.Contains("/disks", StringComparison.OrdinalIgnoreCase) || path.Contains("/snapshots", StringComparison.OrdinalIgnoreCase) || path.Contains("/diskRestorePoints", StringComparison.OrdinalIgnoreCase) ? DiskVersion
        : path.Contains("/providers/Microsoft.Compute", StringComparison.OrdinalIgnoreCase) ? ComputeVersion
        : GroupVersion;
}
