using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using RestorePoints.Emulator.TestControl;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.TestControl;

/// <summary>What a rule may say, and on which calls it fires.</summary>
public sealed class FaultRuleTests(EmulatorFixture fixture)
{
    private static readonly FaultEffect s_lost = new(FaultType.Cut);

    [Theory]
    [InlineData("""[]""", "$")]
    [InlineData("""{}""", "effect")]
    [InlineData("""{"effect":{}}""", "effect.type")]
    [InlineData("""{"effect":{"type":"Explode"}}""", "effect.type")]
    [InlineData("""{"effect":{"type":"0"}}""", "effect.type")]
    [InlineData("""{"effect":{"type":"Cut"},"often":true}""", "often")]
    [InlineData("""{"effect":{"type":"Cut","afterbytes":1}}""", "effect.afterbytes")]
    [InlineData("""{"effect":{"type":"Cut","afterBytes":-1}}""", "effect.afterBytes")]
    [InlineData("""{"effect":{"type":"Cut","percent":1}}""", "effect.percent")]
    [InlineData("""{"effect":{"type":"Error","status":200}}""", "effect.status")]
    [InlineData("""{"effect":{"type":"Error","status":600}}""", "effect.status")]
    [InlineData("""{"effect":{"type":"Error","status":"503"}}""", "effect.status")]
    [InlineData("""{"effect":{"type":"Error","code":"Server Busy"}}""", "effect.code")]
    [InlineData("""{"effect":{"type":"Error","message":"\ud800"}}""", "effect.message")]
    [InlineData("""{"effect":{"type":"Error","retryAfterSeconds":-1}}""", "effect.retryAfterSeconds")]
    [InlineData("""{"effect":{"type":"Delay"}}""", "effect.delayMs")]
    [InlineData("""{"effect":{"type":"Delay","delayMs":1.5}}""", "effect.delayMs")]
    [InlineData("""{"effect":{"type":"StallReplication"}}""", "effect.percent")]
    [InlineData("""{"effect":{"type":"StallReplication","percent":101}}""", "effect.percent")]
    [InlineData("""{"effect":{"type":"Cut"},"match":[]}""", "match")]
    [InlineData("""{"effect":{"type":"Cut"},"match":{"Operation":"GetBlob"}}""", "match.Operation")]
    [InlineData("""{"effect":{"type":"Cut"},"match":{"operation":"Disks_Explode"}}""", "match.operation")]
    [InlineData("""{"effect":{"type":"Cut"},"match":{"operation":"Unsupported"}}""", "match.operation")]
    [InlineData("""{"effect":{"type":"WrongChecksum"},"match":{"operation":"Disks_Get"}}""", "match.operation")]
    [InlineData("""{"effect":{"type":"WrongChecksum"},"match":{"operation":"GetPageRanges"}}""", "match.operation")]
    [InlineData("""{"effect":{"type":"FailOperation"},"match":{"operation":"GetBlob"}}""", "match.operation")]
    [InlineData("""{"effect":{"type":"Cut"},"match":{"method":"GET /"}}""", "match.method")]
    [InlineData("""{"effect":{"type":"Cut"},"match":{"path":"subscriptions/**"}}""", "match.path")]
    [InlineData("""{"effect":{"type":"Cut"},"probability":1.1}""", "probability")]
    [InlineData("""{"effect":{"type":"Cut"},"probability":-0.1}""", "probability")]
    [InlineData("""{"effect":{"type":"Cut"},"probability":"often"}""", "probability")]
    [InlineData("""{"effect":{"type":"Cut"},"nth":0}""", "nth")]
    [InlineData("""{"effect":{"type":"Cut"},"times":0}""", "times")]
    [InlineData("""{"effect":{"type":"Cut"},"seed":0.5}""", "seed")]
    public async Task A_rule_that_is_not_understood_is_refused_and_named(string body, string target)
    {
        ArmResponse answer = (await fixture.NewSubscription().CallAsync(HttpMethod.Post, "faults", body)).Expect(400);
        (answer.ErrorCode, answer["error.target"]).ShouldBe(("InvalidParameter", target), answer.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("""{"effect":{"type":"Cut"},"effect":{"type":"Cut"}}""")]
    public async Task A_body_that_is_no_JSON_is_refused(string body) =>
        (await fixture.NewSubscription().CallAsync(HttpMethod.Post, "faults", body)).Expect(400).ErrorCode.ShouldBe("InvalidRequestContent");

    [Fact]
    public async Task Rules_are_listed_as_they_were_understood_and_deleted()
    {
        RawArm arm = fixture.NewSubscription();
        ArmResponse added = (await arm.CallAsync(HttpMethod.Post, "faults",
            $$$"""{"match":{"operation":"disks_get","method":"get","path":"{{{arm.Subscription}}}/**"},"nth":3,"times":2,"probability":0.5,"seed":7,"effect":{"type":"error","status":429}}""")).Expect(201);
        string id = added["id"]!;
        added.Header("Location").ShouldEndWith($"/emulator/faults/{id}");

        ArmResponse shown = (await arm.CallAsync(HttpMethod.Get, $"faults/{id}")).Expect(200);

        shown.Text.ShouldBe($$$"""{"id":"{{{id}}}","match":{"operation":"Disks_Get","method":"GET","path":"{{{arm.Subscription}}}/**"},"nth":3,"times":2,"probability":0.5,"seed":7,"effect":{"type":"Error","status":429,"code":"TooManyRequests","message":"A fault rule asked for this error."},"fired":0}""");
        (await arm.CallAsync(HttpMethod.Get, "faults")).Expect(200).Node("value")!.AsArray().Select(rule => rule!["id"]!.ToString()).ShouldContain(id);
        (await arm.CallAsync(HttpMethod.Delete, $"faults/{id}")).Expect(204);
        (await arm.CallAsync(HttpMethod.Delete, $"faults/{id}")).Expect(204);
        (await arm.CallAsync(HttpMethod.Get, $"faults/{id}")).Expect(404).ErrorCode.ShouldBe("NotFound");
    }

    [Fact]
    public async Task A_reset_of_a_subscription_ends_the_rules_that_name_it()
    {
        RawArm arm = fixture.NewSubscription(), other = fixture.NewSubscription();
        string mine = await arm.AddFaultAsync("\"type\":\"Cut\""), others = await other.AddFaultAsync("\"type\":\"Cut\"");

        (await arm.CallAsync(HttpMethod.Post, $"reset?subscription={arm.Subscription["/subscriptions/".Length..]}")).Expect(204);

        (await arm.CallAsync(HttpMethod.Get, $"faults/{mine}")).Expect(404);
        (await arm.CallAsync(HttpMethod.Get, $"faults/{others}")).Expect(200);
        (await arm.CallAsync(HttpMethod.Delete, $"faults/{others}")).Expect(204);
    }

    [Theory]
    [InlineData(1, null, "11111")]
    [InlineData(3, null, "00111")]
    [InlineData(2, 1, "01000")]
    [InlineData(1, 2, "11000")]
    public void A_rule_fires_from_the_nth_call_on_and_so_often_as_told(int nth, int? times, string expected)
    {
        var rule = new FaultRule(new FaultMatch(null, null, null), nth, times, 1, 0, s_lost);
        string.Concat(Enumerable.Range(0, 5).Select(_ => rule.Count() ? '1' : '0')).ShouldBe(expected);
        rule.Fired.ShouldBe(expected.Count(call => call == '1'));
    }

    [Fact]
    public void A_seed_gives_the_same_calls_each_time()
    {
        string first = Calls(7, 0.3), again = Calls(7, 0.3);

        again.ShouldBe(first);
        Calls(8, 0.3).ShouldNotBe(first);
        first.Count(call => call == '1').ShouldBeInRange(200, 400);
        Calls(7, 0).ShouldNotContain('1');
        Calls(7, 1).ShouldNotContain('0');

        static string Calls(int seed, double probability)
        {
            var rule = new FaultRule(new FaultMatch(null, null, null), 1, null, probability, seed, s_lost);
            return string.Concat(Enumerable.Range(0, 1000).Select(_ => rule.Count() ? '1' : '0'));
        }
    }

    [Fact]
    public void A_copy_is_stalled_until_its_rule_is_gone_and_counted_once()
    {
        using var clock = new EmulatorClock(TimeProvider.System);
        var faults = new Faults(clock, new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance), NullLogger<Faults>.Instance);
        var rule = new FaultRule(new FaultMatch("RestorePoints_Create", null, PathGlob.Parse("/subscriptions/**")), 2, 1, 1, 0, new FaultEffect(FaultType.StallReplication, Percent: 37));
        faults.Add(rule);
        Guid first = Guid.NewGuid(), second = Guid.NewGuid(), third = Guid.NewGuid();

        int?[] asked = [.. new[] { first, second, third, first, second }.Select(copy => faults.StallPercent(copy, "RestorePoints_Create", "/subscriptions/s/x"))];

        asked.ShouldBe([null, 37, null, null, 37]);
        faults.StallPercent(second, "Snapshots_CreateOrUpdate", "/subscriptions/s/x").ShouldBeNull("another operation");
        rule.Fired.ShouldBe(1);
        faults.Remove(rule.Id);
        faults.StallPercent(second, "RestorePoints_Create", "/subscriptions/s/x").ShouldBeNull();
    }
}
