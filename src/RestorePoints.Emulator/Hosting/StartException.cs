using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Options;
using RestorePoints.SnapshotEngine;

namespace RestorePoints.Emulator.Hosting;

/// <summary>The emulator cannot start for a reason that whoever started it can remove. The message is all they need to see.</summary>
public sealed class StartException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>For <c>catch (Exception e) when (…)</c> around the whole of Program: true for what is to be printed as a message, with exit code 1.</summary>
    public static bool Explains(Exception exception, [NotNullWhen(true)] out string? message)
    {
        message = exception switch
        {
            StoreFormatException damage => $"RestorePoints cannot start, a file of the data directory cannot be read: {damage.Message} `verify` in the place of the first argument checks the whole directory.",
            StartException start => $"RestorePoints cannot start: {start.Message}",
            OptionsValidationException settings => $"RestorePoints cannot start: {string.Join(Environment.NewLine, settings.Failures)}",
            _ => null,
        };
        return message is not null;
    }
}
