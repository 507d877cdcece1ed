using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>The checks that the other tests rely on do find faults.</summary>
public sealed class PublishedContractTests
{
    [Theory]
    [InlineData("""{"location":"westus","properties":{"creationData":{"createOption":"Empty"},"osType":"Linux"} }""", null)]
    [InlineData("""{"properties":{"creationData":{"createOption":"Empty"} } }""", "$.location is missing")]
    [InlineData("""{"location":5}""", "$.location is not of the type string")]
    [InlineData("""{"location":"westus","properties":{"creationData":{} } }""", "$.properties.creationData.createOption is missing")]
    [InlineData("""{"location":"westus","properties":{"creationData":{"createOption":"Empty"},"osType":"Plan9"} }""", "$.properties.osType has the value 'Plan9'")]
    [InlineData("""{"location":"westus","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":4294967296} }""", "$.properties.diskSizeGB is not of the type integer int32")]
    [InlineData("""{"location":"westus","properties":{"creationData":{"createOption":"Empty"},"timeCreated":"noon"} }""", "$.properties.timeCreated is not of the type string date-time")]
    [InlineData("""{"location":"westus","zones":[1],"properties":{"creationData":{"createOption":"Empty"} } }""", "$.zones[0] is not of the type string")]
    [InlineData("""{"location":"westus","tags":{"a":null},"properties":null}""", "$.tags.a is null")]
    public void A_body_that_breaks_the_schema_is_found(string body, string? fault)
    {
        PublishedOperation operation = PublishedContract.Operation("Disks_Get");
        string[] faults = [.. SwaggerSchema.Faults(operation.Swagger, operation.Response(200)!, JsonNode.Parse(body))];
        if (fault is null)
            faults.ShouldBeEmpty();
        else
            faults.ShouldContain(line => line.StartsWith(fault));
    }

    [Theory]
    [InlineData("disks", """{"name":"d","tags":{"any":"x"},"properties":{"purchasePlan":{"name":"n"} } }""", "2020-12-01", "")]
    [InlineData("disks", """{"properties":{"purchasePlan":{"name":"n"} } }""", "2020-09-30", "properties.purchasePlan (2020-12-01..)")]
    [InlineData("disks", """{"properties":{"accountType":"Premium_LRS"} }""", "2017-03-30", "properties.accountType (2016-04-30-preview..2016-04-30-preview)")]
    [InlineData("disks", """{"properties":{"invented":1} }""", "2026-03-02", "properties.invented")]
    [InlineData("restorePointCollections", """{"properties":{"restorePoints":[{"properties":{"invented":1} }]} }""", "2026-04-01", "properties.restorePoints[].properties.invented")]
    public void A_property_that_a_version_does_not_know_is_found(string type, string body, string version, string strangers) =>
        string.Join(' ', PublishedContract.Types[type].Strangers(JsonNode.Parse(body), version)).ShouldBe(strangers);
}
