using System.Net.Http.Json;

namespace RestorePoints.Emulator.Tests;

/// <summary>Moves the clock of a server that a test has for itself.</summary>
internal static class ClockCalls
{
    public static async Task AdvanceAsync(this HttpClient http, TimeSpan by) =>
        (await http.PostAsJsonAsync("/emulator/clock/advance", new { by = by.ToString("c") })).EnsureSuccessStatusCode();

    public static async Task FreezeClockAsync(this HttpClient http) => (await http.PostAsync("/emulator/clock/freeze", null)).EnsureSuccessStatusCode();
}
