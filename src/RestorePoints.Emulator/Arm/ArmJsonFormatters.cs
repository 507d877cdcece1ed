using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc.Formatters;

namespace RestorePoints.Emulator.Arm;

/// <summary>Reads an ARM request body with the properties of the request's api-version. Every fault is an <see cref="ArmException"/> with InvalidRequestContent.</summary>
public sealed class ArmJsonInputFormatter : TextInputFormatter, IInputFormatterExceptionPolicy
{
    /// <summary>Lets our <see cref="ArmException"/> through to the error middleware instead of into the model state.</summary>
    InputFormatterExceptionPolicy IInputFormatterExceptionPolicy.ExceptionPolicy => InputFormatterExceptionPolicy.MalformedInputExceptions;

    public ArmJsonInputFormatter()
    {
        SupportedEncodings.Add(Encoding.UTF8);
        SupportedMediaTypes.Add("application/json");
        SupportedMediaTypes.Add("text/json");
        SupportedMediaTypes.Add("application/*+json");
    }

    public override async Task<InputFormatterResult> ReadRequestBodyAsync(InputFormatterContext context, Encoding encoding)
    {
        try
        {
            object? model = await JsonSerializer.DeserializeAsync(context.HttpContext.Request.Body, context.ModelType,
                ArmJson.InputOptionsFor(context.HttpContext.ApiVersion()), context.HttpContext.RequestAborted);
            return model is null
                ? throw ArmErrors.InvalidRequestContent("The body must be a JSON object.").AsException()
                : await InputFormatterResult.SuccessAsync(model);
        }
        catch (JsonException fault)
        {
            throw ArmErrors.InvalidRequestContent(ArmJson.Describe(fault, "$")).AsException();
        }
    }
}

/// <summary>Writes an ARM answer with the properties of the request's api-version.</summary>
public sealed class ArmJsonOutputFormatter : TextOutputFormatter
{
    public ArmJsonOutputFormatter()
    {
        SupportedEncodings.Add(new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        SupportedMediaTypes.Add("application/json");
    }

    public override Task WriteResponseBodyAsync(OutputFormatterWriteContext context, Encoding selectedEncoding) =>
        context.Object is null
            ? Task.CompletedTask
            : context.HttpContext.WriteArmJsonAsync(context.Object, context.HttpContext.ApiVersion());
}
