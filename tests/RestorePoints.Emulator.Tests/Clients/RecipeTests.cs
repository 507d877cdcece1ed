using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Clients;

/// <summary>What the pages for users show beside the recipes of Azure's clients: shell code, requests for editors, the Postman collection.</summary>
public sealed class RecipeTests(EmulatorFixture fixture) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Guid _subscription = Guid.NewGuid();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_session_of_the_README_runs()
    {
        SkipWithout("bash", "curl", "jq");
        string session = Recipe.At(fixture.Emulator, Recipe.Read("README.md", "A first session", "sh")).Replace(SubscriptionOptions.DefaultId.ToString(), _subscription.ToString());

        string output = await ClientProgram.ShellAsync(session, _directory.Path);

        output.ShouldContain("<PageRange><Start>1048576</Start>");
        output.ShouldEndWith("BBBBBBBB");
    }

    [Fact]
    public async Task Curl_gets_a_token_and_is_served_over_TLS()
    {
        SkipWithout("bash", "curl", "jq");
        string output = await ClientProgram.ShellAsync(Recipe.ShellFor(fixture.Emulator, _subscription, "curl"), _directory.Path);
        ((string?)JsonNode.Parse(output)!["value"]![0]!["subscriptionId"]).ShouldBe(SubscriptionOptions.DefaultId.ToString());
    }

    [Fact]
    public async Task A_whole_machine_is_restored()
    {
        SkipWithout("bash", "curl", "jq");
        World world = await World.CreateAsync(new RawArm(fixture.Http, _subscription));
        byte[] content = World.Noise(1, 4096);
        string data = await world.EmptyDiskAsync("data", gib: 2);
        await world.PointAsync(await world.CollectionAsync("backup", await world.VmAsync("vm", await world.EmptyDiskAsync("os"), data)), "empty");
        await (await world.GuestAsync(data)).WriteAsync(0, content);
        await world.PointAsync(world.Collection("backup"), "two");

        await ClientProgram.ShellAsync(Recipe.For(fixture.Emulator, _subscription, "Restoring a whole machine", "sh").Replace("resourceGroups/first", "resourceGroups/backup-test", StringComparison.Ordinal), _directory.Path);

        // Behind the machine's own operation.
        await world.Arm.SucceedAsync(world.Arm.PatchAsync(world.Vm("back"), """{"tags":{"restored":"yes"}}"""));
        ArmResponse machine = (await world.Arm.GetAsync(world.Vm("back"))).Expect(200);
        machine["properties.storageProfile.osDisk.name"].ShouldBe("os-back");
        (await (await world.GuestAsync(machine["properties.storageProfile.dataDisks.0.managedDisk.id"]!)).ReadAsync(0, content.Length)).ShouldBe(content);
    }

    [Fact]
    public async Task A_test_removes_its_own_subscription_and_nothing_else()
    {
        SkipWithout("bash", "curl");
        World other = await World.CreateAsync(fixture);
        string output = await ClientProgram.ShellAsync(Recipe.For(fixture.Emulator, _subscription, "Tests side by side", "sh") + "echo; echo $SUBSCRIPTION", _directory.Path);

        var used = new RawArm(fixture.Http, Guid.Parse(output.Trim().Split('\n')[^1]));
        output.ShouldContain($"\"id\": \"{used.Subscription}/resourceGroups/test\"");
        (await used.GetAsync($"{used.Subscription}/resourceGroups/test")).Expect(404);
        (await other.Arm.GetAsync(other.Group)).Expect(200);
    }

    [Fact]
    public async Task A_job_of_CI_starts_the_emulator_and_waits_for_it()
    {
        SkipWithout("bash", "curl");
        string port = FreePort();
        string recipe = Recipe.Read("docs/clients.md", "In CI", "sh")
            .Replace("dotnet run --project src/RestorePoints.Emulator --", $"dotnet {EmulatorProcess.ServerAssembly()}", StringComparison.Ordinal)
            .Replace("/tmp/restorepoints", _directory.File("data"), StringComparison.Ordinal)
            .Replace("http://127.0.0.1:11000", $"http://127.0.0.1:{port}", StringComparison.Ordinal);

        string output = await ClientProgram.ShellAsync($"trap 'kill %1; wait' EXIT\n{recipe}", _directory.Path,
            new Dictionary<string, string> { ["Emulator__HttpPort"] = port, ["Emulator__HttpsPort"] = "0" });

        ((string?)JsonNode.Parse(output)!["status"]).ShouldBe("Healthy");
    }

    [Fact]
    public async Task The_requests_for_editors_succeed_in_their_order()
    {
        string file = await File.ReadAllTextAsync(Repository.File("docs", "requests", "first-session.http"), Stop);
        var variables = new Dictionary<string, string>();
        foreach (Match variable in Regex.Matches(file, @"^@(\w+) = (.+)$", RegexOptions.Multiline))
            variables[variable.Groups[1].Value] = Resolve(variable.Groups[2].Value);
        variables["base"].ShouldBe("http://127.0.0.1:11000");
        var arm = new RawArm(fixture.Http, _subscription);

        string[] requests = [.. Regex.Split(file, "^###.*\n", RegexOptions.Multiline).Skip(1)];
        foreach (string text in requests)
        {
            Match request = Regex.Match(Resolve(text).Trim(), @"^(?<method>[A-Z]+) http://127\.0\.0\.1:11000(?<target>\S+)(\nContent-Type: (?<type>\S+)\n\n(?<body>.+))?$", RegexOptions.Singleline);
            request.Success.ShouldBeTrue(text);
            var message = new HttpRequestMessage(new HttpMethod(request.Groups["method"].Value), request.Groups["target"].Value.Replace(SubscriptionOptions.DefaultId.ToString(), _subscription.ToString()));
            if (request.Groups["body"].Success)
                message.Content = new StringContent(request.Groups["body"].Value.Replace(SubscriptionOptions.DefaultId.ToString(), _subscription.ToString()), new System.Net.Http.Headers.MediaTypeHeaderValue(request.Groups["type"].Value));
            ArmResponse response = (await arm.SendAsync(message)).Expect(200, 201, 202, 204);
            ArmResponse final = await arm.FinishAsync(response);
            if (final != response && final.HasBody)
                final["status"].ShouldBe("Succeeded", text);
        }
        requests.Length.ShouldBeGreaterThan(10);

        string Resolve(string text) => Regex.Replace(text, @"\{\{(\w+)\}\}", variable => variables[variable.Groups[1].Value]);
    }

    [Fact]
    public async Task The_Postman_collection_runs_from_top_to_bottom()
    {
        JavaScriptPackages.SkipWhenMissing();
        JavaScriptPackages.LinkInto(_directory);
        string collection = await File.ReadAllTextAsync(Repository.File("docs", "requests", "first-session.postman_collection.json"), Stop);
        collection = Recipe.At(fixture.Emulator, collection).Replace(SubscriptionOptions.DefaultId.ToString(), _subscription.ToString());
        await File.WriteAllTextAsync(_directory.File("collection.json"), collection, Stop);

        string output = await ClientProgram.ShellAsync("node_modules/.bin/newman run collection.json --color off", _directory.Path);

        string[] requests = [.. JsonNode.Parse(collection)!["item"]!.AsArray().Select(item => (string)item!["name"]!)];
        requests.ShouldBeUnique("a request that repeats itself does so by its name");
        foreach (string request in requests)
            output.ShouldContain($"→ {request}\n");
    }

    private static void SkipWithout(params string[] programs)
    {
        foreach (string program in programs)
            Assert.SkipUnless(ClientProgram.Exists(program), $"{program} is missing: install it with your system's package manager");
    }

    private static string FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }

    public void Dispose() => _directory.Dispose();
}
