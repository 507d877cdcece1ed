using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace RestorePoints.Emulator.Arm;

/// <summary>
/// What api-versions know of bodies that are kept as JSON. The embedded tables have one line for each published property that is younger than the
/// object it is in, or that went away: <c>path first [last]</c>. Names that no version knows are left alone.
/// </summary>
public sealed class PropertyVersions
{
    private readonly List<(string[] Path, SinceAttribute Versions)> _lines;
    private readonly ConcurrentDictionary<string, Branch> _removalsByVersion = new(StringComparer.Ordinal);

    private PropertyVersions(string table)
    {
        using var reader = new StreamReader(typeof(PropertyVersions).Assembly.GetManifestResourceStream($"{table}.txt") ?? throw new FileNotFoundException(table));
        _lines = [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
            .Select(parts => (PathOf(parts[0]), new SinceAttribute(parts[1]) { Last = parts.ElementAtOrDefault(2) }))];
    }

    /// <summary>A virtual machine, from its root.</summary>
    public static PropertyVersions VirtualMachine { get; } = new("virtualMachines");

    /// <summary><c>properties.sourceMetadata</c> of a restore point.</summary>
    public static PropertyVersions SourceMetadata { get; } = new("sourceMetadata");

    /// <summary>Takes out what the api-version does not know.</summary>
    /// <param name="path">Where in the table <paramref name="body"/> is: <c>properties.instanceView</c>; empty for the root.</param>
    public void RemoveUnknown(JsonNode body, string apiVersion, string path = "")
    {
        Branch? branch = _removalsByVersion.GetOrAdd(apiVersion, RemovalsOf);
        foreach (string step in path.Length == 0 ? [] : PathOf(path))
            branch = branch?.Children.GetValueOrDefault(step);
        if (branch is not null)
            Remove(body, branch);
    }

    private static string[] PathOf(string path) => path.Replace("[]", ".[]", StringComparison.Ordinal).Split('.');

    private Branch RemovalsOf(string apiVersion)
    {
        Branch root = new();
        foreach ((string[] path, SinceAttribute versions) in _lines.Where(line => !line.Versions.Includes(apiVersion)))
        {
            Branch branch = root;
            foreach (string step in path)
            {
                if (!branch.Children.TryGetValue(step, out Branch? next))
                    branch.Children[step] = next = new Branch();
                branch = next;
            }
            branch.IsRemoved = true;
        }
        return root;
    }

    private static void Remove(JsonNode? node, Branch branch)
    {
        if (node is JsonArray array && branch.Children.TryGetValue("[]", out Branch? elements))
        {
            foreach (JsonNode? element in array)
                Remove(element, elements);
        }
        else if (node is JsonObject container)
        {
            foreach (string name in container.Where(member => branch.Children.ContainsKey(member.Key)).Select(member => member.Key).ToList())
            {
                if (branch.Children[name].IsRemoved)
                    container.Remove(name);
                else
                    Remove(container[name], branch.Children[name]);
            }
        }
    }

    private sealed class Branch
    {
        public bool IsRemoved { get; set; }

        /// <summary>By property name without regard to case; <c>[]</c> is an element.</summary>
        public Dictionary<string, Branch> Children { get; } = new(StringComparer.OrdinalIgnoreCase);
    }
}
