using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.ControlPlane;

/// <summary>Which call returns which status and which headers, and how its operation is polled.</summary>
public sealed partial class AsyncHeaderTests(WalkThrough walk) : IClassFixture<WalkThrough>
{
    [Theory]
    [InlineData("group PUT", 200)]
    [InlineData("group GET", 200)]
    [InlineData("RPC PUT", 201)]
    [InlineData("RPC PUT again", 200)]
    [InlineData("RPC PATCH", 200)]
    public void Synchronous_calls_have_no_polling_headers(string call, int status)
    {
        walk[call].Status.ShouldBe(status, walk[call].Text);
        walk[call].Header("Azure-AsyncOperation").ShouldBeNull();
        walk[call].Header("Location").ShouldBeNull();
        walk[call].Header("Retry-After").ShouldBeNull();
    }

    [Theory]
    [InlineData("RP PUT", 201, "operation", "notifies")]
    [InlineData("VM PUT", 201, "operation", "notifies")]
    [InlineData("VM PATCH", 200, "operation", "notifies")]
    [InlineData("RPC DELETE", 202, "operation location", "notifies")]
    [InlineData("RP DELETE", 202, "operation location", null)]
    [InlineData("VM start", 202, "operation location", "notifies")]
    [InlineData("VM powerOff", 202, "operation location", "notifies")]
    [InlineData("VM deallocate", 202, "operation location", "notifies")]
    [InlineData("VM DELETE", 202, "operation location", "notifies")]
    [InlineData("disk PUT", 202, "operation location", "silent")]
    [InlineData("disk PATCH", 202, "operation location", "silent")]
    [InlineData("disk beginGetAccess", 202, "operation location", "silent")]
    [InlineData("disk endGetAccess", 202, "operation location", "silent")]
    [InlineData("DRP beginGetAccess", 202, "operation location", "silent")]
    [InlineData("DRP endGetAccess", 202, "operation location", "silent")]
    [InlineData("disk DELETE", 202, "operation location", "silent")]
    [InlineData("snapshot PUT", 202, "operation location", "silent")]
    [InlineData("snapshot PATCH", 202, "operation location", "silent")]
    [InlineData("snapshot beginGetAccess", 202, "operation location", "silent")]
    [InlineData("snapshot endGetAccess", 202, "operation location", "silent")]
    [InlineData("snapshot DELETE", 202, "operation location", "silent")]
    [InlineData("group DELETE", 202, "location", "silent")]
    public void Accepting_answers_carry_the_recorded_headers(string call, int status, string headers, string? notification)
    {
        ArmResponse answer = walk[call];
        answer.Status.ShouldBe(status, answer.Text);
        (answer.Header("Azure-AsyncOperation") is not null).ShouldBe(headers.Contains("operation"), "Azure-AsyncOperation");
        (answer.Header("Location") is not null).ShouldBe(headers.Contains("location"), "Location");
        answer.Header("Retry-After").ShouldBe("1", "two SDKs wait 30 seconds without it");
        if (notification is not null)
            answer.Header("Azure-AsyncNotification").ShouldBe(notification == "notifies" ? "Enabled" : null);
    }

    [Theory]
    [InlineData("RPC DELETE")]
    [InlineData("RP DELETE")]
    [InlineData("VM start")]
    [InlineData("VM DELETE")]
    [InlineData("disk beginGetAccess")]
    [InlineData("disk endGetAccess")]
    [InlineData("DRP beginGetAccess")]
    [InlineData("disk DELETE")]
    [InlineData("snapshot beginGetAccess")]
    [InlineData("snapshot endGetAccess")]
    [InlineData("snapshot DELETE")]
    [InlineData("group DELETE")]
    public void Accepted_posts_and_deletes_have_an_empty_body_without_a_type(string call) => ShouldBeEmpty(walk[call]);

    [Theory]
    [InlineData("RP PUT", "operations", "2024-07-01")]
    [InlineData("RP DELETE", "operations", "2024-07-01")]
    [InlineData("RPC DELETE", "operations", "2024-07-01")]
    [InlineData("VM PUT", "operations", "2024-07-01")]
    [InlineData("disk PUT", "DiskOperations", "2023-10-02")]
    [InlineData("disk DELETE", "DiskOperations", "2023-10-02")]
    [InlineData("snapshot PUT", "DiskOperations", "2023-10-02")]
    [InlineData("DRP beginGetAccess", "DiskOperations", "2023-10-02")]
    public void Operation_urls_have_the_recorded_shape(string call, string family, string version)
    {
        ArmResponse answer = walk[call];
        string status = answer.Header("Azure-AsyncOperation")!;
        Match match = OperationUrl().Match(status);
        match.Success.ShouldBeTrue(status);
        status.ShouldStartWith($"{walk.World.Arm.Http.BaseAddress!.GetLeftPart(UriPartial.Authority)}{walk.World.Arm.Subscription}/providers/Microsoft.Compute/locations/westeurope/");
        match.Groups["family"].Value.ShouldBe(family);
        match.Groups["version"].Value.ShouldBe(version);
        answer.Header("x-ms-request-id").ShouldBe(match.Groups["id"].Value, "the request id of an accepting answer is the operation id");
        if (answer.Header("Location") is { } location)
            location.ShouldBe(status.Replace("&api-version", "&monitor=true&api-version"));
    }

