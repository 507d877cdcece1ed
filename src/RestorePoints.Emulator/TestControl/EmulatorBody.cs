using System.Text.Json;
using RestorePoints.Emulator.Arm;

namespace RestorePoints.Emulator.TestControl;

/// <summary>The JSON body of a call below /emulator, whatever its Content-Type says.</summary>
internal static class EmulatorBody
{
    private const int DeepestBody = 16;

    /// <exception cref="ArmException">InvalidRequestContent: no JSON, or a name stands twice in an object.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpRequest request)
    {
        try
        {
            return await JsonDocument.ParseAsync(request.Body, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = DeepestBody }, request.HttpContext.RequestAborted);
        }
        catch (JsonException fault)
        {
            throw ArmErrors.InvalidRequestContent(ArmJson.Describe(fault, "$")).AsException();
        }
    }
}
