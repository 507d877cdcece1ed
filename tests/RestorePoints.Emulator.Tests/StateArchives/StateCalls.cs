using System.Security.Cryptography;
using RestorePoints.Emulator.Tests.TestControl;

namespace RestorePoints.Emulator.Tests.StateArchives;

/// <summary>Calls of <c>/emulator/state</c>, and what there is of a world to compare.</summary>
internal static class StateCalls
{
    public static async Task<byte[]> ExportAsync(this RawArm arm)
    {
        using HttpResponseMessage answer = await arm.Http.PostAsync("/emulator/state/export", null);
        await RawBlob.ExpectAsync(answer, 200);
        return await answer.Content.ReadAsByteArrayAsync();
    }

    public static Task<ArmResponse> ImportAsync(this RawArm arm, byte[] archive) =>
        arm.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/emulator/state/import") { Content = new ByteArrayContent(archive) });

    public static async Task ResetAsync(this RawArm arm) => (await arm.CallAsync(HttpMethod.Post, "reset")).Expect(204);

    /// <summary>Every resource of a subscription as its list shows it, with the hash of each disk and of each disk of a restore point. Empty: there is none.</summary>
    /// <param name="hashes">False leaves the bytes out.</param>
    public static async Task<string> PrintAsync(this RawArm arm, bool hashes = true)
    {
        List<string> lines = [];
        foreach (string type in (string[])["disks", "snapshots", "virtualMachines", "restorePointCollections"])
        {
            ArmResponse list = (await arm.GetAsync($"{arm.Subscription}/providers/Microsoft.Compute/{type}")).Expect(200);
            foreach (string id in Ids(list, "value"))
            {
                lines.Add((await arm.GetAsync(id, type == "restorePointCollections" ? "$expand=restorePoints" : null)).Expect(200).Text);
                if (hashes && type is ("disks" or "snapshots"))
                    lines.Add(await arm.HashAsync(id));
                if (type == "restorePointCollections")
                    foreach (string point in Ids((await arm.GetAsync(id, "$expand=restorePoints")).Expect(200), "properties.restorePoints"))
                    {
                        lines.Add((await arm.GetAsync(point, "$expand=instanceView")).Expect(200).Text);
                        foreach (string disk in Ids((await arm.GetAsync($"{point}/diskRestorePoints")).Expect(200), "value"))
                            if (hashes)
                                lines.Add(await arm.HashAsync(disk));
                    }
            }
        }
        lines.AddRange(Ids((await arm.GetAsync($"{arm.Subscription}/resourceGroups")).Expect(200), "value"));
        return string.Join('\n', lines);
    }

    public static async Task<string> HashAsync(this RawArm arm, string id)
    {
        using HttpResponseMessage answer = await arm.Http.GetAsync($"/emulator{id}/content", HttpCompletionOption.ResponseHeadersRead);
        await RawBlob.ExpectAsync(answer, 200);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(await answer.Content.ReadAsStreamAsync()));
    }

    private static IEnumerable<string> Ids(ArmResponse answer, string path) =>
        answer.Node(path)?.AsArray().Select(item => item!["id"]!.ToString()) ?? [];
}
