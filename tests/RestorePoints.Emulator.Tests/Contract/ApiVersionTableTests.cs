using System.Collections;
using System.ComponentModel;
using System.Reflection;
using System.Text.RegularExpressions;
using RestorePoints.Emulator.Arm;
using RestorePoints.Emulator.Controllers;
using Shouldly;
using Xunit;

namespace RestorePoints.Emulator.Tests.Contract;

/// <summary>The tables in the code are those of the published contract.</summary>
public sealed partial class ApiVersionTableTests
{
    public static TheoryData<Type, string> Models => new()
    {
        { typeof(DiskModel), "disks" },
        { typeof(SnapshotModel), "snapshots" },
        { typeof(RestorePointCollectionModel), "restorePointCollections" },
        { typeof(RestorePointModel), "restorePoints" },
        { typeof(DiskRestorePointModel), "diskRestorePoints" },
    };

    [Fact]
    public void Every_resource_type_has_its_published_versions()
    {
        foreach (IGrouping<string, ServedAction> type in ServedOperations.All.Where(action => PublishedContract.Versions.ContainsKey(action.ResourceType.Type)).GroupBy(action => action.ResourceType.Type))
            type.First().ResourceType.Versions.ShouldBe(PublishedContract.Versions[type.Key], type.Key);
    }

    [Fact]
    public void A_family_has_the_versions_of_its_oldest_type()
    {
        ApiVersions.Of(ApiVersionFamily.Compute).ShouldBe(PublishedContract.Versions["virtualMachines"]);
        ApiVersions.Of(ApiVersionFamily.Disk).ShouldBe(PublishedContract.Versions["disks"]);
    }

    [Fact]
    public void Every_compute_action_is_a_published_operation_with_its_verb_and_its_type()
    {
        foreach (ServedAction action in ServedOperations.All.Where(action => PublishedContract.Versions.ContainsKey(action.ResourceType.Type)))
        {
            string name = $"{action.Controller.Name}.{action.Method.Name}";
            PublishedOperation operation = PublishedContract.Operation((action.Operation ?? throw new ShouldAssertException($"{name} has no OperationId")).Id);
            action.Verb.HttpMethods.ShouldBe([operation.Method.Method], name);
            operation.ResourceType.ShouldBe(action.ResourceType.Type, name);
        }
        ServedOperations.All.Where(action => action.Operation is not null).GroupBy(action => action.Operation!.Id).ShouldAllBe(actions => actions.Count() == 1);
    }

    /// <summary>A model knows a property from its first version to its last, does not read what is read-only, and knows the values.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_has_the_published_properties(Type model, string type)
    {
        var faults = new List<string>();
        string oldest = PublishedContract.Versions.Single(known => known.Key.Split('/')[^1] == type).Value[0];
        int checkedProperties = Compare(model, PublishedContract.Types[type], "", oldest, null, faults);
        faults.ShouldBeEmpty();
        checkedProperties.ShouldBeGreaterThan(5);
    }

    /// <summary><c>RESTOREPOINTS_REWRITE=1</c> writes the tables again.</summary>
    [Theory]
    [InlineData("virtualMachines", "virtualMachines", "")]
    [InlineData("sourceMetadata", "restorePoints", "properties.sourceMetadata.")]
    public void A_table_of_property_versions_is_that_of_the_published_types(string table, string type, string prefix)
    {
        PropertyTable published = PublishedContract.Types[type];
        string oldest = PublishedContract.Versions[type == "restorePoints" ? "restorePointCollections/restorePoints" : type][0];
        string expected = string.Concat(published.Lines.Where(line => line.Path.StartsWith(prefix, StringComparison.Ordinal))
            .Where(line => (published.Find(Parent().Replace(line.Path, "")) ?? (oldest, null)) is var parent && (parent.First != line.First || parent.Last != line.Last))
            .Select(line => $"{line.Path[prefix.Length..]} {line.First}{(line.Last is null ? "" : $" {line.Last}")}\n").Order(StringComparer.Ordinal));
        GeneratedFile.ShouldBe(Path.Combine(PublishedContract.Root, "src", "RestorePoints.Emulator", "Arm", "PropertyVersions", $"{table}.txt"), expected);
    }

    /// <param name="first">Of the object that the model is: what a property without an attribute has.</param>
    private static int Compare(Type model, PropertyTable published, string path, string first, string? last, List<string> faults)
    {
        int count = 0;
        foreach (PropertyInfo property in model.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            string name = path + char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
            SinceAttribute? since = property.GetCustomAttribute<SinceAttribute>();
            (string First, string? Last) known = since is null ? (first, last) : (ApiVersions.IsBefore(since.ApiVersion, first) ? first : since.ApiVersion, since.Last);
            if (published.Find(name) is not { } line)
            {
                faults.Add($"{name} is not published");
                continue;
            }
            count++;
            if (line != known)
                faults.Add($"{name} is published {line.First}..{line.Last} and known {known.First}..{known.Last}");
            if (IsKeptAsRead(model, property.Name) && published.IsReadOnly(name) && property.GetCustomAttribute<ReadOnlyAttribute>()?.IsReadOnly != true)
                faults.Add($"{name} is read-only and is read");
            if (property.GetCustomAttribute<ValuesAttribute>() is { } values && values.Values.Except(published.Enum(name)).Any())
                faults.Add($"{name} has values that are not published: {string.Join(", ", values.Values.Except(published.Enum(name)))}");
            Type nested = property.PropertyType;
            if (nested.IsGenericType && typeof(IEnumerable).IsAssignableFrom(nested) && nested.GetGenericArguments() is [var element])
                (nested, name) = (element, name + "[]");
            if (nested.Namespace == typeof(DiskModel).Namespace && nested != typeof(RestorePointModel))
                count += Compare(nested, published, name + ".", known.First, known.Last, faults);
        }
        return count;
    }

    /// <summary>The properties of disks and snapshots are stored as they are read; of the other models the controllers pick what they read.</summary>
    private static bool IsKeptAsRead(Type model, string property) => (model == typeof(DiskPropertiesModel) || model == typeof(SnapshotPropertiesModel) || model == typeof(CreationDataModel) || model == typeof(DiskSkuModel))
        && property != nameof(DiskPropertiesModel.ProvisioningState);

    [GeneratedRegex(@"(\[\]|\{\}|\.[^.\[\]{}]+|^[^.\[\]{}]+)$")]
    private static partial Regex Parent();
}
