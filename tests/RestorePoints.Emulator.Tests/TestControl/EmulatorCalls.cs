using System.Text;
using System.Text.Json.Nodes;

namespace RestorePoints.Emulator.Tests.TestControl;

/// <summary>Calls below /emulator.</summary>
internal static class EmulatorCalls
{
    public static Task<ArmResponse> CallAsync(this RawArm arm, HttpMethod method, string path, string? json = null)
    {
        var request = new HttpRequestMessage(method, $"/emulator/{path}");
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        return arm.SendAsync(request);
    }

    /// <returns>The id of the new rule.</returns>
    /// <param name="match">Members of the match besides the path.</param>
    /// <param name="path">null: all below the subscription.</param>
    public static async Task<string> AddFaultAsync(this RawArm arm, string effect, string match = "", string more = "", string? path = null) =>
        (await arm.CallAsync(HttpMethod.Post, "faults", $"{{\"match\":{{\"path\":\"{path ?? arm.Subscription + "/**"}\"{match}}},\"effect\":{{{effect}}}{more}}}")).Expect(201)["id"]!;

    /// <summary>A rule on the blob behind a SAS.</summary>
    public static Task<string> AddBlobFaultAsync(this RawArm arm, string sas, string effect, string match = "", string more = "") =>
        arm.AddFaultAsync(effect, match, more, new Uri(sas).AbsolutePath);

    public static async Task<int> FiredAsync(this RawArm arm, string id) =>
        (await arm.CallAsync(HttpMethod.Get, $"faults/{id}")).Expect(200).Node("fired")!.GetValue<int>();

    /// <summary>What the journal has of this subscription, or of a path.</summary>
    public static async Task<List<JsonObject>> JournalAsync(this RawArm arm, string? path = null, string more = "") =>
        [.. (await arm.CallAsync(HttpMethod.Get, $"journal?path={path ?? arm.Subscription + "/**"}{more}")).Expect(200).Node("value")!.AsArray().Select(entry => entry!.AsObject())];

    public static string? Text(this JsonObject entry, string name) => entry[name]?.ToString();
}
