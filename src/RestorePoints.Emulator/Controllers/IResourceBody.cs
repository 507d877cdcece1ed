using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.Controllers;

/// <summary>The body of a PUT. It may repeat what the URL says, and must not contradict it.</summary>
public interface IResourceBody
{
    string? Id { get; }
    string? Name { get; }
    string? Type { get; }

    /// <summary>Where the resource is to be; null: it has no region of its own.</summary>
    string? Location => null;
}

public static class ResourceBodies
{
    /// <summary>400 when a body names another resource than the URL. Compared without regard to case; what is absent or empty says nothing.</summary>
    public static void RequireSameResource(this IResourceBody body, HttpContext http)
    {
        string path = http.Request.Path.Value!.TrimEnd('/');
        ArmResourceTypeAttribute resourceType = http.GetEndpoint()!.Metadata.GetMetadata<ArmResourceTypeAttribute>()!;
        string provider = resourceType.Family == ApiVersionFamily.Resources ? "Microsoft.Resources" : ArmResourceId.Provider;
        Require("id", body.Id, path);
        Require("name", body.Name, path[(path.LastIndexOf('/') + 1)..]);
        Require("type", body.Type, $"{provider}/{resourceType.Type}");
    }

    private static void Require(string property, string? sent, string expected)
    {
        if (!string.IsNullOrEmpty(sent) && !sent.Equals(expected, StringComparison.OrdinalIgnoreCase))
            throw ArmErrors.InvalidParameter(property, $"The value '{sent}' of '{property}' in the request body does not match '{expected}' of the request URL.").AsException();
    }
}