    [Theory]
    [InlineData("RP PUT", "startTime endTime status name")]
    [InlineData("RP DELETE", "startTime endTime status name")]
    [InlineData("RPC DELETE", "startTime endTime status name")]
    [InlineData("VM PUT", "startTime endTime status name")]
    [InlineData("disk PUT", "startTime endTime status properties name")]
    [InlineData("disk PATCH", "startTime endTime status properties name")]
    [InlineData("disk beginGetAccess", "startTime endTime status properties name")]
    [InlineData("DRP beginGetAccess", "startTime endTime status properties name")]
    [InlineData("snapshot PUT", "startTime endTime status properties name")]
    [InlineData("snapshot PATCH", "startTime endTime status properties name")]
    [InlineData("snapshot beginGetAccess", "startTime endTime status properties name")]
    [InlineData("snapshot endGetAccess", "startTime endTime status name")]
    [InlineData("snapshot DELETE", "startTime endTime status name")]
    [InlineData("disk endGetAccess", "startTime endTime status name")]
    [InlineData("DRP endGetAccess", "startTime endTime status name")]
    [InlineData("disk DELETE", "startTime endTime status name")]
    public void A_finished_status_body_has_the_recorded_members(string call, string keys)
    {
        ArmResponse poll = walk[$"{call} poll"];
        poll.Status.ShouldBe(200);
        poll.Keys().ShouldBe(keys);
        poll["name"].ShouldBe(walk[call].Header("x-ms-request-id"));
        poll.Header("Retry-After").ShouldBeNull("the operation is finished");
    }

    [Fact]
    public void The_output_of_a_disk_operation_is_the_resource_as_GET_gives_it() =>
        walk["disk PUT poll"].Node("properties.output")!.ToJsonString().ShouldBe(walk["disk GET"].Json.ToJsonString());

    [Fact]
    public void The_output_of_a_snapshot_operation_is_the_resource_as_GET_gives_it()
    {
        walk["incremental PUT poll"].Node("properties.output")!.ToJsonString().ShouldBe(walk["incremental GET"].Json.ToJsonString());
        walk["snapshot PATCH poll"].Node("properties.output")!.ToJsonString().ShouldBe(walk["snapshot GET patched"].Json.ToJsonString());
    }

    [Theory]
    [InlineData("disk beginGetAccess")]
    [InlineData("snapshot beginGetAccess")]
    [InlineData("DRP beginGetAccess")]
    public void A_sas_is_in_both_places(string call)
    {
        walk[$"{call} poll"].Keys("properties.output").ShouldBe("accessSAS");
        walk[$"{call} result"].Status.ShouldBe(200);
        walk[$"{call} result"].Keys().ShouldBe("accessSAS");
        walk[$"{call} result"]["accessSAS"].ShouldBe(walk[$"{call} poll"]["properties.output.accessSAS"]);
    }

    [Theory]
    [InlineData("disk endGetAccess")]
    [InlineData("snapshot endGetAccess")]
    [InlineData("DRP endGetAccess")]
    [InlineData("disk DELETE")]
    [InlineData("snapshot DELETE")]
    [InlineData("RP DELETE")]
    [InlineData("RPC DELETE")]
    [InlineData("group DELETE")]
    public void The_location_of_a_finished_call_without_result_is_200_and_empty(string call)
    {
        ArmResponse result = walk[$"{call} result"];
        result.Status.ShouldBe(200, "204 breaks a client");
        ShouldBeEmpty(result);
    }

    [Fact]
    public void The_deletion_of_a_group_is_polled_at_operationresults() =>
        walk["group DELETE"].Header("Location")!.ShouldContain($"{walk.World.Arm.Subscription}/operationresults/");

    [Fact]
    public void Every_answer_has_the_common_headers()
    {
        foreach ((string call, ArmResponse answer) in walk.Answers)
        {
            answer.Header("Cache-Control").ShouldBe("no-cache", call);
            answer.Header("Pragma").ShouldBe("no-cache", call);
            answer.Header("Expires").ShouldBe("-1", call);
            answer.Header("X-Content-Type-Options").ShouldBe("nosniff", call);
            answer.Header("Date").ShouldNotBeNull(call);
            answer.Header("Content-Length").ShouldBe(answer.Body.Length.ToString(), call);
            Guid.TryParse(answer.Header("x-ms-request-id"), out _).ShouldBeTrue(call);
            Guid.TryParse(answer.Header("x-ms-correlation-request-id"), out _).ShouldBeTrue(call);
            RoutingId().IsMatch(answer.Header("x-ms-routing-request-id") ?? "").ShouldBeTrue($"{call}: {answer.Header("x-ms-routing-request-id")}");
            answer.Header("Strict-Transport-Security").ShouldBeNull("it would upgrade every other application on localhost");
            answer.Header("ETag").ShouldBeNull(call);
        }
    }

    private static void ShouldBeEmpty(ArmResponse answer)
    {
        answer.Body.ShouldBeEmpty();
        answer.Header("Content-Length").ShouldBe("0");
        answer.Header("Content-Type").ShouldBeNull();
    }

    [GeneratedRegex(@"/locations/(?<location>[^/]+)/(?<family>[^/]+)/(?<id>[0-9a-f-]{36})\?p=[0-9a-f-]{36}&api-version=(?<version>[0-9-]+)")]
    private static partial Regex OperationUrl();

    [GeneratedRegex(@"^[A-Z0-9]+:\d{8}T\d{6}Z:[0-9a-f-]{36}$")]
    private static partial Regex RoutingId();
}
