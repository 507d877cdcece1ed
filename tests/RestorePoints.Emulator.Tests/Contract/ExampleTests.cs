using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using RestorePoints.Emulator.Arm;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>
/// Every official example: its request is sent, with subscription, names and sources adapted, and the answer is one of the published statuses with a
/// body of the published schema. Nothing in which the recorded service differs from its documents (restore points without a <c>type</c>, 202 bodies of
/// disks that are not complete, 200 and no body at a Location) breaks a schema, so none is excepted. What cannot be served gets the error that is listed.
/// </summary>
public sealed partial class ExampleTests(EmulatorFixture fixture, ITestOutputHelper output)
{
    /// <summary>Examples that cannot be served, with what they get.</summary>
    private static readonly Dictionary<string, (int Status, string Code)> Refused = new()
    {
        // From where no setting allows; ImportTests serves them.
        ["2020-12-01/CreateAManagedDiskByImportingAnUnmanagedBlobFromADifferentSubscription"] = (400, "InvalidParameter"),
        ["2020-12-01/CreateAManagedDiskByImportingAnUnmanagedBlobFromTheSameSubscription"] = (400, "InvalidParameter"),
        ["2026-03-02/Disk_Create_ByImportingBlobFromTheSameSubscription"] = (400, "InvalidParameter"),
        ["2020-12-01/CreateASnapshotByImportingAnUnmanagedBlobFromADifferentSubscription"] = (400, "InvalidParameter"),
        ["2020-12-01/CreateASnapshotByImportingAnUnmanagedBlobFromTheSameSubscription"] = (400, "InvalidParameter"),
        // Unmanaged disks.
        ["2021-03-01/CreateACustomImageVmFromAnUnmanagedGeneralizedOsImage"] = (501, "NotImplemented"),
        ["2021-03-01/CreateAPlatformImageVmWithUnmanagedOsAndDataDisks"] = (501, "NotImplemented"),
        // Confidential machines.
        ["2023-10-02/Disk_Create_FromUploadPreparedSecure"] = (501, "NotImplemented"),
        // 4096-byte sectors.
        ["2023-10-02/DiskRestorePoint_BeginGetAccess"] = (400, "InvalidParameter"),
        ["2026-03-02/Snapshot_BeginGetAccess"] = (400, "InvalidParameter"),
    };

    /// <summary>Examples without an operationId of their own that no OpenAPI document of ours names.</summary>
    private static readonly Dictionary<string, string> OperationIds = new()
    {
        ["2023-10-02/Disk_EndGetAccess"] = "Disks_RevokeAccess",
        ["2023-10-02/Snapshot_Update"] = "Snapshots_Update",
        ["2024-07-01/RestorePointCollection_CreateOrUpdate_ForCrossRegionCopy"] = "RestorePointCollections_CreateOrUpdate",
        ["2024-07-01/RestorePoint_Copy_BetweenRegions"] = "RestorePoints_Create",
    };

    private static readonly string ExamplesDirectory = Path.Combine(PublishedContract.DataDirectory, "examples");

    public static TheoryData<string> Examples => [.. Directory.GetFiles(ExamplesDirectory, "*.json", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(ExamplesDirectory, file)[..^".json".Length].Replace('\\', '/')).Order(StringComparer.Ordinal)];

