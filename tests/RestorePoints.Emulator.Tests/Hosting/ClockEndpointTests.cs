using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using RestorePoints.Emulator.Hosting;
using RestorePoints.Emulator.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Hosting;

public sealed class ClockEndpointTests(SharedFrontDoor shared) : IClassFixture<SharedFrontDoor>, IDisposable
{
    private readonly TemporaryDirectory _temp = new();
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("1.02:00:00", 26)]
    [InlineData("P1DT2H", 26)]
    [InlineData("00:00:00", 0)]
    [InlineData("PT90M", 1.5)]
    public async Task Advance_takes_both_forms_of_duration(string by, double hours)
    {
        FrontDoor door = shared.Door;
        using var client = new HttpClient { BaseAddress = door.Http };
        await door.Services.GetRequiredService<ClockControl>().ResetAsync(Cancel);
        DateTimeOffset before = TimeProvider.System.GetUtcNow();

        JsonElement answer = await PostAsync(client, "advance", new { by });

        answer.GetProperty("offset").GetString().ShouldBe(TimeSpan.FromHours(hours).ToString("c"));
        answer.GetProperty("utcNow").GetString()!.ShouldEndWith("Z");
        answer.GetProperty("utcNow").GetDateTimeOffset().ShouldBeInRange(before.AddHours(hours), TimeProvider.System.GetUtcNow().AddHours(hours));
        door.Services.GetRequiredService<TimeProvider>().GetUtcNow().ShouldBeGreaterThanOrEqualTo(before.AddHours(hours));
    }

    [Theory]
    [InlineData("""{"by":"-01:00:00"}""")]
    [InlineData("""{"by":"soon"}""")]
    [InlineData("""{"by":"-PT1H"}""")]
    [InlineData("""{"by":"P9000Y"}""")]
    [InlineData("""{"by":"P99999999999Y"}""")]
    [InlineData("""{"by":""}""")]
    [InlineData("""{"by":null}""")]
    [InlineData("{}")]
    public async Task A_duration_that_is_none_is_refused(string body)
    {
        FrontDoor door = shared.Door;
        using var client = new HttpClient { BaseAddress = door.Http };
        ClockState before = door.Services.GetRequiredService<EmulatorClock>().State;
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");

        using HttpResponseMessage answer = await client.PostAsync(new Uri("/emulator/clock/advance", UriKind.Relative), content, Cancel);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        JsonElement error = (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("error");
        error.GetProperty("code").GetString().ShouldBe("InvalidParameter");
        error.GetProperty("target").GetString().ShouldBe("by");
        door.Services.GetRequiredService<EmulatorClock>().State.ShouldBe(before);
    }

    [Fact]
    public async Task Offset_and_freeze_survive_a_restart_and_end_with_a_reset()
    {
        JsonElement frozen;
        await using (FrontDoor door = await FrontDoor.StartAsync(_temp.Path))
        {
            using var client = new HttpClient { BaseAddress = door.Http };
            await PostAsync(client, "advance", new { by = "10.00:00:00" });
            await PostAsync(client, "freeze");
            frozen = await PostAsync(client, "advance", new { by = "01:00:00" });
        }
        await using (FrontDoor door = await FrontDoor.StartAsync(_temp.Path))
        {
            using var client = new HttpClient { BaseAddress = door.Http };
            JsonElement later = await client.GetFromJsonAsync<JsonElement>("/emulator/clock", Cancel);
            later.GetRawText().ShouldBe(frozen.GetRawText());
            later.GetProperty("offset").GetString().ShouldBe("10.01:00:00");
            later.GetProperty("frozen").GetBoolean().ShouldBeTrue();

            (await PostAsync(client, "resume")).GetProperty("frozen").GetBoolean().ShouldBeFalse();
            door.Services.GetRequiredService<TimeProvider>().GetUtcNow().ShouldBeGreaterThan(frozen.GetProperty("utcNow").GetDateTimeOffset());
            await door.Services.GetRequiredService<ClockControl>().ResetAsync(Cancel);
        }
        await using (FrontDoor door = await FrontDoor.StartAsync(_temp.Path))
            door.Services.GetRequiredService<EmulatorClock>().State.ShouldBe(default);
    }

    [Fact]
    public async Task Timers_of_the_time_provider_have_run_when_advance_answers()
    {
        FrontDoor door = shared.Door;
        using var client = new HttpClient { BaseAddress = door.Http };
        Task delay = Task.Delay(TimeSpan.FromDays(30), door.Services.GetRequiredService<TimeProvider>(), Cancel);

        await PostAsync(client, "advance", new { by = "30.00:00:00" });

        delay.IsCompletedSuccessfully.ShouldBeTrue();
    }

    [Fact]
    public async Task Health_says_what_runs_where()
    {
        FrontDoor door = shared.Door;
        using var client = new HttpClient { BaseAddress = door.Http };

        JsonElement health = await client.GetFromJsonAsync<JsonElement>("/emulator/health", Cancel);

        health.GetProperty("status").GetString().ShouldBe("Healthy");
        health.GetProperty("version").GetString().ShouldNotBeNullOrEmpty();
        health.GetProperty("profile").GetString().ShouldBe("Fast");
        health.GetProperty("dataDirectory").GetString().ShouldBe(door.Services.GetRequiredService<DataDirectoryLock>().Path);
    }

    private static async Task<JsonElement> PostAsync(HttpClient client, string what, object? body = null)
    {
        using HttpResponseMessage answer = await client.PostAsJsonAsync($"/emulator/clock/{what}", body ?? new { }, Cancel);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel);
    }

    public void Dispose() => _temp.Dispose();
}
