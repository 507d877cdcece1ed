using System.Collections;
using System.ComponentModel;
using System.Reflection;
using Microsoft.Extensions.Options;

namespace RestorePoints.Emulator;

/// <summary>
/// Reads the section <c>Emulator</c>: profile first, then the settings over its defaults. The framework's binder drops what it does not
/// know; here a name that is no setting, or a value of the wrong kind, is refused with the names or values that are allowed.
/// </summary>
public static class EmulatorOptionsReader
{
    /// <summary>Settings that are planned but do nothing yet: refused rather than accepted without effect.</summary>
    private static readonly string[] NotImplemented = ["IndexCacheBytes"];

    /// <exception cref="OptionsValidationException">With every fault found, not only the first.</exception>
    public static void Read(IConfiguration configuration, EmulatorOptions options)
    {
        IConfigurationSection section = configuration.GetSection(EmulatorOptions.Section);
        string[] faults = [.. FaultsOf(section, typeof(EmulatorOptions))];
        if (faults.Length > 0)
            throw new OptionsValidationException(EmulatorOptions.Section, typeof(EmulatorOptions), faults);

        ProfileDefaults.Apply(section.GetValue(nameof(EmulatorOptions.Profile), EmulatorProfile.Fast), options);
        section.Bind(options);
        // Given without an entry (PrivateNetworks=), it is empty: every caller is public.
        if (!section.GetSection(nameof(EmulatorOptions.PrivateNetworks)).Exists())
            options.PrivateNetworks.AddRange(["127.0.0.0/8", "::1/128"]);
        if (options.Subscriptions.Count == 0)
            options.Subscriptions.Add(new SubscriptionOptions { Id = SubscriptionOptions.DefaultId });
    }

    private static IEnumerable<string> FaultsOf(IConfigurationSection section, Type type)
    {
        Dictionary<string, PropertyInfo> settings = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite)
            .ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
        if (section.Value is { Length: > 0 })
            yield return $"{section.Path} takes no value of its own; its settings are {string.Join(", ", settings.Keys)}.";
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (settings.TryGetValue(child.Key, out PropertyInfo? setting))
                foreach (string fault in FaultsOfValue(child, setting.PropertyType))
                    yield return fault;
            else if (type == typeof(EmulatorOptions) && NotImplemented.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                yield return $"{child.Path} is not implemented yet; leave it out.";
            else
                yield return $"{child.Path} is not a setting; the settings there are {string.Join(", ", settings.Keys)}.";
        }
    }

    private static IEnumerable<string> FaultsOfValue(IConfigurationSection section, Type type)
    {
        if (type.IsAssignableTo(typeof(IList)))
            return FaultsOfList(section, type.GetGenericArguments()[0]);
        if (type == typeof(string) || type.IsValueType)
            return FaultsOfScalar(section, type);
        return FaultsOf(section, type);
    }

    private static IEnumerable<string> FaultsOfList(IConfigurationSection section, Type element)
    {
        if (section.Value is { Length: > 0 })
            yield return $"{section.Path} is a list: give {section.Path}:0, {section.Path}:1 and so on.";
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!int.TryParse(child.Key, out _))
                yield return $"{child.Path} is no entry of a list: give {section.Path}:0, {section.Path}:1 and so on.";
            foreach (string fault in FaultsOfValue(child, element))
                yield return fault;
        }
    }

    private static IEnumerable<string> FaultsOfScalar(IConfigurationSection section, Type type)
    {
        if (section.GetChildren().Any())
            yield return $"{section.Path} takes one value, not a section.";
        else if (type.IsEnum && !Enum.GetNames(type).Contains(section.Value, StringComparer.OrdinalIgnoreCase))
            yield return $"{section.Path}={section.Value} is not allowed; allowed are {string.Join(", ", Enum.GetNames(type))}.";
        else if (!type.IsEnum && !TypeDescriptor.GetConverter(type).IsValid(section.Value ?? ""))
            yield return $"{section.Path}={section.Value} is not allowed; allowed is {(type == typeof(Guid) ? "a GUID" : "a whole number")}.";
    }
}