    [Fact]
    public void All_examples_are_run()
    {
        string[] examples = [.. Examples.Select(row => row.Data)];
        output.WriteLine($"{examples.Length} examples: {examples.Length - Refused.Count} served, {Refused.Count} refused");
        examples.Length.ShouldBe(109);
        Refused.Keys.Except(examples).ShouldBeEmpty("every listed example exists");
        examples.Select(OperationIdOf).Except(PublishedContract.Operations.Select(operation => operation.Id)).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task An_example_is_served_as_published(string example)
    {
        var world = new ContractWorld(fixture.NewSubscription());
        PublishedOperation operation = PublishedContract.Operation(OperationIdOf(example));
        JsonObject parameters = JsonNode.Parse(Adapt(PublishedContract.Read(Path.Combine(ExamplesDirectory, $"{example}.json"))["parameters"]!.ToJsonString(), world.Arm))!.AsObject();
        JsonObject? body = parameters.Select(parameter => parameter.Value).OfType<JsonObject>().SingleOrDefault();
        if (body?["location"] is { } location)
            world.Location = Regions.Normalize(location.ToString());
        string path = await PrepareAsync(world, operation, parameters, body);
        string? query = parameters["expand"] is { } expand ? $"$expand={expand}" : parameters["forceDeletion"] is { } force ? $"forceDeletion={force}" : null;

        ArmResponse answer = await world.Arm.SendAsync(operation.Method, path, body?.ToJsonString(), query, parameters["api-version"]!.ToString());
        if (Refused.TryGetValue(example, out (int Status, string Code) refused))
        {
            (answer.Status, answer.Status < 400 ? "served: take it off the list" : answer.ErrorCode).ShouldBe((refused.Status, refused.Code), answer.Text);
            return;
        }
        operation.Statuses.ShouldContain(answer.Status, answer.Text);
        Check(operation, answer);
        await FollowAsync(world, operation, path, answer, parameters["api-version"]!.ToString());
    }

    /// <summary>Makes what the request works on and names.</summary>
    /// <returns>The path of the request.</returns>
    private static async Task<string> PrepareAsync(ContractWorld world, PublishedOperation operation, JsonObject parameters, JsonObject? body)
    {
        string path = operation.PathWith(parameters.Where(parameter => parameter.Value is JsonValue).Select(parameter => KeyValuePair.Create(parameter.Key, parameter.Value!.ToString())));
        if (parameters["resourceGroupName"] is { } group)
            await world.GroupAsync(group.ToString());
        string here = world.Location, copiesFrom = "";
        foreach (string id in ContractWorld.IdsIn(body))
        {
            // What is copied is elsewhere.
            bool isCopied = id.Contains("/restorePointCollections/", StringComparison.OrdinalIgnoreCase);
            world.Location = isCopied ? "southindia" : here;
            copiesFrom = isCopied ? id : copiesFrom;
            await world.EnsureAsync(id);
        }
        world.Location = here;

        string resource = RestorePath().Match(path) is { Success: true } below ? below.Value : ActionPath().Replace(path, "");
        if (operation.ResourceType.EndsWith("/diskRestorePoints", StringComparison.Ordinal))
        {
            string point = await world.DiskRestorePointAsync(resource);
            return operation.IsList ? path : path.Replace($"{resource}/diskRestorePoints/{parameters["diskRestorePointName"]}", point);
        }
        if (operation.IsList)
            await world.EnsureAsync($"{await world.GroupAsync("myResourceGroup")}/providers/Microsoft.Compute/{operation.ResourceType}/myResource");
        else if (operation.Method != HttpMethod.Put)
            await world.EnsureAsync(resource);
        else if (operation.Id == "RestorePoints_Create" && copiesFrom.Length > 0)
            await world.PutAsync(CollectionOf(resource), $$$"""{"location":"{{{here}}}","properties":{"source":{"id":"{{{CollectionOf(copiesFrom)}}}"}} }""");
        else if (operation.Id == "RestorePoints_Create")
            await world.EnsureAsync(CollectionOf(resource));
        if (body?["properties"]?["instantAccessDurationMinutes"] is not null)
            (await world.Arm.SendAsync(HttpMethod.Patch, CollectionOf(resource), """{"properties":{"instantAccess":true}}""", apiVersion: "2025-04-01")).Expect(200);
        return path;
    }

    private static string CollectionOf(string restorePoint) => restorePoint[..restorePoint.IndexOf("/restorePoints/", StringComparison.Ordinal)];

    private static void Check(PublishedOperation operation, ArmResponse answer)
    {
        JsonObject? schema = operation.Response(answer.Status);
        answer.HasBody.ShouldBe(schema is not null, answer.Text);
        if (schema is not null)
            Faults(operation, schema, answer.Json).ShouldBeEmpty(answer.Text);
    }

    /// <summary>CopyStart is younger than the document.</summary>
    private static string[] Faults(PublishedOperation operation, JsonObject schema, JsonNode body) =>
        [.. SwaggerSchema.Faults(operation.Swagger, schema, body).Where(fault => !fault.StartsWith("$.properties.creationData.createOption has the value 'CopyStart' ", StringComparison.Ordinal))];

    /// <summary>The end of a long-running operation: success, and a result of the schema that 200 has.</summary>
    private static async Task FollowAsync(ContractWorld world, PublishedOperation operation, string path, ArmResponse accepted, string version)
    {
        if (accepted.Header("Azure-AsyncOperation") is null)
            return;
        (await world.Arm.FinishAsync(accepted))["status"].ShouldBe("Succeeded");
        if (operation.Method == HttpMethod.Delete)
        {
            (await world.Arm.SendAsync(HttpMethod.Get, path, apiVersion: version)).Status.ShouldBe(404);
            return;
        }
        JsonObject? schema = operation.Response(200) ?? operation.Response(accepted.Status);
        ArmResponse result = operation.Method == HttpMethod.Post
            ? await world.Arm.SendAsync(new HttpRequestMessage(HttpMethod.Get, accepted.Header("Location")))
            : await world.Arm.SendAsync(HttpMethod.Get, path, apiVersion: version);
        result.Expect(200).HasBody.ShouldBe(schema is not null, result.Request);
        if (schema is not null)
            Faults(operation, schema, result.Json).ShouldBeEmpty(result.Text);
    }

    private static string OperationIdOf(string example) =>
        PublishedContract.Read(Path.Combine(ExamplesDirectory, $"{example}.json"))["operationId"]?.ToString()
        ?? OperationIds.GetValueOrDefault(example)
        ?? PublishedContract.Operations.Single(operation => (operation.Document["x-ms-examples"] as JsonObject ?? [])
            .Any(reference => reference.Value!["$ref"]!.ToString().EndsWith($"/{example}.json", StringComparison.Ordinal))).Id;

    /// <summary>Our subscription for the example's, ids with a leading slash, placeholders without braces.</summary>
    private static string Adapt(string parameters, RawArm arm)
    {
        string subscription = arm.Subscription["/subscriptions/".Length..];
        string adapted = SubscriptionParameter().Replace(parameters, $"${{1}}{subscription}${{2}}");
        adapted = SubscriptionOfId().Replace(adapted, $"\"/subscriptions/{subscription}/");
        return Placeholder().Replace(adapted, "$1");
    }

    [GeneratedRegex("""("subscriptionId":")[^"]*(")""")]
    private static partial Regex SubscriptionParameter();

    [GeneratedRegex("\"/?subscriptions/[^/]+/", RegexOptions.IgnoreCase)]
    private static partial Regex SubscriptionOfId();

    [GeneratedRegex(@"\{([\w-]+)\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex("^.*/restorePoints/[^/]+")]
    private static partial Regex RestorePath();

    [GeneratedRegex("/(beginGetAccess|endGetAccess|instanceView|start|powerOff|deallocate)$")]
    private static partial Regex ActionPath();
}
