using System.Reflection;
using System.Text;
using Microsoft.AspNetCore.Mvc;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>The tables of docs/arm-coverage.md are made from the controllers. <c>RESTOREPOINTS_REWRITE=1</c> writes them again; the rest of the page is written by hand.</summary>
public sealed class CoveragePageTests(EmulatorFixture fixture)
{
    private const string Begin = "<!-- generated: begin -->\n", End = "<!-- generated: end -->\n";

    /// <summary>Published operations of 2026 that have nothing to do with restore points.</summary>
    private static readonly (string Id, string Path)[] NotInOurDocuments =
    [
        ("Disks_ClaimResource", "disks/{diskName}/claimResource"),
        ("Disks_UnclaimResource", "disks/{diskName}/unclaimResource"),
        ("Snapshots_UpdateImmutabilityPolicy", "snapshots/{snapshotName}/updateImmutabilityPolicy"),
        ("Snapshots_UpdateImmutabilityPolicyLock", "snapshots/{snapshotName}/updateImmutabilityPolicyLock"),
    ];

    [Fact]
    public void The_page_is_that_of_the_code()
    {
        string file = Path.Combine(PublishedContract.Root, "docs", "arm-coverage.md");
        string page = File.ReadAllText(file);
        int begin = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, end = page.IndexOf(End, StringComparison.Ordinal);
        begin.ShouldBeGreaterThan(Begin.Length);
        end.ShouldBeGreaterThanOrEqualTo(begin);
        GeneratedFile.ShouldBe(file, page[..begin] + Generate() + page[end..]);
    }

    [Fact]
    public async Task An_operation_that_the_page_calls_unserved_answers_its_error()
    {
        World world = await World.CreateAsync(fixture);
        foreach ((string id, string path) in NotInOurDocuments)
        {
            ArmResponse answer = await world.Arm.SendAsync(HttpMethod.Post, $"{world.Compute}/{path.Replace("{", "").Replace("}", "")}", "{}", apiVersion: "2026-03-02");
            answer.Status.ShouldBe(404, id);
            answer.ErrorCode.ShouldBe("InvalidResourceType", id);
        }
    }

    private static string Generate()
    {
        var page = new StringBuilder();
        page.Append($"{PublishedContract.Operations.Count} operations of the public OpenAPI documents, {PublishedContract.Operations.Count(operation => ServedOperations.Contains(operation.Id))} of them served. Paths are below `/subscriptions/{{subscriptionId}}`;\n");
        page.Append("`{rg}` stands for `resourceGroups/{resourceGroupName}/providers/Microsoft.Compute`, `{sub}` for `providers/Microsoft.Compute`.\n");
        foreach (IGrouping<string, PublishedOperation> type in PublishedContract.Operations.GroupBy(operation => operation.ResourceType).OrderBy(type => type.Key, StringComparer.Ordinal))
        {
            IReadOnlyList<string> versions = PublishedContract.Versions[type.Key];
            page.Append($"\n### {type.Key}\n\nPublished api-versions: {versions.Count}, {Range(versions)}.\n\n| operation | request | served in | other published versions |\n|---|---|---|---|\n");
            foreach (PublishedOperation operation in type)
                page.Append($"| {operation.Id} | `{operation.Method} {Shorten(operation.Path)}` | {Served(operation.Id, versions)} |\n");
            foreach ((string id, string path) in NotInOurDocuments.Where(operation => operation.Path.StartsWith(type.Key + "/", StringComparison.Ordinal)))
                page.Append($"| {id} | `POST {{rg}}/{path}` | – | 404 `InvalidResourceType` |\n");
        }
        page.Append("\n### Beside the published operations of compute\n\n| request | api-versions |\n|---|---|\n");
        IEnumerable<(string Method, string Route, ServedAction Action)> others = ServedOperations.All.Where(action => action.Operation is null)
            .SelectMany(action => RoutesOf(action).Select(route => (action.Verb.HttpMethods.First(), route, action)));
        foreach (var route in others.GroupBy(other => other.Route).OrderBy(route => route.Key, StringComparer.Ordinal))
        {
            IReadOnlyList<string> versions = route.First().Action.ServedVersions;
            page.Append($"| `{string.Join(", ", route.Select(other => other.Method).Order(StringComparer.Ordinal))} {route.Key}` | {(versions.Count == 0 ? "any well-formed one" : $"{versions.Count}, {Range(versions)}")} |\n");
        }
        return page.ToString();
    }

    private static string Served(string operationId, IReadOnlyList<string> published)
    {
        if (ServedOperations.Find(operationId) is not { } action)
            return "– | 404 `InvalidResourceType`";
        string[] others = [.. published.Except(action.ServedVersions)];
        return $"{Range(action.ServedVersions)} | {(others.Length == 0 ? "" : $"{Range(others)}: 400 `BadRequest`")}";
    }

    private static string Range(IReadOnlyList<string> versions) => versions.Count == 1 ? versions[0] : $"{versions[0]} to {versions[^1]}";

    private static IEnumerable<string> RoutesOf(ServedAction action) => action.Controller.GetCustomAttributes<RouteAttribute>().Select(route => (string?)route.Template).DefaultIfEmpty()
        .Select(template => string.Join('/', new[] { template, action.Verb.Template }.Where(part => part is not null)));

    private static string Shorten(string path) => path
        .Replace("/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Compute", "{rg}")
        .Replace("/subscriptions/{subscriptionId}/providers/Microsoft.Compute", "{sub}");
}
